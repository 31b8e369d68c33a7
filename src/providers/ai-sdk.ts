import type {
  LanguageModelV3,
  LanguageModelV3StreamResult,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';

import type { Provider } from '../contract/provider.ts';
import { LashError } from '../core/error.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest, PromptPart } from '../core/model-request.ts';
import { EventMapper, finishReasonOf, type StreamPart, usageOf } from './internal/ai-sdk-events.ts';
import { type CallSettings, toCallOptions, toV3CallOptions } from './internal/ai-sdk-request.ts';
import { toProviderError } from './internal/provider-error.ts';
import { ServerWait } from './internal/server-wait.ts';

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
  /**
   * How long a server may be silent, before its answer and within it: then the attempt fails, with
   * `ProviderUnavailable` or `ProviderStreamInterrupted`, and the runtime makes it again. Default: for ever, since some
   * models think for minutes without a word; the turn can be stopped. Comments that only keep a connection open do not
   * reach this package and count as silence.
   */
  readonly idleTimeoutMs?: number;
}

/**
 * Any language model of the AI SDK as a provider. The SDK's own retries are not used: the runtime retries.
 *
 * A stream that ends without a finish ends here without `finish` too, whatever the SDK makes of it, and without tool
 * calls whose arguments are not whole. Failures are `ProviderUnauthorized` (401, 403),
 * `ProviderRateLimited` (429), `ProviderUnavailable` (408, 409, 425, 5xx, no answer), `ContextOverflow`,
 * `UnsupportedMedia`, `ProviderStreamInvalid`, `ProviderStreamInterrupted`, `ProviderEmptyResponse` and
 * `ProviderRejected` (all other); what a server says of `retry-after` is passed on.
 */
export function aiSdkProvider(model: AiSdkModel, options: AiSdkOptions = {}): Provider {
  const { maxContextTokens, idleTimeoutMs } = options;
  checkTimeout(idleTimeoutMs);
  return {
    model: model.modelId,
    ...(maxContextTokens === undefined ? {} : { maxContextTokens }),
    async *stream(request, signal) {
      if (signal.aborted) return;
      const progress = { streaming: false };
      const wait = new ServerWait({ signal, idleTimeoutMs });
      try {
        yield* events(model, request, wait, options, progress);
      } catch (error) {
        if (signal.aborted) return;
        throw toProviderError(error, {
          model: model.modelId,
          streaming: progress.streaming,
          media: request.messages.flatMap(({ parts }) => parts.flatMap(mediaOf)),
          maxContextTokens,
        });
      } finally {
        wait.close();
      }
    },
  };
}

/** The types of the images in a part. */
function mediaOf(part: PromptPart): readonly string[] {
  if (part.type === 'image') return [part.mime];
  return part.type === 'tool-result' ? (part.images ?? []).map(({ mime }) => mime) : [];
}

/** The longest time that a timer can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function checkTimeout(ms: number | undefined): void {
  if (ms === undefined || (ms > 0 && ms <= MAX_TIMEOUT_MS)) return;
  const reason = `must be above 0 and at most ${MAX_TIMEOUT_MS}, and is ${ms}`;
  throw new LashError('InvalidInput', `idleTimeoutMs ${reason}`, { path: '$.idleTimeoutMs', reason });
}

/** MIME types of what is no stream. Others may be one, as servers are careless about it. */
const DOCUMENT = /^(?:text\/html|application\/(?:\w+\+)?json)\b/i;

async function* events(
  model: AiSdkModel,
  request: ModelRequest,
  wait: ServerWait,
  { settings = {}, idleTimeoutMs }: AiSdkOptions,
  progress: { streaming: boolean },
): AsyncGenerator<ModelEvent> {
  const call = toCallOptions(request, settings, wait.signal, takesImagesInResults(model));
  // What a server sends only to show that it is there is no part, but it is no silence either.
  const { stream, response } = await begin(
    model,
    { ...call, includeRawChunks: idleTimeoutMs !== undefined },
    wait,
  );
  progress.streaming = true;
  const mapper = new EventMapper();
  for await (const part of partsOf(model, stream, wait)) {
    if (part.type === 'error') {
      if (isMissingFinish(part.error)) break;
      throw part.error;
    }
    if (part.type === 'finish') {
      const reason = finishReasonOf(part);
      if (reason === 'interrupted') break;
      if (reason === 'error') {
        const text = `${model.modelId} failed in the middle of the answer`;
        throw new LashError('ProviderStreamInterrupted', text, {});
      }
      yield* mapper.rest(true);
      yield { type: 'finish', reason, usage: usageOf(part) };
      return;
    }
    yield* mapper.map(part);
  }
  const type = new Headers(response?.headers).get('content-type') ?? '';
  if (mapper.empty && DOCUMENT.test(type)) {
    const text = `The server of ${model.modelId} sent ${type} instead of a stream: is its address right, or does something in between answer for it?`;
    throw new LashError('ProviderStreamInvalid', text, {});
  }
  yield* mapper.rest(false);
}

/**
 * Chat Completions, and those who speak it, know text alone in a tool's result; the SDK would write an image out as JSON.
 * Their adapters' names end so by the SDK's convention.
 */
function takesImagesInResults({ provider }: AiSdkModel): boolean {
  return !/\.(?:chat|completion)$/.test(provider);
}

/** The stream of an answer. One that comes when nobody waits for it any more is put away. */
async function begin(
  model: AiSdkModel,
  call: LanguageModelV4CallOptions,
  wait: ServerWait,
): Promise<LanguageModelV3StreamResult | LanguageModelV4StreamResult> {
  const coming = Promise.resolve<LanguageModelV3StreamResult | LanguageModelV4StreamResult>(
    model.specificationVersion === 'v3' ? model.doStream(toV3CallOptions(call)) : model.doStream(call),
  );
  try {
    return await wait.next(coming, (ms) => {
      const text = `No answer from the server of ${model.modelId} within ${ms} ms`;
      return new LashError('ProviderUnavailable', text, {});
    });
  } catch (error) {
    coming.then(({ stream }) => stream.cancel()).catch(() => undefined);
    throw error;
  }
}

async function* partsOf(
  model: AiSdkModel,
  stream: ReadableStream<StreamPart>,
  wait: ServerWait,
): AsyncGenerator<StreamPart> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const result = await wait.next(reader.read(), (ms) => {
        const text = `${model.modelId} sent nothing for ${ms} ms in the middle of the answer`;
        return new LashError('ProviderStreamInterrupted', text, {});
      });
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
