import type { SessionClient, TurnActivity } from 'lash-web';
import { afterAll, describe, expect, test } from 'vitest';

import { modelServerUrl, stopModelServer } from '../support/browser/commands.ts';
import { connect, newDatabase, within } from '../worker/page.ts';
import { lineOf } from './history-lines.ts';
import { ANSWERS, PNG, TOKENS, WIRES, WEATHER } from './wires.ts';

afterAll(stopModelServer);

const worker = (): Worker => new Worker(new URL('./wires.worker.ts', import.meta.url), { type: 'module' });

async function open(id: string, url: string, idleTimeoutMs: number | null = null): Promise<SessionClient> {
  const client = await connect({ config: { database: newDatabase() } }, worker);
  return await client.createSession({
    policy: { provider: { id, model: id, options: { url, idleTimeoutMs } } },
  });
}

/** Runs a turn, which completes, and gives back what was told of it. */
async function ask(
  session: SessionClient,
  input: Parameters<SessionClient['turn']>[0],
): Promise<readonly TurnActivity[]> {
  const turn = session.turn(input);
  const told: TurnActivity[] = [];
  for await (const activity of turn) told.push(activity);
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(told.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
  return told;
}

const nodes = (session: SessionClient) => session.getSnapshot().window.nodes;

describe.each(WIRES)('the wire %s in a worker', (wire) => {
  test('[PR1] [TU9] shows reasoning, text, tool calls and an image, and is asked again with what it wants back', async () => {
    const session = await open(wire, await modelServerUrl());
    await ask(session, 'reasoning?');
    const { thought, say } = ANSWERS.reasoning;
    expect(nodes(session)[1]?.body).toMatchObject({
      message: {
        parts: [
          { type: 'reasoning', text: thought },
          { type: 'text', text: say },
        ],
      },
      usage: TOKENS,
    });
    await ask(session, 'weather?');
    expect(nodes(session).slice(2).map(lineOf)).toEqual(WEATHER);
    const png = Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0));
    const attachment = await session.attachments.put(new Blob([png], { type: 'image/png' }));
    await ask(session, {
      parts: [
        { type: 'text', text: 'picture?' },
        { type: 'image', attachment },
      ],
    });
    expect(nodes(session).map(lineOf).at(-1)).toBe('assistant: One white dot.');
    expect((await session.usage()).total).toMatchObject({ inputTokens: 120, outputTokens: 48 });
  });

  test.each([
    ['ends', 0, null],
    ['ends', 4, null],
    ['breaks', 0, null],
    ['breaks', 4, null],
    ['hangs', 4, 4000],
  ] as const)(
    '[TU6] [TU7] is asked again when its stream %s after %i events',
    async (how, after, idleTimeoutMs) => {
      const session = await open(wire, await modelServerUrl({ how, after }), idleTimeoutMs);
      const told = await ask(session, 'weather?');
      const failures = told.flatMap((event) => (event.type === 'retry-scheduled' ? event.error.code : []));
      // Some packages look into a stream before they hand it out, and engines drop what came right before the end.
      expect(failures.join()).toMatch(/^Provider(?:StreamInterrupted|Unavailable)$/);
      expect(nodes(session).map(lineOf)).toEqual(WEATHER);
      expect((await session.usage()).total).toMatchObject({ inputTokens: 60, outputTokens: 24 });
    },
  );

  test('[PR1] puts characters together that come one byte at a time', async () => {
    const session = await open(wire, await modelServerUrl({ how: 'dribbles', after: 0 }));
    await ask(session, 'reasoning?');
    expect(nodes(session).map(lineOf)).toEqual(['user: reasoning?', `assistant: ${ANSWERS.reasoning.say}`]);
  });

  test('[TU7] is asked again when a refusal says so', async () => {
    const session = await open(wire, await modelServerUrl({ how: 'refuses', after: 0 }));
    const told = await ask(session, 'weather?');
    expect(told.find(({ type }) => type === 'retry-scheduled')).toMatchObject({
      error: { code: 'ProviderRateLimited', data: { retryAfterMs: 0 } },
      waitMs: 0,
    });
  });
});
