import type { LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';

import type { ModelEvent, ModelRequest, Provider } from '../contract/provider.ts';
import { LashError } from '../core/error.ts';
import { EventMapper, finishReasonOf, type StreamPart, usageOf } from './internal/ai-sdk-events.ts';
import { type CallSettings, toCallOptions, toV3CallOptions } from './internal/ai-sdk-request.ts';
import { toProviderError } from './internal/provider-error.ts';

/** A language model of the AI SDK: specification v4, or v3. */
export type AiSdkModel = LanguageModelV4 | LanguageModelV3;

/** What of the SDK's call options a host may choose for every call. */
export type AiSdkSettings = CallSettings;

/** Options of {@link aiSdkProvider}. */
export interface AiSdkOptions {
  /** How many tokens a request may hold. */
  readonly maxContextTokens?: number;
  /** Passed to every call as it is: temperature, output limit, headers, the provider's own options. */
  readonly settings?: AiSdkSettings;
}

/**
 * Any language model of the AI SDK as a provider. The SDK's own retries are not used: the runtime retries.
 *
 * A stream that ends without a finish ends here without `finish` too. Failures are `ProviderUnauthorized` (401, 403),
 * `ProviderRateLimited` (429), `ProviderUnavailable` (408, 409, 425, 5xx, no answer), `ContextOverflow`,
 * `UnsupportedMedia`, `ProviderStreamInvalid`, `ProviderStreamInterrupted`, `ProviderEmptyResponse` and
 * `ProviderRejected` (all other); what a server says of `retry-after` is passed on.
 */
export function aiSdkProvider(model: AiSdkModel, options: AiSdkOptions = {}): Provider {
  const { maxContextTokens, settings = {} } = options;
  return {
    model: model.modelId,
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    async *stream(request, signal) {
      const progress = { streaming: false };
      try {
        yield* events(model, settings, request, signal, progress);
      } catch (error) {
        if (signal.aborted) return;
        throw toProviderError(error, {
          model: model.modelId,
          streaming: progress.streaming,
          media: request.messages.flatMap(({ parts }) =>
            parts.flatMap((part) => (part.type === 'image' ? part.mime : [])),
          ),
          maxContextTokens,
        });
      }
    },
  };
}

async function* events(
  model: AiSdkModel,
  settings: AiSdkSettings,
  request: ModelRequest,
  signal: AbortSignal,
  progress: { streaming: boolean },
): AsyncGenerator<ModelEvent> {
  if (signal.aborted) return;
  const call = toCallOptions(request, settings, signal);
  const { stream } =
    model.specificationVersion === 'v3'
      ? await model.doStream(toV3CallOptions(call))
      : await model.doStream(call);
  progress.streaming = true;
  const mapper = new EventMapper();
  for await (const part of untilAborted<StreamPart>(stream, signal)) {
    if (part.type === 'error') {
      if (isMissingFinish(part.error)) return;
      throw part.error;
    }
    if (part.type === 'finish') {
      const reason = finishReasonOf(part);
      if (reason === 'interrupted') return;
      if (reason === 'error') {
        throw new LashError(
          'ProviderStreamInterrupted',
          `${model.modelId} failed in the middle of the answer`,
          {},
        );
      }
      yield { type: 'finish', reason, usage: usageOf(part) };
      return;
    }
    const event = mapper.map(part);
    if (event !== undefined) yield event;
  }
}

/** The items of `stream` until it ends or the signal aborts, whether or not the stream obeys the signal. */
async function* untilAborted<T>(stream: ReadableStream<T>, signal: AbortSignal): AsyncGenerator<T> {
  const reader = stream.getReader();
  const aborted = new Promise<{ done: true; value: undefined }>((resolve) => {
    const onAbort = (): void => resolve({ done: true, value: undefined });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    for (;;) {
      const result = await Promise.race([reader.read(), aborted]);
      if (result.done) return;
      yield result.value;
    }
  } finally {
    // Nobody listens any more: a stream that cannot be cancelled has nothing left to tell.
    void reader.cancel().catch(() => undefined);
  }
}

/** How some adapters say that the stream ended early: with an error part of their own. */
function isMissingFinish(error: unknown): boolean {
  return error instanceof Error && /ended without a finish/i.test(error.message);
}
