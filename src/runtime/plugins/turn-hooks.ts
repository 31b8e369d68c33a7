import type { Clock } from '../../contract/clock.ts';
import type {
  HookContext,
  PluginHooks,
  StepAnswer,
  ToolCallRuling,
  TurnAbort,
  TurnEnding,
} from '../../contract/plugin.ts';
import { LashError } from '../../core/error.ts';
import { findNonJson } from '../../core/json.ts';
import type { Part, ToolCallPart } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import { PROMPT_SLOTS, type PromptContributionData, type PromptLayerData } from '../../core/prompt-layer.ts';
import type { ToolOutcome } from '../../core/tool-call.ts';
import { addContribution, emptyLayer } from '../../prompt/layer.ts';
import type { SecretVault } from '../secrets.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, callNow, type HookCall, hookInvalid, HookTime } from './call-hook.ts';

/** What of a turn its hooks are asked about. */
export interface HookTurn {
  readonly turnId: string;
  readonly step: number;
  /** Nobody waits for a hook once this aborts. */
  readonly signal?: AbortSignal;
}

/** What the hooks of a turn stand on. */
interface HookParts {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly secrets: SecretVault;
}

type Context = HookContext<unknown>;
type HookName = Exclude<keyof PluginHooks<unknown>, 'tools'>;

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
    let left = names;
    const ask: Ask = (hooks, context) => hooks.availableTools?.(left, context);
    await this.#each('availableTools', ask, (answer, call) => {
      if (!Array.isArray(answer)) throw hookInvalid(call, 'names of tools');
      left = left.filter((name) => answer.includes(name));
    });
    return left;
  }

  /** What the model is shown of these nodes. */
  async viewContext(nodes: readonly SessionNode[]): Promise<readonly SessionNode[]> {
    let view = nodes;
    const ask: Ask = (hooks, context) => hooks.viewContext?.(view, context);
    await this.#each('viewContext', ask, (answer, call) => {
      if (!Array.isArray(answer) || !answer.every(isNode)) throw hookInvalid(call, 'nodes');
      view = answer;
    });
    return view;
  }

  /** What is shown of text as it streams. */
  transformText(text: string): string {
    let shown = text;
    for (const built of this.#plugins) {
      if (built.hooks.transformText === undefined) continue;
      const call = this.#call(built, 'transformText');
      const context = this.#context(built, new HookTime(call.signal));
      const answer: unknown = callNow(call, () => built.hooks.transformText?.(shown, context));
      if (answer === undefined) continue;
      if (typeof answer !== 'string') throw hookInvalid(call, 'text, at once');
      shown = answer;
    }
    return shown;
  }

  /** What a model's answer becomes, after which the plugins are told of it. */
  async answered({ parts, usage }: StepAnswer): Promise<readonly Part[]> {
    let changed = parts;
    const ask: Ask = (hooks, context) => hooks.transformAnswer?.({ parts: changed, usage }, context);
    await this.#each('transformAnswer', ask, (answer, call) => {
      if (!Array.isArray(answer) || !answer.every(isPart)) throw hookInvalid(call, 'parts of an answer');
      changed = this.#parts.secrets.redactJson(structuredClone(answer));
    });
    const tell: Ask = (hooks, context) => hooks.afterStep?.({ parts: changed, usage }, context);
    await this.#each('afterStep', tell, () => false);
    return changed;
  }

  /** What is to become of a call: the arguments that it runs with, or how the chain was ended. */
  async beforeToolCall(asked: ToolCallPart): Promise<ToolCallRuling> {
    let ruling: ToolCallRuling = { kind: 'args', args: asked.args };
    let { args } = asked;
    const ask: Ask = (hooks, context) => hooks.beforeToolCall?.({ ...asked, args }, context);
    await this.#each('beforeToolCall', ask, (answer, call) => {
      if (!isRuling(answer)) throw hookInvalid(call, 'a ruling: args, answer, deny or ask');
      ruling = structuredClone(answer);
      if (ruling.kind === 'args') ({ args } = ruling);
      return ruling.kind !== 'args';
    });
    return ruling;
  }

  /** What the outcome of a call becomes. */
  async afterToolCall(asked: ToolCallPart, outcome: ToolOutcome): Promise<ToolOutcome> {
    let changed = outcome;
    const ask: Ask = (hooks, context) => hooks.afterToolCall?.(asked, changed, context);
    await this.#each('afterToolCall', ask, (answer, call) => {
      if (!isOutcome(answer)) throw hookInvalid(call, 'an outcome');
      changed = structuredClone(answer);
    });
    return changed;
  }

  /** Tells the plugins how the turn is about to end: each, whatever another one does. `failed` is told what went wrong. */
  async afterTurn(ending: TurnEnding, failed: (error: unknown) => void): Promise<void> {
    const tell: Ask = (hooks, context) => hooks.afterTurn?.(ending, context);
    await this.#each('afterTurn', tell, () => false, failed);
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
        if (answer !== undefined && take(answer, call) === true) return;
      } catch (error) {
        if (failed === undefined) throw error;
        failed(error);
      }
    }
  }

  #call({ plugin: { id, timeoutMs } }: BuiltPlugin, hook: string): HookCall {
    const { signal } = this.#turn;
    const { clock } = this.#parts;
    return { plugin: id, hook, timeoutMs, clock, ...(signal === undefined ? {} : { signal }) };
  }

  #context({ state }: BuiltPlugin, time: HookTime): Context {
    const { turnId, step } = this.#turn;
    const { sessionId } = this.#parts;
    return {
      sessionId,
      turnId,
      step,
      state,
      get signal() {
        return time.signal;
      },
    };
  }
}

const SLOTS: readonly unknown[] = PROMPT_SLOTS;
const PARTS = ['text', 'reasoning', 'tool-call', 'image', 'file'];

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ends the turn that a plugin wants to be ended. */
function abort(answer: unknown, call: HookCall): never {
  if (!isAbort(answer)) throw hookInvalid(call, 'nothing, or { abort } with a reason');
  const { plugin } = call;
  const { abort: reason } = answer;
  throw new LashError('TurnAborted', `The plugin ${plugin} ended the turn: ${reason}`, { plugin, reason });
}

function isAbort(value: unknown): value is TurnAbort {
  return isFields(value) && typeof value['abort'] === 'string';
}

function isContribution(value: unknown): value is PromptContributionData {
  if (!isFields(value) || findNonJson(value) !== undefined) return false;
  return SLOTS.includes(value['slot']) && typeof value['content'] === 'string';
}

function isNode(value: unknown): value is SessionNode {
  return isFields(value) && typeof value['id'] === 'string' && isFields(value['body']);
}

function isPart(value: unknown): value is Part {
  if (!isFields(value) || findNonJson(value) !== undefined) return false;
  const { type, text, callId, tool } = value;
  if (typeof type !== 'string' || !PARTS.includes(type)) return false;
  if (type === 'text' || type === 'reasoning') return typeof text === 'string';
  return type !== 'tool-call' || (typeof callId === 'string' && typeof tool === 'string' && 'args' in value);
}

function isRuling(value: unknown): value is ToolCallRuling {
  if (!isFields(value) || findNonJson(value) !== undefined) return false;
  switch (value['kind']) {
    case 'args':
      return 'args' in value;
    case 'answer':
      return 'value' in value;
    case 'deny':
      return typeof value['reason'] === 'string';
    default:
      return value['kind'] === 'ask';
  }
}

function isOutcome(value: unknown): value is ToolOutcome {
  if (!isFields(value) || findNonJson(value) !== undefined) return false;
  const { status, message } = value;
  if (status === 'success') return 'value' in value;
  return (status === 'failure' || status === 'cancelled') && typeof message === 'string';
}
