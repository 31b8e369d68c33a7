import type { RuntimeClient, SessionClient, SessionNode } from 'lash-web';
import { expect, onTestFinished, test } from 'vitest';

import { readRows } from '../stores/raw-check.ts';
import { eventually } from '../support/eventually.ts';
import { connect, newDatabase, policy, runtimeWorker, within } from './page.ts';

/** The runs of a session's tools, as seen from outside; `answer` ends the one that waits. */
function runsOf(sessionId: string): {
  readonly count: () => number;
  readonly begun: (count: number) => Promise<void>;
  readonly answer: (value: string) => void;
} {
  const channel = new BroadcastChannel(`runs of ${sessionId}`);
  onTestFinished(() => channel.close());
  let count = 0;
  let changed = (): void => undefined;
  channel.onmessage = () => {
    count++;
    changed();
  };
  return {
    count: () => count,
    begun: (wanted) =>
      within(
        new Promise((resolve) => {
          changed = () => void (count >= wanted && resolve());
          changed();
        }),
      ),
    answer: (answer) => channel.postMessage({ answer }),
  };
}

async function until(session: SessionClient, is: () => boolean): Promise<void> {
  await within(
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (!is()) return;
        stop();
        resolve();
      };
      const stop = session.subscribe(look);
      look();
    }),
  );
}

/** A session whose worker runs this turn, and how to have the worker killed and the session opened by another page. */
async function running(
  sessionId: string,
  input: string,
): Promise<{
  readonly session: SessionClient;
  readonly database: string;
  readonly dies: (unfinishedTurns?: 'ask') => Promise<SessionClient>;
}> {
  const database = newDatabase();
  const worker = runtimeWorker();
  const client: RuntimeClient = await connect({ config: { database } }, worker);
  const session = await client.createSession({ id: sessionId, policy });
  await within(session.turn(input, { inputId: 'the turn' }).accepted);
  return {
    session,
    database,
    dies: async (unfinishedTurns?: 'ask') => {
      worker.terminate();
      const next = await connect({ config: { database } });
      return await next.openSession(sessionId, unfinishedTurns === undefined ? {} : { unfinishedTurns });
    },
  };
}

const nodesOf = (session: SessionClient): readonly SessionNode[] => session.getSnapshot().window.nodes;

const outcomes = (session: SessionClient): readonly unknown[] =>
  nodesOf(session).flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

const texts = (session: SessionClient): readonly string[] =>
  nodesOf(session).flatMap(({ body }) =>
    body.kind === 'conversation'
      ? body.message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : []))
      : [],
  );

test('[TU3] a worker dies in a tool that must not run twice: it did not, and the model is told that nobody knows', async () => {
  const runs = runsOf('never');
  const { dies } = await running('never', 'call once {}');
  await runs.begun(1);
  const session = await dies();
  await until(session, () => session.getSnapshot().turn === null);
  expect(outcomes(session)).toMatchObject([{ status: 'failure', code: 'ToolOutcomeUnknown' }]);
  expect(runs.count()).toBe(1);
  expect(await session.pendingTurns()).toEqual([]);
});

test('[TU3] a worker dies in a tool that may run twice: it runs once more, and is answered once', async () => {
  const runs = runsOf('safe');
  const { dies } = await running('safe', 'call again {}');
  await runs.begun(1);
  const session = await dies();
  await runs.begun(2);
  runs.answer('42');
  await until(session, () => session.getSnapshot().turn === null);
  expect(outcomes(session)).toEqual([{ status: 'success', value: '42' }]);
  expect(texts(session)).toEqual(['call again {}', 'got 42']);
  expect(runs.count()).toBe(2);
});

test('[TU8] what a dead worker showed is interrupted text, and withdrawn when the call is made again', async () => {
  const { session: before, database, dies } = await running('text', 'drip');
  await until(before, () => (before.getSnapshot().turn?.text ?? '') !== '');
  await eventually(async () => {
    const { journal } = await readRows(database);
    const pieces = journal.flatMap(
      (row) =>
        (JSON.parse(row.text) as { readonly shown?: readonly { readonly text: string }[] }).shown ?? [],
    );
    expect(pieces.map(({ text }) => text).join('')).toMatch(/^0 1 2 /);
  });
  const session = await dies('ask');
  const shown = session.getSnapshot().turn;
  expect(shown).toMatchObject({ interrupted: true, text: expect.stringMatching(/^0 1 2 /) as string });
  expect(texts(session)).toEqual(['drip']);
  const types: string[] = [];
  for await (const observed of session.observe()) {
    if (observed.type === 'view') await session.resumeTurns();
    else types.push(observed.event.type);
    if (types.includes('text-delta')) break;
  }
  expect(types).toContain('attempt-withdrawn');
  await session.cancelTurn('the turn');
  await until(session, () => session.getSnapshot().turn === null);
  expect(texts(session)).toHaveLength(2);
});

test('[TU5] what was shown until the stop is kept as a cancelled answer, and the next turn goes on behind it', async () => {
  const { session } = await running('stop', 'drip');
  await until(session, () => (session.getSnapshot().turn?.text ?? '') !== '');
  await session.cancelTurn('the turn', 'enough');
  await until(session, () => session.getSnapshot().turn === null);
  const [, answer] = nodesOf(session);
  expect(answer?.body).toMatchObject({
    kind: 'conversation',
    message: { role: 'assistant', status: 'cancelled' },
  });
  expect(texts(session)[1]).toMatch(/^0 /);
  expect(session.getSnapshot().lastTurn?.result).toMatchObject({ status: 'cancelled' });
  // It is over: stopping it again changes nothing.
  await session.cancelTurn('the turn');
  expect(await within(session.turn('say next').result)).toMatchObject({ status: 'completed' });
  expect(texts(session).slice(2)).toEqual(['say next', 'next']);
});

test('[TU10] input that is sent into a running turn is read before its next model call', async () => {
  const runs = runsOf('steer');
  const { session } = await running('steer', 'call once {}');
  await runs.begun(1);
  const steer = session.turn('say steered', { whenRunning: 'inject' });
  await within(steer.accepted);
  runs.answer('done');
  await until(session, () => session.getSnapshot().turn === null);
  expect(texts(session)).toEqual(['call once {}', 'say steered', 'steered']);
  expect(await within(steer.result)).toMatchObject({ status: 'completed' });
  expect(await session.queue.list()).toEqual([]);
});
