import type { SessionEvent } from '../core/event.ts';
import type { JsonValue } from '../core/json.ts';
import type { Part, ToolCallPart } from '../core/message.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { PromptContributionData } from '../core/prompt-layer.ts';
import type { ToolOutcome } from '../core/tool-call.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { AttachmentStore } from './attachments.ts';
import type { ChildSessions } from './child-sessions.ts';
import type { PluginState, StateDefinition } from './plugin-state.ts';
import type { BackgroundTaskDefinition, SessionTasks } from './task.ts';
import type { Tool } from './tool.ts';

/** The session that a plugin was built for. */
export interface PluginSessionInfo<State> {
  readonly sessionId: string;
  /** Whether the environment has a host for background tasks. */
  readonly backgroundTasksAvailable: boolean;
  readonly state: PluginState<State>;
}

/** The path that a turn stands on, as its hooks read it. */
export interface TurnPath {
  /**
   * The path to a node of it, that one included, page by page: the newest page first, and in each the oldest node first.
   * Without `to` it ends where the turn is; `null` stands before the root. Nothing of it is kept: whoever reads on pays for it.
   */
  pages(to?: string | null): AsyncIterable<readonly SessionNode[]>;
  /** About how many tokens a model reads for a node. */
  tokensOf(node: SessionNode): number;
}

/** What a hook of a turn is given besides its subject. */
export interface HookContext<State> {
  readonly sessionId: string;
  readonly turnId: string;
  /** Which model call of the turn this is about, from 0; in `afterTurn` the last one. */
  readonly step: number;
  /** Aborts when the turn is stopped, and when the hook has taken too long. */
  readonly signal: AbortSignal;
  readonly state: PluginState<State>;
  /** The path that the turn stands on. */
  readonly path: TurnPath;
  /** What it puts is for the turn's next commit (law ST11). */
  readonly attachmentStore: Pick<AttachmentStore, 'get' | 'put'>;
  /** The session's background tasks; `null` where the environment has no host for them. */
  readonly tasks: SessionTasks | null;
  /**
   * Child sessions of the session. What is opened is closed when the model call, the tool call or the end of the turn is over
   * that the hook belongs to.
   */
  readonly sessions: ChildSessions;
}

/** What `viewContext` is given besides the nodes. */
export interface ViewContext<State> extends HookContext<State> {
  /** About how many tokens of the model's context the nodes may take together. */
  readonly budgetTokens: number;
}

/** A node that a plugin adds to the path: the model is not shown it, and `viewContext` finds it there. */
export interface PluginNode {
  /** What it is, in the plugin's own words: `<plugin>.<kind>` by convention. */
  readonly pluginType: string;
  /** JSON data of at most 64 KiB. */
  readonly data: JsonValue;
}

/** Ends the turn before the model is called: it fails with `TurnAborted`. */
export interface TurnAbort {
  readonly abort: string;
}

/** A model's answer, as a step ends with it. */
export interface StepAnswer {
  readonly parts: readonly Part[];
  readonly usage: TokenUsage;
}

/** What is to become of a tool call. */
export type ToolCallRuling =
  /** It runs with these arguments; the history keeps those that the model wrote. */
  | { readonly kind: 'args'; readonly args: JsonValue }
  /** It does not run, and the model reads this as its result. */
  | { readonly kind: 'answer'; readonly value: JsonValue }
  /** It does not run, and the model is told why (`ToolDenied`). */
  | { readonly kind: 'deny'; readonly reason: string }
  /** Somebody is asked, as by the tool's own `approval`. */
  | { readonly kind: 'ask' };

/** How a turn is about to end. */
export type TurnEnding = Pick<TurnResult, 'status' | 'reason' | 'error'> & { readonly usage: TokenUsage };

type Awaitable<T> = T | Promise<T>;

/** What an action is given besides its arguments. Its signal aborts when it has taken too long, and when the session is closed. */
export type ActionContext<State> = Pick<HookContext<State>, 'sessionId' | 'signal' | 'state' | 'tasks'>;

/** What pages can ask of a plugin: `session.runAction`. */
export interface PluginAction<State> {
  /**
   * Whether it may change the state. It then has the writer's lease, is refused during a turn (`TurnRunning`), and answers once
   * the change is stored: at the node where the session is, so that there must be one.
   */
  readonly writes?: boolean;
  /** What the page is answered: JSON data; nothing is `null`. A failure is the page's (`PluginFailed`), and nothing is stored. */
  run(args: JsonValue, context: ActionContext<State>): Awaitable<JsonValue | undefined>;
}

/**
 * What a plugin does in a session. Every hook is optional.
 *
 * - PL1 Hooks of several plugins are called by `priority`, lower first, and then in the order of the host's list. Of one
 *   kind there are three: **all** are called, and their answers joined; in a **chain** each is given what the one before it
 *   returned, and returning nothing leaves that as it is; of **first** the first answer counts, and nobody behind it is asked.
 * - PL2 A hook may wait where its type says so, for as long as the plugin's `timeoutMs`. One that throws, takes longer, or
 *   answers with something else than its type says is `PluginFailed`, which names plugin and hook. So is a hook that there is
 *   not, and one that is something else than its type says, which keep the session from opening.
 * - PL3 What that does is said at each hook. Whatever it is, the turn ends with exactly one terminal event (law TU6), and the
 *   session goes on.
 * - PL4 Hooks of a model call run again when the call is made again: after a failed attempt, a wait, or a crash before its
 *   outcome was recorded; so do those of a tool call that is started again. Once the outcome is recorded none of them does (law TU3).
 * - PL5 What hooks are given is frozen. What they return is data, is copied, and holds no secret afterwards (law SE1).
 */
export interface PluginHooks<State> {
  /**
   * Tools of the session. Names that two plugins, or a plugin and the host, give are refused when the session opens; what a page
   * offers later under such a name is not offered to the model. A function is asked at every use, so that its tools may come and
   * go between model calls; those whose name is taken by then are left out. One that throws, or gives something else than tools,
   * gives none, and that is traced.
   */
  readonly tools?: readonly Tool[] | (() => readonly Tool[]);
  /**
   * All; may wait; before the session's tools are looked at: for a model call, behind `beforeStep`, and for a call whose tool is
   * not there, as in a turn that goes on in another tab. Time to get what the function `tools` gives. A failure ends the turn, or is
   * the call's.
   */
  prepareTools?(context: HookContext<State>): Awaitable<void>;
  /**
   * What runs in the background once somebody starts it: `tasks.start`. Two of one name are refused when the session opens. It may
   * run on when the session is closed here, and this plugin with it.
   */
  readonly backgroundTasks?: readonly BackgroundTaskDefinition[];
  /** By name. */
  readonly actions?: Readonly<Record<string, PluginAction<State>>>;
  /**
   * All; may wait; before each model call. Pieces of the system prompt, between those of the environment and of the session.
   * A failure ends the turn.
   */
  prompt?(context: HookContext<State>): Awaitable<readonly PromptContributionData[] | undefined>;
  /**
   * Chain; may wait; before each model call. Which of these tools the model is offered; names that are not among them count
   * for nothing. A failure ends the turn.
   */
  availableTools?(
    names: readonly string[],
    context: HookContext<State>,
  ): Awaitable<readonly string[] | undefined>;
  /** First; may wait; before the first model call of a turn. A failure ends the turn. */
  beforeTurn?(context: HookContext<State>): Awaitable<TurnAbort | undefined | void>;
  /** First; may wait; before each model call. A failure ends the turn. */
  beforeStep?(context: HookContext<State>): Awaitable<TurnAbort | undefined | void>;
  /**
   * Chain; may wait; before each model call. The nodes that the model is shown, oldest first: what it returns instead is for
   * this call alone, and changes no history (law TU2). The first of a chain is given the newest whole turns that fit the
   * model's context; older ones it finds by `context.path`. What it returns should follow from the path and the plugin's state
   * alone, so that a call that is made again shows the same. A failure ends the turn.
   */
  viewContext?(
    nodes: readonly SessionNode[],
    context: ViewContext<State>,
  ): Awaitable<readonly SessionNode[] | undefined>;
  /**
   * Chain; may not wait; for each piece of text, as it streams. What is shown instead; `transformAnswer` decides what is
   * stored. A failure ends the turn.
   */
  transformText?(text: string, context: HookContext<State>): string | undefined;
  /**
   * Chain; may wait; once a model has answered. What the answer is instead: text, reasoning, and calls that it made. A failure
   * ends the turn.
   */
  transformAnswer?(answer: StepAnswer, context: HookContext<State>): Awaitable<readonly Part[] | undefined>;
  /** All; may wait; after `transformAnswer`, before the answer's tool calls. A failure ends the turn. */
  afterStep?(answer: StepAnswer, context: HookContext<State>): Awaitable<void>;
  /**
   * Chain over the arguments; may wait; before a call's arguments are checked. `args` goes on to the next plugin, any other
   * ruling ends the chain. What somebody approved runs without being asked again. A failure is the call's, and the model sees it.
   */
  beforeToolCall?(
    call: ToolCallPart,
    context: HookContext<State>,
  ): Awaitable<ToolCallRuling | undefined | void>;
  /** Chain; may wait; once a call ran. What its outcome is instead. A failure is the call's, and the model sees it. */
  afterToolCall?(
    call: ToolCallPart,
    outcome: ToolOutcome,
    context: HookContext<State>,
  ): Awaitable<ToolOutcome | undefined>;
  /**
   * All; may wait; before the last commit of a turn, which stores what they change, and appends the nodes that they return
   * behind its answer, in their order: the last one is the leaf then. It is asked once, and once more after a crash before that
   * commit. `context.path` ends before the nodes of that commit. A failure is a warning; so are nodes that do not fit into it,
   * which are left out together, as they are where there is no node to append them to, or the commit fails. Whoever stops the
   * turn meanwhile stops the hook alone: the turn has ended.
   */
  afterTurn?(
    ending: TurnEnding,
    context: HookContext<State>,
  ): Awaitable<readonly PluginNode[] | undefined | void>;
  /** All; nobody waits; what happens in the session, also in other tabs. A failure is traced. */
  onEvent?(event: SessionEvent): Awaitable<void>;
  /**
   * Chain; may wait; before `setPolicy` stores a changed policy, and before a session that is opened with a policy runs with that. A
   * failure refuses the change, or the opening. A new session is stored before its plugins are built: what it was created with is
   * the previous policy then. Nobody is asked about the policy of a child session.
   */
  changePolicy?(policy: SessionPolicy, previous: SessionPolicy): Awaitable<SessionPolicy | undefined>;
  /** The session is closed, parked or deleted here. A failure is traced. */
  dispose?(): void;
}

/** A unit of extension, as its author writes it; `Built` is what its `build` returns. */
export interface PluginDefinition<State, Built = PluginHooks<State>> {
  /** 1 to 64 letters, digits, `.`, `_` and `-`; unique within a host. */
  readonly id: string;
  /** Of the state; a whole number from 0 on. */
  readonly version: number;
  /** What it keeps of a session. */
  readonly state?: StateDefinition<State>;
  /** Lower comes first. Default 0. */
  readonly priority?: number;
  /** How long a hook may take, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /** What it does in a session. */
  readonly hooks?: PluginHooks<State>;
  /**
   * Makes the hooks of one session, in place of `hooks`: called once for each session that opens. It must be cheap, and answer at
   * once.
   */
  build?(session: PluginSessionInfo<State>): Built;
}

/** A plugin, whatever its state. */
export type Plugin = PluginDefinition<unknown>;

/**
 * `plugin` itself: hooks that do not fit it do not compile. Leave `State` to be found from the schema: where it is written out, a
 * hook that there is not compiles in what `build` returns, and keeps the session from opening instead (rule PL2).
 */
export function definePlugin<State = null, Built extends PluginHooks<State> = PluginHooks<State>>(
  plugin: PluginDefinition<State, Built & Record<Exclude<keyof Built, keyof PluginHooks<State>>, never>>,
): Plugin {
  return plugin;
}
