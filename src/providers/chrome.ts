import type { Provider } from '../contract/provider.ts';
import { LashError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { isFiltered, isUnsupported, toChromeError } from './internal/chrome-error.ts';
import { mediaOf, toChromePrompts } from './internal/chrome-request.ts';
import type {
  ChromeAvailability,
  ChromeCoreOptions,
  ChromeLanguageModel,
  ChromeMessage,
  ChromeSession,
} from './internal/language-model.ts';
import { ServerWait } from './internal/server-wait.ts';

export type { ChromeAvailability, ChromeLanguageModel } from './internal/language-model.ts';

/** Options of {@link chromeProvider} and {@link chromeAvailability}. */
export interface ChromeOptions {
  /** Languages that the model is to read and write, as BCP 47 tags. Default: the browser's choice. */
  readonly languages?: readonly string[];
  /**
   * How many tokens a request may hold; default: 6144. The browser tells only when a conversation has begun; what is longer
   * than it takes is `ContextOverflow` then.
   */
  readonly maxContextTokens?: number;
  /** What stands in for the page's `LanguageModel`. For tests. */
  readonly languageModel?: ChromeLanguageModel;
}

/**
 * The model that is built into Chrome (the Prompt API, `LanguageModel`), as a provider for `offerProvider`: it exists in
 * windows only, so a worker cannot have it. It runs on the device and needs no key. Each call is a conversation of its own,
 * since the browser's would drop the oldest messages without a word.
 *
 * Its limits: it calls no tools, whatever the request offers, and is told so; results of tools that another model called
 * are told to it in words. It does not say why it stopped, so that an answer that reached its limit looks finished. The
 * first call may download the model, which takes a user's click or key just before. Images and `answerSchema` are used
 * where the browser can. Tokens are the browser's count, and 0 where it does not count.
 *
 * Failures are `ProviderRejected` (there is no such model here, or the browser does not allow it), `ContextOverflow`,
 * `UnsupportedMedia`, `ProviderUnavailable` and `ProviderStreamInterrupted`.
 */
export function chromeProvider(options: ChromeOptions = {}): Provider {
  return {
    model: 'chrome',
    maxContextTokens: options.maxContextTokens ?? 6144,
    async *stream(request, signal) {
      if (signal.aborted) return;
      const wait = new ServerWait({ signal, idleTimeoutMs: undefined });
      const progress = { streaming: false };
      try {
        yield* answer(request, options, signal, wait, progress);
      } catch (error) {
        if (signal.aborted) return;
        if (!isFiltered(error)) throw toChromeError(error, { ...progress, media: mediaOf(request) });
        yield { type: 'finish', reason: 'content-filter', usage: NO_USAGE };
      } finally {
        wait.close();
      }
    },
  };
}

/** What the browser says of its model; `unavailable` where there is none. It downloads nothing. */
export async function chromeAvailability(options: ChromeOptions = {}): Promise<ChromeAvailability> {
  return (await modelOf(options)?.availability(coreOptions(options, false))) ?? 'unavailable';
}

async function* answer(
  request: ModelRequest,
  options: ChromeOptions,
  signal: AbortSignal,
  wait: ServerWait,
  progress: { streaming: boolean },
): AsyncGenerator<ModelEvent> {
  const model = modelOf(options);
  const [mime] = mediaOf(request);
  const core = coreOptions(options, mime !== undefined);
  if (model === undefined || (await soon(model.availability(core), wait)) === 'unavailable')
    throw unavailable(model === undefined ? undefined : mime);
  const { initialPrompts, input } = toChromePrompts(request);
  const session = await begin(
    model,
    { ...core, signal, ...(initialPrompts.length > 0 ? { initialPrompts } : {}) },
    wait,
  );
  try {
    const before = await tokensBefore(session, input, wait);
    for await (const text of texts(session, input, request.answerSchema, signal, wait)) {
      progress.streaming = true;
      if (text !== '') yield { type: 'text-delta', text };
    }
    yield { type: 'finish', reason: 'stop', usage: usageOf(before, session.contextUsage) };
  } finally {
    session.destroy();
  }
}

function modelOf({ languageModel }: ChromeOptions): ChromeLanguageModel | undefined {
  const here = globalThis as { readonly LanguageModel?: ChromeLanguageModel };
  return languageModel ?? here.LanguageModel;
}

function coreOptions({ languages }: ChromeOptions, images: boolean): ChromeCoreOptions {
  const text = { type: 'text', ...(languages === undefined ? {} : { languages }) } as const;
  return { expectedInputs: images ? [text, { type: 'image' }] : [text], expectedOutputs: [text] };
}

function unavailable(mime: string | undefined): LashError {
  if (mime !== undefined)
    return new LashError('UnsupportedMedia', `The browser's model cannot take ${mime}`, { mime });
  const text =
    'This browser has no model of its own, or not on this device: it needs Chrome on a computer with enough memory and disk.';
  return new LashError('ProviderRejected', text, {});
}

/** `coming`, or a rejection as soon as the call is aborted, whether or not the browser obeys. */
function soon<T>(coming: Promise<T>, wait: ServerWait): Promise<T> {
  return wait.next(coming, () => new LashError('ProviderUnavailable', 'The browser is silent', {}));
}

/** Begins a conversation. One that comes when nobody waits for it any more is put away. */
async function begin(
  model: ChromeLanguageModel,
  options: Parameters<ChromeLanguageModel['create']>[0],
  wait: ServerWait,
): Promise<ChromeSession> {
  const coming = model.create(options);
  try {
    return await soon(coming, wait);
  } catch (error) {
    coming.then((session) => session.destroy()).catch(() => undefined);
    throw error;
  }
}

/** The answer's pieces. A schema that the browser cannot hold the model to is left to whoever checks the answer. */
async function* texts(
  session: ChromeSession,
  input: readonly ChromeMessage[],
  schema: JsonObject | undefined,
  signal: AbortSignal,
  wait: ServerWait,
): AsyncGenerator<string> {
  const prompt = (constraint: object): AsyncGenerator<string> =>
    piecesOf(session.promptStreaming(input, { signal, ...constraint }), wait);
  if (schema !== undefined) {
    let isFirst = true;
    try {
      for await (const text of prompt({ responseConstraint: schema })) {
        isFirst = false;
        yield text;
      }
      return;
    } catch (error) {
      if (!isFirst || !isUnsupported(error)) throw error;
    }
  }
  yield* prompt({});
}

async function* piecesOf(stream: ReadableStream<string>, wait: ServerWait): AsyncGenerator<string> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const result = await soon(reader.read(), wait);
      if (result.done) return;
      yield result.value;
    }
  } finally {
    // Nobody listens any more: a stream that cannot be cancelled has nothing left to tell.
    void reader.cancel().catch(() => undefined);
  }
}

/** How many tokens the model reads; `null` where the browser does not count. */
async function tokensBefore(
  session: ChromeSession,
  input: readonly ChromeMessage[],
  wait: ServerWait,
): Promise<number | null> {
  if (session.contextUsage === undefined || session.measureContextUsage === undefined) return null;
  return session.contextUsage + (await soon(session.measureContextUsage(input), wait));
}

function usageOf(before: number | null, after: number | undefined): TokenUsage {
  if (before === null || after === undefined) return NO_USAGE;
  const outputTokens = Math.max(0, Math.round(after - before));
  return { ...NO_USAGE, inputTokens: Math.round(before), outputTokens };
}
