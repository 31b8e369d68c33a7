import type { ChildSessions } from '../../contract/child-sessions.ts';
import type { Clock } from '../../contract/clock.ts';
import type {
  HookContext,
  PluginHooks,
  PluginNode,
  StepAnswer,
  ToolCallRuling,
  TurnEnding,
  TurnPath,
  ViewContext,
} from '../../contract/plugin.ts';
import type { SessionTasks } from '../../contract/task.ts';
import { LashError } from '../../core/error.ts';
import { freeze } from '../../core/freeze.ts';
import type { Part, ToolCallPart } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import type { PromptLayerData } from '../../core/prompt-layer.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { addContribution, emptyLayer } from '../../prompt/layer.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { SecretVault } from '../secrets.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, type HookCall, hookInvalid, type HookTime, readAnswer } from './call-hook.ts';
import {
  isAbort,
  isAnswer,
  isContribution,
  isNames,
  isNode,
  isOutcome,
  isPluginNode,
  isRuling,
} from './hook-answers.ts';
import { stateDuring } from './state-during.ts';
import { MAX_STATE_BYTES, stateBytes } from './stateful-plugin.ts';

/** What of a turn its hooks are asked about. */
export interface HookTurn {
  readonly turnId: string;
  readonly step: number;
  /** Nobody waits for a hook once this aborts. */
  readonly signal?: AbortSignal;
  readonly sessions: ChildSessions;
}

/** What the hooks of a turn stand on. */
interface HookParts {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  readonly path: TurnPath;
  readonly attachmentStore: SessionAttachmentStore;
  readonly tasks: () => SessionTasks | null;
}

type Context = HookContext<unknown>;
type HookName = Exclude<keyof PluginHooks<unknown>, 'tools' | 'backgroundTasks'>;

/** Calls the hook that is asked, of a plugin that has it. */
type Ask = (hooks: PluginHooks<unknown>, context: Context) => unknown;
/** Takes an answer that is one. `true`: nobody else is asked. */
type Take = (answer: unknown, call: HookCall) => boolean | void;

/**
 * Asks the plugins of a session about one step of a turn (rules PL1 to PL5). Every method throws `PluginFailed`, and the reason
 * of the turn's signal once that aborted.
 */
export class TurnHooks {
  readonly #plugins: readonly BuiltPlugin[];
  readonly #parts: HookParts;
  readonly #turn: HookTurn;

  constructor(plugins: readonly BuiltPlugin[], parts: HookParts, turn: HookTurn) {
    this.#plugins = plugins;
    this.#parts = parts;
    this.#turn = turn;
  }

  /** Before the model is called, for the first time in the turn or again. @throws `TurnAborted` too */
  async beforeStep(isFirst: boolean): Promise<void> {
    if (isFirst) await this.#each('beforeTurn', (hooks, context) => hooks.beforeTurn?.(context), abort);
    await this.#each('beforeStep', (hooks, context) => hooks.beforeStep?.(context), abort);
    await this.prepareTools();
  }

  /** Before the session's tools are looked at. */
  async prepareTools(): Promise<void> {
    await this.#each(
      'prepareTools',
      (hooks, context) => hooks.prepareTools?.(context),
      () => false,
    );
  }

  /** A layer of the prompt for each plugin that contributes. */
  async prompt(): Promise<readonly PromptLayerData[]> {
    const layers: PromptLayerData[] = [];
    const ask: Ask = (hooks, context) => hooks.prompt?.(context);
    await this.#each('prompt', ask, (answer, call) => {
      if (!Array.isArray(answer) || !answer.every(isContribution))
        throw hookInvalid(call, 'contributions: a slot and a content each');
      const source = call.plugin;
      const pieces = this.#parts.secrets.redactJson(answer).map((piece) => ({ ...piece, source }));
      if (pieces.length > 0) layers.push(pieces.reduce(addContribution, emptyLayer));
    });
    return layers;
  }

  /** Which of these tools the model is offered, in their order. */
  async availableTools(names: readonly string[]): Promise<readonly string[]> {
    let left: readonly string[] = Object.freeze([...names]);
    const ask: Ask = (hooks, context) => hooks.availableTools?.(left, context);
    await this.#each('availableTools', ask, (answer, call) => {
      if (!isNames(answer)) throw hookInvalid(call, 'names of tools');
      left = Object.freeze(left.filter((name) => answer.includes(name)));
    });
    return left;
  }

  /** What the model is shown of these nodes, which may take about so many tokens. */
  async viewContext(nodes: readonly SessionNode[], budgetTokens: number): Promise<readonly SessionNode[]> {
    let view = freeze(nodes);
    const ask: Ask = (hooks, context) => {
      const seeing: ViewContext<unknown> = Object.assign(context, { budgetTokens });
      return hooks.viewContext?.(view, seeing);
    };
    await this.#each('viewContext', ask, (answer, call) => {
      if (!Array.isArray(answer) || !answer.every(isNode)) throw hookInvalid(call, 'nodes');
      const known = new Set(view);
      view = freeze(
        answer.map((node) =>
          known.has(node) ? node : this.#parts.secrets.redactJson(structuredClone(node)),
        ),
      );
    });
    return view;
  }

  /** What is shown of text as it streams. */
  transformText(text: string): string {
    let shown = text;
    for (const built of this.#plugins) {
      if (built.hooks.transformText === undefined) continue;
      const call = this.#call(built, 'transformText');
      const answer: unknown = callHook(call, (time) =>
        built.hooks.transformText?.(shown, this.#context(built, time)),
      );
      if (answer === undefined) continue;
      if (answer instanceof Promise) answer.catch(() => undefined);
      if (typeof answer !== 'string') throw hookInvalid(call, 'text, at once');
      shown = this.#parts.secrets.redactText(answer);
    }
    return shown;
  }

  /** What a model's answer becomes, after which the plugins are told of it. */
  async answered({ parts, usage }: StepAnswer): Promise<readonly Part[]> {
    let changed = freeze(structuredClone(parts));
    const spent = freeze(structuredClone(usage));
    const calls = new Set(parts.flatMap((part) => (part.type === 'tool-call' ? [part.callId] : [])));
    const answered = (): StepAnswer => Object.freeze({ parts: changed, usage: spent });
    const ask: Ask = (hooks, context) => hooks.transformAnswer?.(answered(), context);
    await this.#each('transformAnswer', ask, (answer, call) => {
      if (!isAnswer(answer, calls))
        throw hookInvalid(call, 'parts of an answer, and no calls that it had not');
      changed = freeze(this.#parts.secrets.redactJson(structuredClone(answer)));
    });
    const tell: Ask = (hooks, context) => hooks.afterStep?.(answered(), context);
    await this.#each('afterStep', tell, () => false);
    return changed;
  }

  /** What is to become of a call: the arguments that it runs with, or how the chain was ended. */
  async beforeToolCall(asked: ToolCallPart): Promise<ToolCallRuling> {
    let ruling: ToolCallRuling = { kind: 'args', args: asked.args };
    let { args } = asked;
    const shown = (): ToolCallPart => freeze(structuredClone({ ...asked, args }));
    const ask: Ask = (hooks, context) => hooks.beforeToolCall?.(shown(), context);
    await this.#each('beforeToolCall', ask, (answer, call) => {
      if (!isRuling(answer)) throw hookInvalid(call, 'a ruling: args, answer, deny or ask');
      ruling = this.#parts.secrets.redactJson(structuredClone(answer));
      if (ruling.kind === 'args') ({ args } = ruling);
      return ruling.kind !== 'args';
    });
    return ruling;
  }

  /** What the outcome of a call becomes. */
  async afterToolCall(asked: ToolCallPart, outcome: ToolOutcome): Promise<ToolOutcome> {
    let changed = freeze(structuredClone(outcome));
    const shown = freeze(structuredClone(asked));
    const ask: Ask = (hooks, context) => hooks.afterToolCall?.(shown, changed, context);
    await this.#each('afterToolCall', ask, (answer, call) => {
      if (!isOutcome(answer)) throw hookInvalid(call, 'an outcome');
      // The next one may store it.
      changed = freeze(this.#parts.secrets.redactJson(structuredClone(answer)));
    });
    return changed;
  }

  /**
   * Tells the plugins how the turn is about to end: each, whatever another one does. Resolves with the nodes that they add.
   * `failed` is told what went wrong.
   */
  async afterTurn(ending: TurnEnding, failed: (error: unknown) => void): Promise<readonly PluginNode[]> {
    const told = freeze(structuredClone(ending));
    const added: PluginNode[] = [];
    const tell: Ask = (hooks, context) => hooks.afterTurn?.(told, context);
    const take: Take = (answer, call) => {
      if (!Array.isArray(answer) || !answer.every(isPluginNode))
        throw hookInvalid(call, 'nothing, or nodes: a pluginType and data each');
      if (answer.some(({ data }) => stateBytes(data) > MAX_STATE_BYTES))
        throw hookInvalid(call, `nodes with at most ${MAX_STATE_BYTES} bytes of data each`);
      const nodes = answer.map(({ pluginType, data }) => structuredClone({ pluginType, data }));
      added.push(...this.#parts.secrets.redactJson(nodes));
    };
    await this.#each('afterTurn', tell, take, failed);
    return added;
  }

  /** Asks the plugins that have `hook`, one after the other. What goes wrong ends that, unless it is told to `failed`. */
  async #each(hook: HookName, ask: Ask, take: Take, failed?: (error: unknown) => void): Promise<void> {
    for (const built of this.#plugins) {
      if (built.hooks[hook] === undefined) continue;
      const call = this.#call(built, hook);
      try {
        const given = callHook(call, (time) => ask(built.hooks, this.#context(built, time)));
        // A hook that answers at once costs no wait: most of them do nothing most of the time.
        const answer: unknown = given instanceof Promise ? await given : given;
        if (answer !== undefined && readAnswer(call, () => take(answer, call)) === true) return;
      } catch (error) {
        if (failed === undefined) throw error;
        failed(error);
      }
    }
  }

  #call({ plugin: { id, timeoutMs }, gate }: BuiltPlugin, hook: string): HookCall {
    return { plugin: id, hook, timeoutMs, clock: this.#parts.clock, signal: this.#turn.signal, gate };
  }

  #context({ plugin, state }: BuiltPlugin, time: HookTime): Context {
    const { turnId, step, sessions } = this.#turn;
    const { sessionId, path, attachmentStore, tasks } = this.#parts;
    return {
      sessionId,
      tasks: tasks(),
      turnId,
      step,
      path,
      attachmentStore,
      sessions,
      state: stateDuring(plugin.id, state, () => !time.isOver),
      get signal() {
        return time.signal;
      },
    };
  }
}

/** Ends the turn that a plugin wants to be ended. */
function abort(answer: unknown, call: HookCall): never {
  if (!isAbort(answer)) throw hookInvalid(call, 'nothing, or { abort } with a reason');
  const { plugin } = call;
  const { abort: reason } = answer;
  throw new LashError('TurnAborted', `The plugin ${plugin} ended the turn: ${reason}`, { plugin, reason });
}
