import { type Clock, systemClock } from '../contract/clock.ts';
import type { Provider } from '../contract/provider.ts';
import { LashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import type { FinishReason, ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { TokenUsage } from '../core/usage.ts';

/** One thing that happens in a scripted call: an event, a wait in milliseconds, a failure, or silence until the abort. */
export type ScriptedAction =
  | ModelEvent
  | { readonly type: 'delay'; readonly ms: number }
  | { readonly type: 'fail'; readonly error: Error }
  | { readonly type: 'hang' };

/** What a model does in one call, in order; or a function of the request. Without `finish` the stream just ends. */
export type ScriptedCall = readonly ScriptedAction[] | ((request: ModelRequest) => readonly ScriptedAction[]);

/** Options of {@link scriptedProvider}. */
export interface ScriptedProviderOptions {
  readonly model?: string;
  readonly maxContextTokens?: number;
  /** What delays wait by. Default: the platform's. */
  readonly clock?: Pick<Clock, 'sleep'>;
}

/** A provider that plays a script, and what it was asked. */
export interface ScriptedProvider extends Provider {
  /** The requests so far, oldest first. */
  readonly requests: readonly ModelRequest[];
}

/**
 * A model that plays `calls` one after the other, whatever it is asked. A call beyond the last one is
 * `ProviderRejected`.
 */
export function scriptedProvider(
  calls: readonly ScriptedCall[],
  options: ScriptedProviderOptions = {},
): ScriptedProvider {
  const { model = 'scripted', maxContextTokens, clock = systemClock } = options;
  const requests: ModelRequest[] = [];
  return {
    model,
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    requests,
    stream(request, signal) {
      const call = calls[requests.length] ?? [outOfScript(requests.length + 1)];
      requests.push(request);
      return play(typeof call === 'function' ? call(request) : call, signal, clock);
    },
  };
}

/** A call that answers with `text`, word by word. */
export function scriptedText(text: string, usage: Partial<TokenUsage> = {}): readonly ScriptedAction[] {
  const words = text.match(/\s*\S+\s*/g) ?? [];
  return [...words.map((word) => ({ type: 'text-delta', text: word }) as const), finish('stop', usage)];
}

/** A call that calls these tools in one step. Without a `callId` the calls are `call-1`, `call-2` and so on. */
export function scriptedToolCalls(
  calls: readonly { readonly tool: string; readonly args: JsonValue; readonly callId?: string }[],
  usage: Partial<TokenUsage> = {},
): readonly ScriptedAction[] {
  return [
    ...calls.map(({ tool, args, callId }, index) => {
      const id = callId ?? `call-${index + 1}`;
      return { type: 'tool-call', callId: id, tool, args: JSON.stringify(args) } as const;
    }),
    finish('tool-calls', usage),
  ];
}

function finish(reason: FinishReason, usage: Partial<TokenUsage>): ModelEvent {
  const counts = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0, ...usage };
  return { type: 'finish', reason, usage: counts };
}

function outOfScript(call: number): ScriptedAction {
  return { type: 'fail', error: new LashError('ProviderRejected', `The script has no call ${call}`, {}) };
}

async function* play(
  actions: readonly ScriptedAction[],
  signal: AbortSignal,
  clock: Pick<Clock, 'sleep'>,
): AsyncGenerator<ModelEvent> {
  for (const action of actions) {
    if (signal.aborted) return;
    switch (action.type) {
      case 'delay':
        await clock.sleep(action.ms, signal);
        break;
      case 'fail':
        throw action.error;
      case 'hang':
        await aborted(signal);
        break;
      default:
        yield action;
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
