import { describe, expect, test } from 'vitest';

import { answering, failure, refusing } from './fake-server.ts';
import { requestOf } from './requests.ts';

describe('a refusal', () => {
  test.each([
    ['seconds', { 'retry-after': '1.5' }, 1500],
    ['milliseconds, which win', { 'retry-after-ms': '20', 'retry-after': '7' }, 20],
    ['a date that has passed', { 'Retry-After': 'Sun, 06 Nov 1994 08:49:37 GMT' }, 0],
  ])('[PR3] [TU7] says how long to wait in %s', async (_, headers, retryAfterMs) => {
    for (const status of [429, 503]) {
      expect(await failure(refusing(status, 'wait', headers))).toMatchObject({
        data: { status, retryAfterMs },
      });
    }
  });

  test('[PR3] [TU7] says how long to wait by a date that comes', async () => {
    const headers = { 'retry-after': new Date(Date.now() + 60_000).toUTCString() };
    const { data } = (await failure(refusing(429, 'wait', headers))) as { data: { retryAfterMs: number } };
    expect(data.retryAfterMs).toBeGreaterThan(50_000);
    expect(data.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('[PR3] says nothing of waiting when the server did not', async () => {
    expect(await failure(refusing(429, 'wait', { 'retry-after': 'soon' }))).toHaveProperty('data', {
      status: 429,
    });
  });

  test('[PR3] for want of credit is not worth a retry', async () => {
    const provider = refusing(429, 'You exceeded your current quota', {}, { code: 'insufficient_quota' });
    expect(await failure(provider)).toMatchObject({ code: 'ProviderRateLimited', retryable: false });
  });

  test.each([
    [400, 'ProviderRejected', false],
    [403, 'ProviderUnauthorized', false],
    [404, 'ProviderRejected', false],
    [408, 'ProviderUnavailable', true],
    [409, 'ProviderUnavailable', true],
    [422, 'ProviderRejected', false],
    [425, 'ProviderUnavailable', true],
    [529, 'ProviderUnavailable', true],
  ])('[PR3] with status %i is %s', async (status, code, retryable) => {
    expect(await failure(refusing(status, 'no'))).toMatchObject({ code, retryable, data: { status } });
  });

  test.each([
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.",
    'prompt is too long: 200001 tokens > 200000 maximum',
    'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).',
    'the request exceeds the available context size. try increasing the context size',
    'Trying to keep the first 5000 tokens when context overflows. The model is loaded with context length of only 4096 tokens',
  ])('[PR3] that says "%s" is ContextOverflow', async (message) => {
    expect(await failure(refusing(400, message))).toMatchObject({
      code: 'ContextOverflow',
      data: { maxContextTokens: 1000 },
    });
  });

  test('[PR3] for too many tokens per minute is a rate limit, not an overflow', async () => {
    const message = 'Request too large for model on tokens per min (TPM): Limit 10000, Requested 20000.';
    expect(await failure(refusing(429, message))).toMatchObject({ code: 'ProviderRateLimited' });
    expect(await failure(refusing(413, message))).toMatchObject({ code: 'ProviderRejected' });
  });

  test('[SE1] [PR3] holds nothing of the request, neither in words nor as a cause', async () => {
    const { provider } = answering(() => Response.json({ error: { message: 'no' } }, { status: 400 }));
    const error = (await failure(provider, requestOf('private words'))) as Error;
    expect(error.message).toBe('model-1 refused the request (400): no');
    expect(error.cause).toBeUndefined();
    expect(JSON.stringify([Object.entries(error), error.stack])).not.toContain('private words');
  });

  test('[PR3] is told in at most 300 characters of the server', async () => {
    const error = (await failure(refusing(400, 'x'.repeat(5000)))) as Error;
    expect(error.message.length).toBeLessThan(400);
  });

  test('[PR3] of an image type is UnsupportedMedia', async () => {
    const { provider, bodies } = answering(() => new Response());
    const data = new Uint8Array([1]);
    const request = requestOf([
      { role: 'user', parts: [{ type: 'image', mime: 'model/gltf-binary', data }] },
    ]);
    expect(await failure(provider, request)).toMatchObject({
      code: 'UnsupportedMedia',
      data: { mime: 'model/gltf-binary' },
    });
    expect(bodies).toEqual([]);
  });
});
