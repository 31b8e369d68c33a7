import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Play } from '../e2e/plays.ts';
import { calls, hangs, prose, sends, whole } from './chat-stream.ts';
import { playTurn } from './endpoint-turn.ts';
import { ModelEndpoint } from './model-endpoint.ts';
import { eventsOf, requestOf } from './requests.ts';

let endpoint: ModelEndpoint;
beforeAll(async () => {
  endpoint = await ModelEndpoint.start();
});
afterAll(async () => endpoint.stop());

const IDLE_MS = 2000;
const provider = { idleTimeoutMs: IDLE_MS };
const answer = whole(prose('Good ', 'answer'));
const call = calls({ id: 'a', name: 'weather', pieces: ['{"city":', '"Rome"}'] });

/** Takes the request and never answers. */
const deaf: Play = () => undefined;

describe('a server that falls silent', () => {
  test.each([
    ['before it answers', deaf, 'ProviderUnavailable'],
    ['before its first event', hangs([]), 'ProviderStreamInterrupted'],
    ['in the middle of its text', hangs(answer.slice(0, 1)), 'ProviderStreamInterrupted'],
    ['in the middle of an event', hangs([answer[0] ?? '', 'data: {"cho']), 'ProviderStreamInterrupted'],
    ['in the middle of the arguments of a call', hangs(call.slice(0, 2)), 'ProviderStreamInterrupted'],
    ['without ending what it finished', hangs(answer), 'ProviderStreamInterrupted'],
  ])('[TU6] [TU7] %s is given up and asked again', async (_, play, code) => {
    let hungUp = false;
    const watched: Play = (response, request) => {
      response.once('close', () => (hungUp = true));
      return play(response, request);
    };
    const turn = await playTurn(endpoint, [watched, sends(answer)], { provider });
    expect(turn).toMatchObject({
      attempts: 2,
      waits: [1000],
      failures: [code],
      history: ['user: question', 'assistant: Good answer'],
      usage: { inputTokens: 30, outputTokens: 12 },
    });
    expect(hungUp).toBe(true);
  });

  test('[TU6] [TU7] each time ends the turn', async () => {
    const turn = await playTurn(endpoint, [deaf, deaf, deaf, deaf], { provider });
    expect(turn).toMatchObject({ attempts: 4, history: ['user: question'], result: { status: 'failed' } });
    expect(turn.result.error).toMatchObject({
      code: 'ProviderUnavailable',
      message: `No answer from the server of m within ${IDLE_MS} ms`,
    });
  });
});

describe('silence', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A model whose parts come when the test says so, and what it was called with. */
  function pushed() {
    let push: (part: LanguageModelV4StreamPart) => void = () => undefined;
    const asked: LanguageModelV4CallOptions[] = [];
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      start: (controller) => {
        push = (part) => controller.enqueue(part);
      },
    });
    const model: LanguageModelV4 = {
      specificationVersion: 'v4',
      provider: 'fake',
      modelId: 'fake-1',
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error('not used')),
      doStream: (options) => {
        asked.push(options);
        return Promise.resolve({ stream });
      },
    };
    return { model, asked, push: (part: LanguageModelV4StreamPart) => push(part) };
  }

  test('[PR3] is broken by whatever comes, also by what tells nothing', async () => {
    vi.useFakeTimers();
    const { model, asked, push } = pushed();
    const ended = eventsOf(aiSdkProvider(model, { idleTimeoutMs: 1000 }), requestOf('hi')).catch(
      (error: unknown) => error,
    );
    for (let n = 0; n < 5; n++) {
      await vi.advanceTimersByTimeAsync(900);
      push({ type: 'raw', rawValue: { type: 'ping' } });
    }
    expect(asked).toMatchObject([{ includeRawChunks: true, abortSignal: { aborted: false } }]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await ended).toMatchObject({ code: 'ProviderStreamInterrupted', retryable: true });
    expect(asked).toMatchObject([{ abortSignal: { aborted: true } }]);
  });

  test('[PR4] may last where no limit is given, until the call is aborted', async () => {
    vi.useFakeTimers();
    const { model, asked } = pushed();
    const abort = new AbortController();
    const ended = eventsOf(aiSdkProvider(model), requestOf('hi'), abort.signal);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toMatchObject([{ abortSignal: { aborted: false } }]);
    expect(vi.getTimerCount()).toBe(0);
    abort.abort();
    expect(await ended).toEqual([]);
  });

  test('[PR4] ends with an abort before the answer begins, and a stream that comes late is put away', async () => {
    let answer: (result: { stream: ReadableStream<LanguageModelV4StreamPart> }) => void = () => undefined;
    const late = new Promise<Parameters<typeof answer>[0]>((resolve) => (answer = resolve));
    const model: LanguageModelV4 = { ...pushed().model, doStream: () => late };
    const abort = new AbortController();
    const ended = eventsOf(aiSdkProvider(model), requestOf('hi'), abort.signal);
    abort.abort();
    expect(await ended).toEqual([]);
    await new Promise<void>((resolve) => {
      answer({ stream: new ReadableStream({ cancel: () => resolve() }) });
    });
  });

  test.each([0, -1, Number.NaN, Infinity, 2 ** 31])('cannot be limited to %d ms', (idleTimeoutMs) => {
    expect(() => aiSdkProvider(pushed().model, { idleTimeoutMs })).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }) as Error,
    );
  });
});
