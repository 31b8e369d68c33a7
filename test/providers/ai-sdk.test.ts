import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { LLMock } from '@copilotkit/aimock';
import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import { answering, delta, failure, streaming } from './fake-server.ts';
import { callsOf, eventsOf, requestOf, textOf, toolOf, userSays } from './requests.ts';

const server = new LLMock({ port: 0 });
const pace = { streamingProfile: { ttft: 1, tps: 1000, jitter: 0 }, chunkSize: 4 };
const weather = toolOf('get_weather', 'city');

beforeAll(() => server.start());
afterAll(() => server.stop());
beforeEach(() => {
  server.reset();
});

const served = (): Provider =>
  aiSdkProvider(
    createOpenAICompatible({ name: 'mock', baseURL: `${server.url}/v1`, apiKey: 'key', includeUsage: true })(
      'model-1',
    ),
    { maxContextTokens: 1000 },
  );

describe('an AI SDK model on a server', () => {
  test('[PR1] [PR2] streams text in order and ends with one finish that counts tokens', async () => {
    const usage = { prompt_tokens: 12, completion_tokens: 5 };
    server.addFixture({
      ...pace,
      match: { userMessage: 'hello' },
      response: { content: 'Hello, dear world.', usage },
    });
    const events = await eventsOf(served(), requestOf('hello'));
    expect(events.length).toBeGreaterThan(4);
    expect(textOf(events)).toBe('Hello, dear world.');
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(1);
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: 12, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 },
    });
  });

  test('[PR1] puts a tool call together that came in pieces', async () => {
    server.addFixture({
      ...pace,
      match: { userMessage: 'weather' },
      response: { toolCalls: [{ name: 'get_weather', arguments: '{"city":"Paris in the spring"}' }] },
    });
    const events = await eventsOf(served(), requestOf('weather', { tools: [weather] }));
    expect(callsOf(events)).toMatchObject([{ tool: 'get_weather', args: { city: 'Paris in the spring' } }]);
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' });
  });

  test('[PR1] gives two parallel tool calls their own ids and keeps their order', async () => {
    const toolCalls = ['Paris', 'Rome'].map((city) => ({
      name: 'get_weather',
      arguments: JSON.stringify({ city }),
    }));
    server.addFixture({ ...pace, match: { userMessage: 'weather' }, response: { toolCalls } });
    const calls = callsOf(await eventsOf(served(), requestOf('weather', { tools: [weather] })));
    expect(calls.map(({ args }) => args)).toEqual([{ city: 'Paris' }, { city: 'Rome' }]);
    expect(new Set(calls.map(({ callId }) => callId)).size).toBe(2);
  });

  test('[PR3] a 401 is ProviderUnauthorized', async () => {
    server.nextRequestError(401, { message: 'Incorrect API key', type: 'invalid_request_error' });
    expect(await failure(served())).toMatchObject({
      code: 'ProviderUnauthorized',
      data: { status: 401 },
      retryable: false,
      message: 'The model server answered 401: Incorrect API key',
    });
  });

  test('[PR3] a 429 is ProviderRateLimited and says how long to wait', async () => {
    server.addFixture({
      match: { userMessage: 'hi' },
      response: { error: { message: 'Slow down' }, status: 429, retryAfter: 7 },
    });
    expect(await failure(served())).toMatchObject({
      code: 'ProviderRateLimited',
      data: { status: 429, retryAfterMs: 7000 },
      retryable: true,
    });
  });

  test('[PR3] a 500 is ProviderUnavailable', async () => {
    server.nextRequestError(500, { message: 'Oh no' });
    expect(await failure(served())).toMatchObject({
      code: 'ProviderUnavailable',
      data: { status: 500 },
      retryable: true,
    });
  });

  test('[PR3] a connection that breaks in the middle is ProviderStreamInterrupted', async () => {
    server.addFixture({
      ...pace,
      match: { userMessage: 'long' },
      response: { content: 'word '.repeat(50) },
      truncateAfterChunks: 5,
    });
    const texts: string[] = [];
    const run = async (): Promise<void> => {
      for await (const event of served().stream(requestOf('long'), new AbortController().signal)) {
        if (event.type === 'text-delta') texts.push(event.text);
      }
    };
    await expect(run()).rejects.toMatchObject({ code: 'ProviderStreamInterrupted', retryable: true });
    expect(texts.join('')).toMatch(/^word/);
  });

  test('[PR3] a server that is not there is ProviderUnavailable, and the message names where', async () => {
    const model = createOpenAICompatible({ name: 'gone', baseURL: 'http://127.0.0.1:9/v1' })('m');
    expect(await failure(aiSdkProvider(model))).toMatchObject({
      code: 'ProviderUnavailable',
      retryable: true,
      data: {},
      message: expect.stringContaining('http://127.0.0.1:9:') as string,
    });
  });

  test('[PR4] ends when it is aborted in the middle of an answer', async () => {
    server.addFixture({
      match: { userMessage: 'long' },
      response: { content: 'word '.repeat(10_000) },
      streamingProfile: { ttft: 1, tps: 20, jitter: 0 },
    });
    const abort = new AbortController();
    const events = [];
    for await (const event of served().stream(requestOf('long'), abort.signal)) {
      events.push(event.type);
      abort.abort();
    }
    expect(events).toEqual(['text-delta']);
  });

  test('[PR4] makes no call when it is aborted before', async () => {
    expect(await eventsOf(served(), requestOf('hi'), AbortSignal.abort())).toEqual([]);
    expect(server.getRequests()).toEqual([]);
  });
});

describe('a stream of an OpenAI-compatible server', () => {
  test('[PR1] shows reasoning before text, as a block of its own', async () => {
    const events = await eventsOf(
      streaming(
        delta({ reasoning_content: 'Let me ' }),
        delta({ reasoning_content: 'think.' }),
        delta({ content: 'Done.' }),
        delta({}, 'stop'),
        '[DONE]',
      ),
      requestOf('hi'),
    );
    expect(events.map(({ type }) => type)).toEqual([
      'reasoning-delta',
      'reasoning-delta',
      'reasoning-end',
      'text-delta',
      'finish',
    ]);
  });

  test('[PR2] counts cached and reasoning tokens where the server does', async () => {
    const usage = {
      prompt_tokens: 12,
      completion_tokens: 5,
      prompt_tokens_details: { cached_tokens: 7 },
      completion_tokens_details: { reasoning_tokens: 3 },
    };
    const events = await eventsOf(
      streaming(delta({ content: 'x' }, 'stop'), { choices: [], usage }, '[DONE]'),
      requestOf('hi'),
    );
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'stop',
      usage: { inputTokens: 12, outputTokens: 5, cachedInputTokens: 7, reasoningTokens: 3 },
    });
  });

  test.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content-filter'],
    ['tool_calls', 'tool-calls'],
    ['something new', 'other'],
  ])('[PR2] a finish of %s is %s', async (raw, reason) => {
    const events = await eventsOf(streaming(delta({ content: 'x' }, raw)), requestOf('hi'));
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason });
  });

  test('[PR2] that stops without saying why ends without a finish', async () => {
    const events = await eventsOf(streaming(delta({ content: 'half an ans' })), requestOf('hi'));
    expect(events).toEqual([{ type: 'text-delta', text: 'half an ans' }]);
  });

  test('[PR2] that holds nothing at all ends without a finish', async () => {
    expect(await eventsOf(streaming(), requestOf('hi'))).toEqual([]);
  });

  test('[PR3] that holds no JSON is ProviderStreamInvalid, without what it held', async () => {
    const error = await failure(streaming(delta({ content: 'x' }), '{rubbish <html>'));
    expect(error).toMatchObject({ code: 'ProviderStreamInvalid', retryable: true });
    expect(String(error)).not.toContain('html');
  });

  test('[PR3] that holds JSON of another protocol is ProviderStreamInvalid', async () => {
    expect(await failure(streaming({ choices: 'none' }))).toMatchObject({ code: 'ProviderStreamInvalid' });
  });

  test.each([
    [{ message: 'The server is overloaded', type: 'server_error' }, 'ProviderUnavailable'],
    [{ message: 'Rate limit reached', code: 'rate_limit_exceeded' }, 'ProviderRateLimited'],
    [{ message: 'Too much', code: 'context_length_exceeded' }, 'ContextOverflow'],
    [{ message: 'Bad field', type: 'invalid_request_error' }, 'ProviderRejected'],
    [{ message: 'Upstream', code: 502 }, 'ProviderUnavailable'],
  ])('[PR3] that reports %j is %s', async (error, code) => {
    expect(await failure(streaming(delta({ content: 'x' }), { error }))).toMatchObject({ code });
  });
});

describe('a request', () => {
  test('reaches the server with system, images, tool calls, results and tools', async () => {
    const { provider, bodies } = answering(
      () => new Response(`data: ${JSON.stringify(delta({ content: 'ok' }, 'stop'))}\n\n`),
    );
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47]);
    await eventsOf(
      provider,
      requestOf(
        [
          {
            role: 'user',
            parts: [
              { type: 'text', text: 'look' },
              { type: 'image', mime: 'image/png', data: png },
            ],
          },
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', text: 'hm' },
              { type: 'text', text: 'I look.' },
              { type: 'tool-call', callId: 'c1', tool: 'get_weather', args: { city: 'Rome' } },
              { type: 'tool-call', callId: 'c2', tool: 'get_weather', args: '{broken' },
            ],
          },
          {
            role: 'tool',
            parts: [
              { type: 'tool-result', callId: 'c1', tool: 'get_weather', status: 'success', content: 'sunny' },
              {
                type: 'tool-result',
                callId: 'c2',
                tool: 'get_weather',
                status: 'failure',
                content: 'bad call',
              },
            ],
          },
          userSays('and now?'),
        ],
        { system: 'Be kind.', tools: [weather] },
      ),
    );
    expect(bodies).toMatchObject([
      {
        model: 'model-1',
        stream: true,
        tool_choice: 'auto',
        tools: [{ type: 'function', function: { name: 'get_weather', parameters: weather.inputSchema } }],
        messages: [
          { role: 'system', content: 'Be kind.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'look' },
              { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw==' } },
            ],
          },
          {
            role: 'assistant',
            content: 'I look.',
            tool_calls: [
              { id: 'c1', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } },
              { id: 'c2', function: { name: 'get_weather', arguments: '{"value":"{broken"}' } },
            ],
          },
          { role: 'tool', tool_call_id: 'c1', content: 'sunny' },
          { role: 'tool', tool_call_id: 'c2', content: 'bad call' },
          { role: 'user', content: 'and now?' },
        ],
      },
    ]);
  });

  test('names no tools where there are none', async () => {
    const { provider, bodies } = answering(() => new Response(''));
    await eventsOf(provider, requestOf('hi'));
    expect(bodies[0]).not.toHaveProperty('tools');
    expect(bodies[0]).not.toHaveProperty('tool_choice');
  });
});
