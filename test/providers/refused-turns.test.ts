import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { hangsUp, type Play, webPage } from '../e2e/plays.ts';
import { prose, sends, whole } from './chat-stream.ts';
import { playTurn } from './endpoint-turn.ts';
import { ModelEndpoint } from './model-endpoint.ts';

let endpoint: ModelEndpoint;
beforeAll(async () => {
  endpoint = await ModelEndpoint.start();
});
afterAll(async () => endpoint.stop());

const GOOD = sends(whole(prose('Good ', 'answer')));
const HISTORY = ['user: question', 'assistant: Good answer'];
const json = (error: object): string => JSON.stringify({ error });

function refuses(status: number, headers: Record<string, string> = {}, body = json({ message: 'no' })): Play {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };
}

/** A refusal whose body breaks off. */
function stutters(status: number, headers: Record<string, string> = {}): Play {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '100', ...headers });
    response.write('{"error": {"mess', () => response.destroy());
  };
}

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();
const LONG_AGO = 'Sun, 06 Nov 1994 08:49:37 GMT';
const page = '<!doctype html><title>502 Bad Gateway</title>';

describe('a refusal that passes', () => {
  test.each([
    ['429', refuses(429), 1000],
    ['429 with seconds', refuses(429, { 'retry-after': '7' }), 7000],
    ['429 with none of them', refuses(429, { 'retry-after': '0' }), 0],
    ['429 with milliseconds', refuses(429, { 'retry-after-ms': '1234', 'retry-after': '7' }), 1234],
    ['429 with a date that has passed', refuses(429, { 'retry-after': LONG_AGO }), 0],
    ['429 with rubbish', refuses(429, { 'retry-after': 'soon, maybe' }), 1000],
    ['429 with what an engine takes for a date', refuses(429, { 'retry-after': 'try 5' }), 1000],
    ['429 with an empty value', refuses(429, { 'retry-after': '' }), 1000],
    ['429 with a negative value', refuses(429, { 'retry-after': '-5' }), 1000],
    ['429 with a number beyond all numbers', refuses(429, { 'retry-after': '9'.repeat(400) }), 1000],
    ['429 without a body', refuses(429, { 'retry-after': '2' }, ''), 2000],
    ['429 whose body breaks off', stutters(429, { 'retry-after': '2' }), 2000],
    ['500', refuses(500), 1000],
    ['500 with truncated JSON', refuses(500, {}, '{"error": {"mess'), 1000],
    ['500 whose body breaks off', stutters(500), 1000],
    ['502 with a web page', refuses(502, { 'content-type': 'text/html' }, page), 1000],
    ['503 with seconds', refuses(503, { 'retry-after': '3' }), 3000],
    ['408', refuses(408), 1000],
    ['a connection that is refused', hangsUp, 1000],
    ['a web page with status 200', webPage, 1000],
  ])('[TU6] [TU7] %s is waited for and tried again', async (_, play, waitMs) => {
    const turn = await playTurn(endpoint, [play, GOOD]);
    expect(turn).toMatchObject({ attempts: 2, waits: [waitMs], history: HISTORY });
    expect(turn.usage).toMatchObject({ inputTokens: 30, outputTokens: 12 });
  });

  test('[TU7] a date that comes is waited for', async () => {
    const turn = await playTurn(endpoint, [refuses(429, { 'retry-after': inSeconds(40) }), GOOD]);
    expect(turn).toMatchObject({ attempts: 2, history: HISTORY });
    expect(turn.waits[0]).toBeGreaterThan(30_000);
    expect(turn.waits[0]).toBeLessThanOrEqual(40_000);
  });

  test('[TU6] [TU7] each time ends the turn after four attempts', async () => {
    const play = refuses(503, { 'retry-after': '1' });
    const turn = await playTurn(endpoint, [play, play, play, play]);
    expect(turn).toMatchObject({
      attempts: 4,
      waits: [1000, 1000, 1000],
      history: ['user: question'],
      result: { status: 'failed', error: { code: 'ProviderUnavailable', data: { status: 503 } } },
    });
  });
});

describe('a refusal that stays', () => {
  const tooLong = {
    code: 'context_length_exceeded',
    message: "This model's maximum context length is 8192 tokens.",
  };
  const noModel = { code: 'model_not_found', message: 'The model `m` does not exist' };
  test.each([
    ['401', refuses(401), 'ProviderUnauthorized', { status: 401 }],
    ['401 whose body breaks off', stutters(401), 'ProviderUnauthorized', { status: 401 }],
    ['403', refuses(403), 'ProviderUnauthorized', { status: 403 }],
    ['400 for an unknown model', refuses(400, {}, json(noModel)), 'ProviderRejected', { status: 400 }],
    ['404 for an unknown model', refuses(404, {}, json(noModel)), 'ProviderRejected', { status: 404 }],
    [
      '404 with a web page',
      refuses(404, { 'content-type': 'text/html' }, page),
      'ProviderRejected',
      { status: 404 },
    ],
    ['400 with truncated JSON', refuses(400, {}, '{"error": {"mess'), 'ProviderRejected', { status: 400 }],
    [
      '400 for a long context',
      refuses(400, {}, json(tooLong)),
      'ContextOverflow',
      { maxContextTokens: 100_000 },
    ],
    [
      '413 for a long context',
      refuses(413, {}, json(tooLong)),
      'ContextOverflow',
      { maxContextTokens: 100_000 },
    ],
    [
      '429 with a wait that is too long',
      refuses(429, { 'retry-after': '3600' }),
      'ProviderRateLimited',
      { status: 429, retryAfterMs: 3_600_000 },
    ],
    [
      '429 for want of credit',
      refuses(429, {}, json({ code: 'insufficient_quota', message: 'no credit' })),
      'ProviderRateLimited',
      { status: 429 },
    ],
  ] as const)('[TU6] [TU7] %s ends the turn at once', async (_, play, code, data) => {
    const turn = await playTurn(endpoint, [play]);
    expect(turn).toMatchObject({
      attempts: 1,
      waits: [],
      history: ['user: question'],
      result: { status: 'failed', reason: 'provider_error' },
    });
    expect(turn.result.error).toMatchObject({ code, data });
    expect(turn.usage.inputTokens).toBe(0);
  });
});
