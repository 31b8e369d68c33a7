import type { RuntimeClient, SessionClient, SessionInventory } from 'lash-web';
import { expect, onTestFinished, test, vi } from 'vitest';

import { connect, failure, newDatabase, policy, runtimeWorker, within } from './page.ts';

const HOUR_MS = 60 * 60 * 1000;

/** A session whose first question was asked again: the first answer's branch is an orphan of two nodes. */
async function withOrphans(client: RuntimeClient, id = 'm'): Promise<SessionClient> {
  const session = await client.createSession({ id, policy });
  await session.turn('say one').result;
  await session.turn('say two', { from: null }).result;
  return session;
}

test('[ST8] [ST9] a page lists orphans, tombstones and vacuums them, whether the session is open or not', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await withOrphans(client);
  const { items, next } = await client.maintenance.orphanedNodeIds({ sessionId: 'm' });
  expect([items.length, next]).toEqual([2, null]);
  const path = session.getSnapshot().window.nodes.map(({ id }) => id);
  const report = await client.maintenance.tombstoneNodes('m', [...items, path[0] ?? '']);
  expect(report).toEqual({
    status: 'Incomplete',
    tombstoned: items,
    refused: [{ nodeId: path[0], reason: 'reachable' }],
  });
  await failure(session.getHistoricNode(items[0] ?? ''), 'NodeNotFound');
  expect(session.getSnapshot().head.nodeCount).toBe(2);
  await session.close();
  expect(await client.maintenance.vacuum('m')).toMatchObject({ status: 'Swept', removedNodes: 2 });
  expect(await client.maintenance.vacuum('m')).toMatchObject({ status: 'NothingToDo' });
  const again = await client.openSession('m');
  expect(again.getSnapshot().window.nodes.map(({ id }) => id)).toEqual(path);
});

test('[ST8] what is pinned is no orphan until it is unpinned', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  const session = await withOrphans(client);
  const { items } = await client.maintenance.orphanedNodeIds({ sessionId: 'm' });
  await session.pin(items[0] ?? '');
  expect((await client.maintenance.orphanedNodeIds({ sessionId: 'm' })).items).toEqual([]);
  expect(await client.maintenance.inventory('m')).toMatchObject({ nodes: 4, orphans: 0, pins: [items[0]] });
  await session.unpin(items[0] ?? '');
  expect(await client.maintenance.inventory('m')).toMatchObject({ nodes: 4, orphans: 2, pins: [] });
  await failure(session.pin('nobody.0'), 'NodeNotFound');
});

test('[ST10] housekeeping keeps what is younger than its rule, and removes the rest', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  await withOrphans(client);
  expect(await client.maintenance.runHousekeeping()).toMatchObject({ status: 'NothingToDo', sessions: [] });
  expect(await client.maintenance.runHousekeeping({ youngerThanMs: HOUR_MS })).toMatchObject({
    sessions: [],
  });
  const report = await client.maintenance.runHousekeeping({ youngerThanMs: 0 });
  expect(report).toMatchObject({
    status: 'Swept',
    sessions: [{ sessionId: 'm', tombstoned: 2, vacuum: { removedNodes: 2 } }],
  });
  expect(await client.maintenance.inventory('m')).toMatchObject({ nodes: 2, orphans: 0, tombstoned: 0 });
});

test('[ST10] a worker that is told to keeps house by itself', async () => {
  const worker = (): Worker =>
    new Worker(new URL('./housekeeping.worker.ts', import.meta.url), { type: 'module' });
  const client = await connect({ config: { database: newDatabase() } }, worker);
  await withOrphans(client);
  const done = async (): Promise<SessionInventory> => {
    for (;;) {
      const inventory = await client.maintenance.inventory('m');
      if (inventory.orphans + inventory.tombstoned === 0) return inventory;
    }
  };
  expect(await within(done())).toMatchObject({ nodes: 2 });
});

test('[ST12] a deleted session is gone for every page, with its trace', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database, trace: 'kept' } });
  const other = await connect({ config: { database, trace: 'kept' } }, runtimeWorker);
  const session = await withOrphans(client);
  const elsewhere = await other.openSession('m');
  expect((await client.readTrace({ sessionId: 'm' })).text).not.toBe('');
  await client.deleteSession('m');
  expect((await client.readTrace({ sessionId: 'm' })).text).toBe('');
  await failure(session.rename('x'), 'SessionDeleted');
  await failure(elsewhere.rename('x'), 'SessionDeleted');
  await failure(client.createSession({ id: 'm', policy }), 'SessionDeleted');
  await client.deleteSession('m');
});

test('[RE6] a parked session is small data, and goes on in another worker', async () => {
  const database = newDatabase();
  const client = await connect({ config: { database } });
  const session = await withOrphans(client);
  const { revision, leaf } = session.getSnapshot().head;
  const parked = structuredClone(await session.park());
  expect(parked).toMatchObject({ version: 1, sessionId: 'm', revision, leaf });
  expect(JSON.stringify(parked).length).toBeLessThan(1024);
  await failure(session.rename('x'), 'SessionClosed');
  await client.close();
  const later = await connect({ config: { database } });
  const resumed = await later.resume(parked);
  expect(resumed.getSnapshot().head).toMatchObject({ revision, leaf });
  await resumed.turn('say three').result;
  const elsewhere = await connect({ config: { database: newDatabase() } });
  await failure(elsewhere.resume(parked), 'StorageWiped');
  await failure(later.resume({ ...parked, sessionId: 'nobody' }), 'SessionLost');
  await failure(later.resume({ ...parked, revision: 1000 }), 'SessionLost');
});

test('a storage report says what a browser may evict, and asks for persistence on the page', async () => {
  const client = await connect({ config: { database: newDatabase() } });
  // The real one asks the person who is not there, and some engines have none.
  const storage = Object.getOwnPropertyDescriptor(Navigator.prototype, 'storage');
  onTestFinished(
    () => void Object.defineProperty(Navigator.prototype, 'storage', storage ?? { value: undefined }),
  );
  const persist = vi.fn<() => Promise<boolean>>().mockResolvedValue(true);
  Object.defineProperty(Navigator.prototype, 'storage', { configurable: true, value: { persist } });
  await client.storage();
  expect(persist).not.toHaveBeenCalled();
  const { evictable, persisted } = await client.storage({ persist: true });
  expect(persist).toHaveBeenCalledOnce();
  const expected = persisted === undefined ? 'unknown' : persisted ? 'nothing' : 'everything';
  expect(evictable).toBe(expected);
});
