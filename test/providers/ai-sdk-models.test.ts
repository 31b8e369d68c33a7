import type {
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import { describe, expect, test } from 'vitest';

import { eventsOf, requestOf } from './requests.ts';

const base = {
  provider: 'fake',
  modelId: 'fake-1',
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error('not used')),
};

const usage = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: undefined },
  outputTokens: { total: 8, text: 5, reasoning: 3 },
};

function streamOf<T>(parts: readonly T[]): ReadableStream<T> {
  return new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    },
  });
}

/** A model of specification v4 that streams these parts, and what it was called with. */
function v4(parts: readonly LanguageModelV4StreamPart[]) {
  const calls: LanguageModelV4CallOptions[] = [];
  const model: LanguageModelV4 = {
    ...base,
    specificationVersion: 'v4',
    doStream: (options) => {
      calls.push(options);
      return Promise.resolve({ stream: streamOf(parts) });
    },
  };
  return { model, calls };
}

function v3(parts: readonly LanguageModelV3StreamPart[]) {
  const calls: LanguageModelV3CallOptions[] = [];
  const model: LanguageModelV3 = {
    ...base,
    specificationVersion: 'v3',
    doStream: (options) => {
      calls.push(options);
      return Promise.resolve({ stream: streamOf(parts) });
    },
  };
  return { model, calls };
}

const finish = { type: 'finish', finishReason: { unified: 'stop', raw: 'stop' }, usage } as const;
const image = { type: 'image', mime: 'image/png', data: new Uint8Array([1, 2]) } as const;

describe.each([
  ['v4', v4],
  ['v3', v3],
])('a model of specification %s', (_, modelOf) => {
  test('[PR2] has its tokens counted', async () => {
    expect(await eventsOf(aiSdkProvider(modelOf([finish]).model), requestOf('hi'))).toEqual([
      {
        type: 'finish',
        reason: 'stop',
        usage: { inputTokens: 10, outputTokens: 8, cachedInputTokens: 4, reasoningTokens: 3 },
      },
    ]);
  });

  test('[PR1] gets back what it attached to reasoning, text and tool calls', async () => {
    const metadata = { fake: { signature: 'abc' } };
    const parts = [
      { type: 'reasoning-start', id: 'r', providerMetadata: { fake: { signature: 'early' } } },
      { type: 'reasoning-delta', id: 'r', delta: 'hm' },
      { type: 'reasoning-delta', id: 'r', delta: '', providerMetadata: metadata },
      { type: 'reasoning-end', id: 'r' },
      { type: 'text-start', id: 't', providerMetadata: metadata },
      { type: 'text-delta', id: 't', delta: 'so' },
      { type: 'text-end', id: 't' },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'and' },
      { type: 'text-end', id: 't' },
      { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{}', providerMetadata: metadata },
      finish,
    ] as const;
    const { model, calls } = modelOf(parts);
    const events = await eventsOf(aiSdkProvider(model), requestOf('hi'));
    expect(events.slice(0, -1)).toEqual([
      { type: 'reasoning-delta', text: 'hm' },
      { type: 'reasoning-end', replay: metadata },
      { type: 'text-delta', text: 'so' },
      { type: 'text-end', replay: metadata },
      { type: 'text-delta', text: 'and' },
      { type: 'tool-call', callId: 'c', tool: 't', args: '{}', replay: metadata },
    ]);
    const replayed = requestOf([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', replay: metadata },
          { type: 'text', text: 'so', replay: metadata },
          { type: 'tool-call', callId: 'c', tool: 't', args: {}, replay: metadata },
        ],
      },
    ]);
    await eventsOf(aiSdkProvider(model), replayed);
    expect(calls[1]?.prompt).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm', providerOptions: metadata },
          { type: 'text', text: 'so', providerOptions: metadata },
          { type: 'tool-call', toolCallId: 'c', toolName: 't', input: {}, providerOptions: metadata },
        ],
      },
    ]);
  });

  test('[PR1] keeps tools that the provider ran to itself', async () => {
    const parts = [
      { type: 'tool-call', toolCallId: 'c', toolName: 'search', input: '{}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 'c', toolName: 'search', result: 'found' },
      finish,
    ] as const;
    const events = await eventsOf(aiSdkProvider(modelOf(parts).model), requestOf('hi'));
    expect(events.map(({ type }) => type)).toEqual(['finish']);
  });

  test('[PR3] that finishes with an error is ProviderStreamInterrupted', async () => {
    const failed = { ...finish, finishReason: { unified: 'error', raw: undefined } } as const;
    await expect(eventsOf(aiSdkProvider(modelOf([failed]).model), requestOf('hi'))).rejects.toMatchObject({
      code: 'ProviderStreamInterrupted',
    });
  });

  test('[PR2] that sends more after its finish is not heard', async () => {
    const { model } = modelOf([finish, { type: 'text-delta', id: 't', delta: 'late' }, finish]);
    expect(await eventsOf(aiSdkProvider(model), requestOf('hi'))).toHaveLength(1);
  });

  test('[PR4] ends when it is aborted, also when the model does not listen', async () => {
    const { model } = modelOf([]);
    const deaf = { ...model, doStream: () => Promise.resolve({ stream: new ReadableStream() }) };
    const abort = new AbortController();
    const events = eventsOf(aiSdkProvider(deaf), requestOf('hi'), abort.signal);
    abort.abort();
    expect(await events).toEqual([]);
  });
});

describe('specifications differ', () => {
  test('in how an image is passed', async () => {
    const request = requestOf([{ role: 'user', parts: [image] }]);
    const [four, three] = [v4([finish]), v3([finish])];
    await eventsOf(aiSdkProvider(four.model, { settings: { reasoning: 'low', temperature: 0 } }), request);
    await eventsOf(aiSdkProvider(three.model, { settings: { temperature: 0 } }), request);
    expect(four.calls[0]).toMatchObject({ reasoning: 'low', temperature: 0 });
    expect(four.calls[0]?.prompt).toEqual([
      {
        role: 'user',
        content: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: image.data } }],
      },
    ]);
    expect(three.calls[0]).toMatchObject({ temperature: 0 });
    expect(three.calls[0]?.prompt).toEqual([
      { role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: image.data }] },
    ]);
  });

  test('in that v4 can say that a stream was interrupted, which ends it without a finish', async () => {
    const interrupted = { ...finish, finishReason: { unified: 'interrupted', raw: undefined } } as const;
    const { model } = v4([{ type: 'text-delta', id: 't', delta: 'half' }, interrupted]);
    expect(await eventsOf(aiSdkProvider(model), requestOf('hi'))).toEqual([
      { type: 'text-delta', text: 'half' },
    ]);
  });

  test('in that early v3 models name the reason as plain text', async () => {
    const plain = { ...finish, finishReason: 'length' } as unknown as LanguageModelV3StreamPart;
    const events = await eventsOf(aiSdkProvider(v3([plain]).model), requestOf('hi'));
    expect(events).toMatchObject([{ type: 'finish', reason: 'length' }]);
  });
});
