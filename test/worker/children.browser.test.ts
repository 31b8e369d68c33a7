import type { RuntimeClient, SessionClient } from 'lash-web';
import { expect, test } from 'vitest';

import { eventually } from '../support/eventually.ts';
import { connect, newDatabase, policy, within } from './page.ts';

const worker = (): Worker => new Worker(new URL('./children.worker.ts', import.meta.url), { type: 'module' });

/** A page of its own, with a worker of its own. */
async function page(database: string): Promise<{ readonly client: RuntimeClient; readonly worker: Worker }> {
  const own = worker();
  return { client: await connect({ config: { database } }, own), worker: own };
}

const asks = (task: string): string => `call spawn_agent ${JSON.stringify({ agent: 'helper', task })}`;

/** The session that the running call shows as its agent's. */
async function agentOf(session: SessionClient): Promise<string> {
  return await eventually(() => {
    const [call] = session.getSnapshot().turn?.toolCalls ?? [];
    const progress = call?.progress as { readonly sessionId: string; readonly text: string } | undefined;
    if (progress === undefined || progress.text === '') throw new Error('nothing was said yet');
    return progress.sessionId;
  });
}

test('[CH1][CH2] an agent works in a child session, is seen at work, and is counted in its parent by source and model', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ id: 's', policy });
  const turn = session.turn(asks('drip'));
  const agent = await agentOf(session);
  const watched = await client.openSession(agent, { mode: 'readOnly' });
  await eventually(() => expect(watched.getSnapshot().turn?.text).not.toBe(undefined));
  await watched.close();
  const result = await within(turn.cancel());
  expect(result).toMatchObject({ status: 'cancelled' });

  const answered = await within(session.turn(asks('say hello')).result);
  expect(answered.children?.map(({ source, model }) => [source, model])).toEqual([['subagent', 'fake']]);
  const { ledger } = await session.usage();
  expect(ledger.map(({ source, model }) => [source, model])).toEqual([
    ['turn', 'fake'],
    ['subagent', 'fake'],
  ]);
  expect((await client.listSessions()).items.map(({ sessionId }) => sessionId)).toEqual(['s']);
  const children = await client.listSessions({ parent: 's' });
  expect(children.items).toHaveLength(2);
  expect(children.items.map(({ sessionId }) => sessionId)).toContain(agent);
});

test('[CH1] the call of a worker that is gone finds its agent again in the next one, through its agent of its own', async () => {
  const database = newDatabase();
  const before = await page(database);
  const session = await before.client.createSession({ id: 's', policy });
  const turn = session.turn(asks(asks('drip')), { inputId: 't' });
  turn.result.catch(() => undefined);
  await eventually(async () => {
    const [child] = (await before.client.listSessions({ parent: 's' })).items;
    const grandchildren = await before.client.listSessions({ parent: child?.sessionId ?? '' });
    expect(grandchildren.items).toHaveLength(1);
  });
  before.worker.terminate();

  const after = await page(database);
  const again = await after.client.openSession('s');
  const agent = await eventually(async () => {
    const { items } = await after.client.listSessions({ parent: 's' });
    const [call] = again.getSnapshot().turn?.toolCalls ?? [];
    expect(call?.progress).toMatchObject({ sessionId: items[0]?.sessionId, running: ['spawn_agent'] });
    return items;
  });
  expect(agent).toHaveLength(1);
  await again.cancelTurn('t');
  await eventually(() => expect(again.getSnapshot().lastTurn?.result.status).toBe('cancelled'));
});

test('[TU11] what an agent of an agent asks is answered where all questions of the turn are', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ id: 's', policy });
  const turn = session.turn(asks(asks('call erase {}')));
  const wait = await eventually(() => {
    const [first] = session.getSnapshot().turn?.waits ?? [];
    if (first?.kind !== 'approval') throw new Error('nobody is asked');
    return first;
  });
  const [child] = (await client.listSessions({ parent: 's' })).items;
  expect(wait).toMatchObject({ tool: 'erase', childSessionId: child?.sessionId });
  await session.answer(wait.requestId, { approve: true });
  expect(await within(turn.result)).toMatchObject({ status: 'completed' });
  expect(JSON.stringify(session.getSnapshot().window.nodes)).toContain('erased');
});

test.each(['ask', 'go-on'] as const)(
  '[CH1][CH3] a call finds its agent also where the page had opened that first, and stops it (unfinished turns: %s)',
  async (unfinishedTurns) => {
    const database = newDatabase();
    const before = await page(database);
    const session = await before.client.createSession({ id: 's', policy });
    session.turn(asks('drip'), { inputId: 't' }).result.catch(() => undefined);
    const agent = await agentOf(session);
    before.worker.terminate();

    const { client } = await page(database);
    const opened = await client.openSession(agent, { unfinishedTurns });
    const again = await client.openSession('s');
    expect(await agentOf(again)).toBe(agent);
    await again.cancelTurn('t');
    for (const stopped of [again, opened])
      await eventually(() => expect(stopped.getSnapshot().lastTurn?.result.status).toBe('cancelled'));
  },
);

test('[CH5] deleting a session deletes its children', async () => {
  const { client } = await page(newDatabase());
  const session = await client.createSession({ id: 's', policy });
  await within(session.turn(asks('say hello')).result);
  await client.deleteSession('s');
  expect((await client.listSessions({ parent: 's' })).items).toEqual([]);
});
