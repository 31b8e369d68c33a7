import { expect, test } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker } from './page.ts';

test('a session that is opened twice is shared, and closes with the last handle', async () => {
  const client = await connect();
  const first = await client.createSession({ id: 'shared', policy });
  const second = await client.openSession('shared');
  await first.turn('say hi').result;
  expect(second.getSnapshot()).toBe(first.getSnapshot());
  await first.close();
  await first.close();
  await failure(first.rename('x'), 'SessionClosed');
  await second.rename('still open');
  await second.close();
  await failure(second.rename('x'), 'SessionClosed');
  const third = await client.openSession('shared');
  expect(third.getSnapshot()).toMatchObject({ title: 'still open', window: { start: 0 } });
  expect(third.getSnapshot().window.nodes).toHaveLength(2);
});

test('opening twice at once gives the same session as well', async () => {
  const client = await connect();
  const created = await client.createSession({ id: 'twice', policy });
  await created.close();
  const [one, other] = await Promise.all([client.openSession('twice'), client.openSession('twice')]);
  expect(one.getSnapshot()).toBe(other.getSnapshot());
  await one.close();
  await other.rename('open');
});

test('closing and opening again right behind it works in that order', async () => {
  const client = await connect();
  const first = await client.createSession({ id: 'again', policy });
  const closed = first.close();
  const second = await client.openSession('again');
  await closed;
  await second.rename('open');
  expect(second.getSnapshot().title).toBe('open');
});

test('an open session can neither be created again nor be opened by another client of the worker', async () => {
  const worker = runtimeWorker();
  const client = await connect({}, worker);
  await client.createSession({ id: 'taken', policy });
  await failure(client.createSession({ id: 'taken', policy }), 'SessionExists');
  await failure(client.openSession('taken', { mode: 'create', policy }), 'SessionExists');
});

test('a policy that is given on opening replaces the stored one, open or not', async () => {
  const client = await connect();
  const first = await client.createSession({ id: 'p', policy });
  const second = await client.openSession('p', { policy: { ...policy, maxSteps: 2 } });
  expect([first.policy?.maxSteps, second.policy?.maxSteps]).toEqual([2, 2]);
  await first.close();
  await second.close();
  const third = await client.openSession('p', { policy: { ...policy, maxSteps: 3 } });
  expect(third.policy?.maxSteps).toBe(3);
});

test('openOrCreate opens what is there and makes what is not', async () => {
  const client = await connect();
  const made = await client.openSession('maybe', { mode: 'openOrCreate', policy });
  await made.turn('say hi').result;
  await made.close();
  const opened = await client.openSession('maybe', { mode: 'openOrCreate', policy });
  expect(opened.getSnapshot().window.nodes).toHaveLength(2);
});

test.each([['in memory'], ['in IndexedDB']])(
  'sessions %s are listed, renamed and deleted, open or not',
  async (where) => {
    const client = await connect(where === 'in memory' ? {} : { config: { database: newDatabase() } });
    const open = await client.createSession({ id: 'open', title: 'one', policy });
    const shut = await client.createSession({ id: 'shut', title: 'two', policy });
    await shut.close();
    await client.renameSession('open', 'first');
    await client.renameSession('shut', 'second');
    expect(open.getSnapshot().title).toBe('first');
    const { items } = await client.listSessions();
    expect(items.map(({ sessionId, title }) => `${sessionId}: ${title}`).toSorted()).toEqual([
      'open: first',
      'shut: second',
    ]);
    const page = await client.listSessions({ limit: 1 });
    const next = await client.listSessions({ limit: 1, after: page.next ?? '' });
    expect([...page.items, ...next.items].map(({ sessionId }) => sessionId).toSorted()).toEqual([
      'open',
      'shut',
    ]);

    const turn = open.turn('drip');
    await turn.accepted;
    await client.deleteSession('open');
    expect((await turn.result).status).toBe('cancelled');
    expect((await failure(open.rename('x'), 'SessionDeleted')).data).toEqual({ sessionId: 'open' });
    await client.deleteSession('shut');
    expect((await client.listSessions()).items).toEqual([]);
    await failure(client.createSession({ id: 'shut', policy }), 'SessionDeleted');
  },
);

test('what is stored is counted', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const before = await client.storage();
  expect(before).toMatchObject({ sessionBytes: 0, attachmentBytes: 0 });
  const session = await client.createSession({ policy });
  await session.turn('say hi').result;
  await session.attachments.put(new Blob(['12345'], { type: 'text/plain' }));
  const after = await client.storage();
  expect(after.attachmentBytes).toBe(5);
  expect(after.sessionBytes).toBe(session.getSnapshot().head.bytes);
  expect(after.sessionBytes).toBeGreaterThan(0);
});

test('a session and its history are there for the next worker', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const session = await client.createSession({ id: 'kept', title: 'kept', policy });
  await session.turn('say hi').result;
  const { window } = session.getSnapshot();
  await client.close();
  const next = await connect({ config: { database } });
  const again = await next.openSession('kept');
  expect(again.getSnapshot()).toMatchObject({ title: 'kept', window });
});
