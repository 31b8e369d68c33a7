import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Play } from '../e2e/plays.ts';
import { byteByByte, calls, chunk, COUNTED, DONE, event, prose, sends, USAGE, whole } from './chat-stream.ts';
import { type EndpointTurn, playTurn } from './endpoint-turn.ts';
import { ModelEndpoint } from './model-endpoint.ts';

let endpoint: ModelEndpoint;
beforeAll(async () => {
  endpoint = await ModelEndpoint.start();
});
afterAll(async () => endpoint.stop());

const LAST = sends(whole(prose('All ', 'done')));
const END = 'assistant: All done';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Where the bytes of `part` begin in those of `whole`, and end. */
function offsetsOf(part: string, whole: string): readonly number[] {
  const start = bytes(whole.slice(0, whole.indexOf(part))).length;
  return Array.from({ length: bytes(part).length + 1 }, (_, index) => start + index);
}

describe('text', () => {
  // Two, three and four bytes, joined emoji, and a mark that belongs to the letter before it.
  const TEXT = 'ä€🌍👩‍👩‍👧é!';
  const EVENTS = whole(prose(TEXT)).join('');

  test('[PR1] [TU6] may be split at every byte', async () => {
    for (const at of offsetsOf(TEXT, EVENTS)) {
      const all = bytes(EVENTS);
      const turn = await playTurn(endpoint, [sends([all.subarray(0, at), all.subarray(at)])]);
      expect(turn.history, `split at byte ${at}`).toEqual(['user: question', `assistant: ${TEXT}`]);
    }
  });

  test('[PR1] [TU6] may come one byte at a time', async () => {
    const turn = await playTurn(endpoint, [sends(byteByByte(EVENTS))]);
    expect(turn).toMatchObject({ attempts: 1, history: ['user: question', `assistant: ${TEXT}`] });
  });

  test('[PR1] [TU6] may be split into events between the halves of a character', async () => {
    const turn = await playTurn(endpoint, [sends(whole(prose(...TEXT.split(''))))]);
    expect(turn).toMatchObject({ attempts: 1, history: ['user: question', `assistant: ${TEXT}`] });
  });
});

describe('the arguments of a tool call', () => {
  const ARGS = '{"city":"Zürich 🌍 \\"\\\\"}';
  const CITY = 'Zürich 🌍 "\\';
  const HISTORY = ['user: question', 'assistant: ', `tool a: ${JSON.stringify(`sunny in ${CITY}`)}`, END];
  const asked = (...pieces: readonly string[]): readonly string[] =>
    whole(calls({ id: 'a', name: 'weather', pieces }), 'tool_calls');

  const offsets = Array.from({ length: ARGS.length - 1 }, (_, index) => index + 1);
  test.each(offsets)('[PR1] [TU9] may be split into two events after %i characters', async (at) => {
    const turn = await playTurn(endpoint, [sends(asked(ARGS.slice(0, at), ARGS.slice(at))), LAST]);
    expect(turn).toMatchObject({ attempts: 2, history: HISTORY, ran: [CITY] });
  });

  test('[PR1] [TU9] may come one character an event, one byte at a time', async () => {
    const stream = byteByByte(asked(...ARGS.split('')).join(''));
    expect(await playTurn(endpoint, [sends(stream), LAST])).toMatchObject({
      attempts: 2,
      history: HISTORY,
      ran: [CITY],
    });
  });

  test('[PR1] [TU9] may be split at every byte of the stream', async () => {
    const events = asked(ARGS).join('');
    const all = bytes(events);
    for (const at of offsetsOf(JSON.stringify(ARGS), events)) {
      const turn = await playTurn(endpoint, [sends([all.subarray(0, at), all.subarray(at)]), LAST]);
      expect(turn, `split at byte ${at}`).toMatchObject({ history: HISTORY, ran: [CITY] });
    }
  });

  test.each([
    ['break off in a finished answer', ['{"city":'], []],
    ['are no object', ['"Zürich"'], []],
    ['are of another type', ['{"city":7}'], []],
    ['are empty', [], ['nowhere']],
  ])('[TU9] that %s are told to the model, or run as they are', async (_, pieces, ran) => {
    const turn = await playTurn(endpoint, [sends(asked(...pieces)), LAST]);
    expect(turn).toMatchObject({ attempts: 2, ran });
    expect(turn.history[2]).toBe(ran.length === 0 ? 'tool a: failure' : 'tool a: "sunny in nowhere"');
  });
});

describe('the ids of tool calls', () => {
  const call = (id: string, city: string) => ({ id, name: 'weather', pieces: [`{"city":"${city}"}`] });
  const ids = ({ history }: EndpointTurn): readonly string[] =>
    history.flatMap((line) => (line.startsWith('tool') ? (line.split(' ', 2)[1] ?? '') : []));

  test.each([
    ['are repeated', 'same', 'same'],
    ['are missing', '', ''],
  ])('[PR1] [TU9] that %s become ids of their own', async (_, first, second) => {
    const answer = whole(calls(call(first, 'Rome'), call(second, 'Paris')), 'tool_calls');
    const turn = await playTurn(endpoint, [sends(answer), LAST]);
    expect(turn).toMatchObject({ attempts: 2, ran: ['Rome', 'Paris'] });
    expect(new Set(ids(turn)).size).toBe(2);
    expect(ids(turn)).not.toContain(':');
  });

  test('[TU9] may be the same again in the next round', async () => {
    const round = (city: string): Play => sends(whole(calls(call('same', city)), 'tool_calls'));
    const turn = await playTurn(endpoint, [round('Rome'), round('Paris'), LAST]);
    expect(turn).toMatchObject({
      attempts: 3,
      ran: ['Rome', 'Paris'],
      history: [
        'user: question',
        'assistant: ',
        'tool same: "sunny in Rome"',
        'assistant: ',
        'tool same: "sunny in Paris"',
        END,
      ],
    });
  });
});

const GOOD = ['user: question', 'assistant: one two'];
const [ONE = '', TWO = ''] = prose('one ', 'two');
const STOP = chunk({}, 'stop');
const counted = { inputTokens: 30, outputTokens: 12 };

describe('a whole answer', () => {
  test.each([
    ['without [DONE]', [ONE, TWO, STOP, COUNTED], counted],
    ['whose tokens are counted after [DONE]', [ONE, TWO, STOP, DONE, COUNTED], counted],
    ['whose tokens are counted first', [COUNTED, ONE, TWO, STOP, DONE], counted],
    ['whose tokens are counted with each piece', [COUNTED, ONE, COUNTED, TWO, STOP, COUNTED, DONE], counted],
    [
      'whose tokens are counted in the finish',
      [ONE, TWO, event({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: USAGE }), DONE],
      counted,
    ],
    ['whose tokens are not counted', [ONE, TWO, STOP, DONE], { inputTokens: 0, outputTokens: 0 }],
    ['that finishes twice', [ONE, TWO, STOP, STOP, COUNTED, DONE], counted],
    [
      'that is kept open by comments',
      [': hi\n\n', ONE, ': hi\n\n:\n\n', TWO, ': hi\n', STOP, COUNTED, DONE],
      counted,
    ],
    ['with fields that say nothing', ['id: 1\nevent: x\nretry: 5\n', ONE, TWO, STOP, COUNTED, DONE], counted],
    ['with a mark before its first byte', ['\uFEFF', ONE, TWO, STOP, COUNTED, DONE], counted],
    ['without the space', whole([ONE, TWO]).map((text) => text.replace('data: ', 'data:')), counted],
    ['with CRLF', whole([ONE, TWO]).map((text) => text.replaceAll('\n', '\r\n')), counted],
    [
      'with CRLF that is split',
      whole([ONE, TWO]).flatMap((text) => text.replaceAll('\n', '\r\n').split(/(?<=\r)/)),
      counted,
    ],
    ['with CR', whole([ONE, TWO]).map((text) => text.replaceAll('\n', '\r')), counted],
    ['all in one chunk', [whole([ONE, TWO]).join('')], counted],
    ['with chunks that hold no choice', [event({ choices: [] }), ONE, TWO, STOP, COUNTED, DONE], counted],
  ])('[TU6] [TU9] %s is an answer', async (_, pieces, usage) => {
    const turn = await playTurn(endpoint, [sends(pieces)]);
    expect(turn).toMatchObject({ attempts: 1, waits: [], history: GOOD, usage });
  });
});

describe('a stream that is no answer', () => {
  const again = sends(whole([ONE, TWO]));
  const text = { 'content-type': 'text/plain' };
  const page = '<!doctype html><title>Log in</title>';
  test.each([
    ['[DONE] without a finish', sends([ONE, DONE]), 'ProviderStreamInterrupted'],
    ['[DONE] and nothing else', sends([DONE]), 'ProviderStreamInterrupted'],
    ['nothing', sends([]), 'ProviderStreamInterrupted'],
    ['nothing, as text', sends([], text), 'ProviderStreamInterrupted'],
    ['comments only', sends([': hi\n\n', ': hi\n\n']), 'ProviderStreamInterrupted'],
    ['a last event without its end', sends([ONE, TWO, STOP.trimEnd()]), 'ProviderStreamInterrupted'],
    ['truncated JSON', sends([ONE, 'data: {"choices":[{"del\n\n', TWO, STOP]), 'ProviderStreamInvalid'],
    ['rubbish', sends([ONE, 'data: <html>\n\n', STOP, DONE]), 'ProviderStreamInvalid'],
    [
      'bytes that are no text',
      sends([ONE, bytes('data: '), Uint8Array.of(0xff, 0xc3, 0x28, 10, 10)]),
      'ProviderStreamInvalid',
    ],
    ['JSON of another protocol', sends([event({ hello: 1 }), ONE, STOP]), 'ProviderStreamInvalid'],
    ['null', sends([event('null'), ONE, STOP]), 'ProviderStreamInvalid'],
    ['a web page', sends([page], { 'content-type': 'text/html; charset=utf-8' }), 'ProviderStreamInvalid'],
    [
      'JSON',
      sends(['{"id":"c-1","choices":[]}'], { 'content-type': 'application/json' }),
      'ProviderStreamInvalid',
    ],
    [
      'JSON of a problem',
      sends(['{}'], { 'content-type': 'application/problem+json' }),
      'ProviderStreamInvalid',
    ],
    ['a finish and nothing else', sends([STOP, DONE]), 'ProviderEmptyResponse'],
    [
      'an error in the middle',
      sends([ONE, event({ error: { message: 'overloaded', type: 'server_error' } })]),
      'ProviderUnavailable',
    ],
    ['an error without words', sends([ONE, event({ error: { message: '' } })]), 'ProviderUnavailable'],
  ])('[TU6] [TU7] but %s is tried again, and not kept', async (_, play, code) => {
    const turn = await playTurn(endpoint, [play, again]);
    expect(turn).toMatchObject({
      attempts: 2,
      waits: [1000],
      failures: [code],
      history: GOOD,
      usage: counted,
    });
  });
});
