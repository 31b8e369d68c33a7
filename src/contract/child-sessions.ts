import type { TurnActivity } from '../core/event.ts';
import type { JsonObject } from '../core/json.ts';
import type { Page, SessionPolicy, SessionSummary } from '../core/policy.ts';
import type { PromptLayerData } from '../core/prompt-layer.ts';
import type { TurnInput } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { UsageEntry } from '../core/usage.ts';

/** What a child session begins with. With a path comes what plugins keep where it ends (rule PS1). */
export type ChildStart =
  /** Nothing. */
  | { readonly kind: 'empty' }
  /** A copy of the parent's path up to this node; absent: up to where the turn is that asks. */
  | { readonly kind: 'path'; readonly nodeId?: string }
  /** A copy of the active path of another session. */
  | { readonly kind: 'session'; readonly sessionId: string };

/** The child that somebody wants. */
export interface ChildRequest {
  /**
   * Names the child within the call that asks, 1 to 64 bytes: the same call asks for the same child again after a crash,
   * and finds it.
   */
  readonly key: string;
  /** What its tokens are counted as in the parent's ledger. Default `child`. */
  readonly source?: string;
  readonly title?: string;
  /** Default: as the parent is run now. `tools` does not count here. */
  readonly policy?: Partial<SessionPolicy>;
  /** Default: empty. */
  readonly start?: ChildStart;
  /** The names of the parent's tools that it may use. Default: none. */
  readonly tools?: readonly string[];
  /** A layer above the prompt of its policy, for each of its turns. */
  readonly prompt?: PromptLayerData;
}

/** The session that is to go on in place of this one, and what it is told first. */
export interface HandOffRequest extends Pick<ChildRequest, 'title' | 'policy' | 'start'> {
  /** Waits in its queue: whoever opens it goes on with it. */
  readonly input: TurnInput;
}

/** Options of a child's turn. */
export interface ChildTurnOptions {
  /** The turn's id within the child. The same id is the same turn (law TU1). Default `task`. */
  readonly inputId?: string;
  /** Stops the turn when it aborts. It stops with the call that asks in any case. */
  readonly signal?: AbortSignal;
  /** The answer is to be JSON that this schema takes; it is the result's `value`. */
  readonly answer?: { readonly schema: JsonObject };
  /**
   * Is told what happens in it; where it runs already, first what it shows. What it waits for an approval of is answered in the
   * parent as in the child: `answer(requestId, …)`.
   */
  readonly onActivity?: (activity: TurnActivity) => void;
}

/** How a child's turn ended. */
export interface ChildResult extends TurnResult {
  /** What the model said last: the text of the answer, empty where there is none. */
  readonly text: string;
  /** All that the turn used, its own children included, by source and model. */
  readonly spent: readonly UsageEntry[];
}

/** A child session that is open here. */
export interface ChildSession {
  readonly sessionId: string;
  /** Runs a turn to its end, or finds how it ended. It rejects only if the input was not accepted. */
  turn(input: TurnInput, options?: ChildTurnOptions): Promise<ChildResult>;
  /** Stops what runs, and closes it, as the end of the call does. It stays stored. */
  close(): Promise<void>;
  /**
   * Closes and deletes it, with its own children, for good (law ST12); with its background tasks too, but those whose policy is to
   * go on in the parent.
   */
  delete(): Promise<void>;
}

/**
 * The children of a session, as a hook or a tool sees them. All that they use until the call ends that asked is counted with
 * it in the parent's ledger, once, by source and model, through grandchildren.
 *
 * - CH1 The same key in the same call is the same child, also after a reload, and where it was closed meanwhile: a child is
 *   found again, and made once. One that was deleted is made anew. Where a page has it open already, the call works beside
 *   that, as another tab would: either one may run its turn, and both see how it ends.
 * - CH2 A child has the providers, secrets and plugins of its parent, and only the tools that it was given.
 * - CH3 When the call ends that asked for a child, or is stopped, the child's turns are stopped, those that wait included, and
 *   the child is closed. Its background tasks are cancelled, where their policy says so, or become the parent's (rule BH5). Where
 *   the call's tab is gone, whoever goes on with the turn sees to that.
 * - CH4 How deep children may have children, and how many of one session may be open, is limited: `ChildLimitReached`.
 * - CH5 Deleting a session deletes its children. A child whose parent is gone is like any other session.
 * - CH6 A tool call passes the conversation on once: asked again with the same input it is the same session. A child passes
 *   nothing on, since its parent waits for its own answer.
 */
export interface ChildSessions {
  /** Opens a child, and makes it if there is none yet. @throws `ChildLimitReached`, `InvalidInput`, what opening throws */
  open(request: ChildRequest): Promise<ChildSession>;
  /**
   * Ends the turn once its tool calls are over, as `handoff`, and names the session that goes on, whose id this resolves with.
   * That session is stored by then, with its first input in its queue. One that the turn's end does not name is deleted again
   * once that is stored, unless somebody has begun its first turn: of a call that failed, of a turn that was stopped, or where
   * another call was first. Where the tab dies in between it stays.
   *
   * @throws `Unsupported` within a child (rule CH6), and outside of a tool call: in hooks but `afterToolCall`;
   *   `OperationConflict` where the call has passed on with another input
   */
  handOff(request: HandOffRequest): Promise<string>;
  /**
   * Deletes a child of this session that is stored, open or not, with its own children, for good (law ST12). What it used
   * stays counted.
   *
   * @throws `SessionNotFound` for what is no child of this session, and what opening throws
   */
  delete(sessionId: string): Promise<void>;
  /** The children of this session that are stored, newest change first. */
  list(page?: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>>;
}
