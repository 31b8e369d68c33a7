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

/** One hook of one plugin, about to be asked. */
interface Asking {
  readonly plugin: string;
  readonly hooks: PluginHooks<unknown>;
  /** What `work`, which calls the hook, answers. @throws `PluginFailed` */
  readonly run: <T>(work: (context: Context) => T | Promise<T>) => Promise<T>;
  /** The error of an answer that is not `what` it should be. */
  readonly invalid: (what: string) => LashError;
}

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
    const names = isFirst ? (['beforeTurn', 'beforeStep'] as const) : (['beforeStep'] as const);
    for (const name of names) {
      await this.#each(name, async ({ plugin, hooks, run, invalid }) => {
        const answer: unknown = await run((context) => hooks[name]?.(context));
        if (answer === undefined) return;
        if (!isAbort(answer)) throw invalid('nothing, or { abort } with a reason');
        const { abort: reason } = answer;
        const message = `The plugin ${plugin} ended the turn: ${reason}`;
        throw new LashError('TurnAborted', message, { plugin, reason });
      });
    }
  }

  /** A layer of the prompt for each plugin that contributes. */
  async prompt(): Promise<readonly PromptLayerData[]> {
    const layers: PromptLayerData[] = [];
    await this.#each('prompt', async ({ plugin, hooks, run, invalid }) => {
      const answer: unknown = (await run((context) => hooks.prompt?.(context))) ?? [];
      if (!Array.isArray(answer) || !answer.every(isContribution))
        throw invalid('contributions: a slot and a content each');
      const pieces = this.#parts.secrets.redactJson(answer);
      if (pieces.length > 0)
        layers.push(
          pieces.reduce((layer, piece) => addContribution(layer, { ...piece, source: plugin }), emptyLayer),
        );
    });
    return layers;
  }

  /** Which of these tools the model is offered, in their order. */
  async availableTools(names: readonly string[]): Promise<readonly string[]> {
    let left = names;
    await this.#each('availableTools', async ({ hooks, run, invalid }) => {
      const answer: unknown = await run((context) => hooks.availableTools?.(left, context));
      if (answer === undefined) return;
      if (!Array.isArray(answer)) throw invalid('names of tools');
      left = left.filter((name) => answer.includes(name));
    });
    return left;
  }

  /** What the model is shown of these nodes. */
  async viewContext(nodes: readonly SessionNode[]): Promise<readonly SessionNode[]> {
    let view = nodes;
    await this.#each('viewContext', async ({ hooks, run, invalid }) => {
      const answer: unknown = await run((context) => hooks.viewContext?.(view, context));
      if (answer === undefined) return;
      if (!Array.isArray(answer) || !answer.every(isNode)) throw invalid('nodes');
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
      if (typeof answer !== 'string') throw hookInvalid(call, 'text');
      shown = answer;
    }
    return shown;
  }

  /** What a model's answer becomes, after which the plugins are told of it. */
  async answered({ parts, usage }: StepAnswer): Promise<readonly Part[]> {
    let changed = parts;
    await this.#each('transformAnswer', async ({ hooks, run, invalid }) => {
      const answer: unknown = await run((context) =>
        hooks.transformAnswer?.({ parts: changed, usage }, context),
      );
      if (answer === undefined) return;
      if (!Array.isArray(answer) || !answer.every(isPart)) throw invalid('parts of an answer');
      changed = this.#parts.secrets.redactJson(structuredClone(answer));
    });
    await this.#each('afterStep', async ({ hooks, run }) => {
      await run((context) => hooks.afterStep?.({ parts: changed, usage }, context));
    });
    return changed;
  }

  /** What is to become of a call: the arguments that it runs with, or how the chain was ended. */
  async beforeToolCall(asked: ToolCallPart): Promise<ToolCallRuling> {
    let { args } = asked;
    let end: ToolCallRuling | undefined;
    await this.#each('beforeToolCall', async ({ hooks, run, invalid }) => {
      if (end !== undefined) return;
      const answer: unknown = await run((context) => hooks.beforeToolCall?.({ ...asked, args }, context));
      if (answer === undefined) return;
      if (!isRuling(answer)) throw invalid('a ruling: args, answer, deny or ask');
      const ruling = structuredClone(answer);
      if (ruling.kind === 'args') ({ args } = ruling);
      else end = ruling;
    });
    return end ?? { kind: 'args', args };
  }

  /** What the outcome of a call becomes. */
  async afterToolCall(asked: ToolCallPart, outcome: ToolOutcome): Promise<ToolOutcome> {
    let changed = outcome;
    await this.#each('afterToolCall', async ({ hooks, run, invalid }) => {
      const answer: unknown = await run((context) => hooks.afterToolCall?.(asked, changed, context));
      if (answer === undefined) return;
      if (!isOutcome(answer)) throw invalid('an outcome');
      changed = structuredClone(answer);
    });
    return changed;
  }

  /** Tells the plugins how the turn is about to end: each, whatever another one does. `failed` is told what went wrong. */
  async afterTurn(ending: TurnEnding, failed: (error: unknown) => void): Promise<void> {
    await this.#each('afterTurn', async ({ hooks, run }) => {
      await run((context) => hooks.afterTurn?.(ending, context)).catch(failed);
    });
  }

  async #each(hook: HookName, ask: (asking: Asking) => Promise<void>): Promise<void> {
    for (const built of this.#plugins) {
      if (built.hooks[hook] === undefined) continue;
      const call = this.#call(built, hook);
      await ask({
        plugin: built.plugin.id,
        hooks: built.hooks,
        run: async (work) => await callHook(call, (time) => work(this.#context(built, time))),
        invalid: (what) => hookInvalid(call, what),
      });
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
