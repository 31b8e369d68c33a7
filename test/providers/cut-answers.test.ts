import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { hangsUp, type Play } from '../e2e/plays.ts';
import { memoryEnvironment } from '../runtime/support.ts';
import { breaks, calls, prose, sends, whole } from './chat-stream.ts';
import { playTurn } from './endpoint-turn.ts';
import { ModelEndpoint } from './model-endpoint.ts';

let endpoint: ModelEndpoint;
beforeAll(async () => {
  endpoint = await ModelEndpoint.start();
});
afterAll(async () => endpoint.stop());

const ANSWER = whole(
  [
    ...prose('Grüße ', 'nach 東京 ', '🌍!'),
    ...calls(
      { id: 'a', name: 'weather', pieces: ['{"ci', 'ty":"Zür', 'ich"}'] },
      { id: 'b', name: 'weather', pieces: ['{"city":', '"東京"}'] },
    ),
  ],
  'tool_calls',
);
const LAST = sends(whole(prose('Both are ', 'sunny.')));
const HISTORY = [
  'user: question',
  'assistant: Grüße nach 東京 🌍!',
  'tool a: "sunny in Zürich"',
  'tool b: "sunny in 東京"',
  'assistant: Both are sunny.',
];
const FINISHED = ANSWER.length - 2;

/** The answer as far as it came: whole chunks, and the first half of the bytes of the next one. */
interface Cut {
  readonly where: string;
  readonly pieces: readonly (string | Uint8Array)[];
  /** Whether the model had said that it was done. */
  readonly finished: boolean;
  readonly counted: boolean;
}

const cuts: readonly Cut[] = ANSWER.concat('').flatMap((next, index) => {
  const before = ANSWER.slice(0, index);
  const reached = { finished: index >= FINISHED, counted: index > FINISHED };
  const bytes = new TextEncoder().encode(next);
  const between = { where: `after ${index} chunks`, pieces: before, ...reached };
  const half = bytes.subarray(0, Math.floor(bytes.length / 2));
  const within = { where: `in the middle of chunk ${index + 1}`, pieces: [...before, half], ...reached };
  return next === '' ? [between] : [between, within];
});

describe('an answer with text and two tool calls', () => {
  test.each(cuts)('[TU6] [TU7] [TU9] whose connection breaks $where is made again', async ({ pieces }) => {
    const turn = await playTurn(endpoint, [breaks(pieces), sends(ANSWER), LAST]);
    expect(turn).toMatchObject({ attempts: 3, waits: [1000], history: HISTORY, ran: ['Zürich', '東京'] });
    expect(turn.usage).toMatchObject({ inputTokens: 60, outputTokens: 24 });
  });

  test.each(cuts)(
    '[TU6] [TU7] [TU9] that ends properly $where counts as whole only if the model said so',
    async ({ pieces, finished, counted }) => {
      const plays: readonly Play[] = finished ? [sends(pieces), LAST] : [sends(pieces), sends(ANSWER), LAST];
      const turn = await playTurn(endpoint, plays);
      expect(turn).toMatchObject({ attempts: plays.length, history: HISTORY, ran: ['Zürich', '東京'] });
      const answers = finished && !counted ? 1 : 2;
      expect(turn.usage).toMatchObject({ inputTokens: 30 * answers, outputTokens: 12 * answers });
    },
  );

  test.each([
    ['breaks', breaks(ANSWER.slice(0, 5)), 'ProviderStreamInterrupted'],
    ['ends', sends(ANSWER.slice(0, 5)), 'ProviderStreamInterrupted'],
    ['is refused', hangsUp, 'ProviderUnavailable'],
  ] as const)('[TU6] [TU7] that %s each time fails after four attempts', async (_, play, code) => {
    const turn = await playTurn(endpoint, [play, play, play, play]);
    expect(turn).toMatchObject({
      attempts: 4,
      waits: [1000, 2000, 4000],
      history: ['user: question'],
      ran: [],
      result: { status: 'failed', reason: 'provider_error', error: { code } },
    });
    expect(turn.usage.inputTokens).toBe(0);
  });

  test('[TU9] that breaks in the second round repeats neither the first one nor its tools', async () => {
    const turn = await playTurn(endpoint, [sends(ANSWER), breaks(prose('Both')), LAST]);
    expect(turn).toMatchObject({ attempts: 3, history: HISTORY, ran: ['Zürich', '東京'] });
  });
});

describe('where a host takes what came for the answer', () => {
  const lenient = () =>
    memoryEnvironment((builder) => builder.withTermination({ treatMissingDoneAsFailure: false }));
  const started = ANSWER.findIndex((chunk) => chunk.includes('"id":"b"'));

  test.each([
    ['begun', ANSWER.slice(0, started + 1)],
    ['half sent', ANSWER.slice(0, started + 2)],
  ])('[PR1] [TU9] a tool call that was only %s is not run', async (_, pieces) => {
    const turn = await playTurn(endpoint, [sends(pieces), LAST], { environment: lenient() });
    expect(turn.history).toEqual(HISTORY.filter((line) => !line.startsWith('tool b')));
    expect(turn.ran).toEqual(['Zürich']);
  });
});
