import { describe, expect, test } from 'vitest';

import type { SessionStore } from '../../src/contract/store.ts';
import type { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbSessionStore } from '../../src/stores/indexeddb/indexeddb-session-store.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { DEFAULT_COMMIT_BUDGET } from '../../src/stores/rules/commit-budget.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author } from '../../src/testing/author.ts';
import { tombstoneAll } from './maintenance-bench.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

/** How many rows `action` reads. */
async function rowsRead(
  factory: IndexedDbSessionStoreFactory,
  action: () => Promise<unknown>,
): Promise<number> {
  const before = factory.counters.rowsRead;
  await action();
  return factory.counters.rowsRead - before;
}

/** Tombstones a chain's nodes from a depth on by hand, and counts them off. */
async function tombstone(name: string, chain: number, from: number, count: number): Promise<void> {
  await damage(name, (store) => {
    store('tombs').put({ sessionId: 'session', chain, from });
    editRow(store('heads'), 'session', (row) => ({ ...row, nodeCount: Number(row['nodeCount']) - count }));
  });
}

/** Removes a chain's segments from a depth on by hand, with what belongs to them, as vacuum leaves it. */
async function vacuum(
  name: string,
  chain: number,
  operations: readonly string[],
  whole: boolean,
): Promise<void> {
  await damage(name, (store) => {
    const request = store('segments').openCursor(
      IDBKeyRange.bound(['session', chain], ['session', chain, []]),
    );
    request.addEventListener('success', () => {
      const cursor = request.result;
      if (cursor === null) return;
      const { operationId } = cursor.value as { readonly operationId: string };
      if (operations.includes(operationId)) cursor.delete();
      cursor.continue();
    });
    for (const operation of operations) store('receipts').delete(['session', operation]);
    store('tombs').delete(['session', chain]);
    if (whole) store('chains').delete(['session', chain]);
  });
}

/** Siblings as `id>tip` texts. */
async function siblingsOf(store: SessionStore, nodeId: string): Promise<readonly string[]> {
  const points = await store.siblings([nodeId]);
  return points.flatMap(({ siblings }) => siblings.map((one) => `${one.nodeId}>${one.tip}`));
}

describe('[ST8] a tombstoned node is invisible to every read', () => {
  test('it is not found, and nothing can hang below it, move to it or require it', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.say('d', 'e', 'f');
      await author.sayBelow('op-1.0', 'x');
      await tombstone(name, 0, 1, 5);
      const { store } = author;
      const before = await dumpRows(name);
      for (const nodeId of ['op-1.1', 'op-1.2', 'op-2.0', 'op-2.2']) {
        const data = { sessionId: 'session', nodeId };
        await rejects(store.loadNode(nodeId), 'NodeNotFound', data);
        await rejects(store.locate(nodeId), 'NodeNotFound', data);
        await rejects(store.siblings([nodeId]), 'NodeNotFound', data);
        await rejects(store.load({ kind: 'path', leaf: nodeId }), 'NodeNotFound', data);
        await rejects(author.sayBelow(nodeId, 'y'), 'NodeNotFound', data);
        await rejects(author.branch(nodeId), 'NodeNotFound', data);
        await rejects(author.commit(appends('op-3.0', ['y'], nodeId)), 'StaleBranch', { leaf: 'op-3.0' });
      }
      expect(await siblingsOf(store, 'op-3.0')).toEqual([]);
      const all = await store.load({ kind: 'all' });
      expect(all.nodes.map(({ id }) => id)).toEqual(['op-1.0', 'op-3.0']);
      expect(await author.texts()).toEqual(['a', 'x']);
      expect(await dumpRows(name)).toBe(before);
    }));

  test('[ST5] its id stays taken', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.sayBelow(null, 'x');
      await tombstone(name, 0, 0, 1);
      const request = await author.request(appends('op-2.0', ['other']), { operationId: 'op-1' });
      await rejects(author.store.commit(request), 'OperationConflict');
    }));

  test('a sibling that has lost its newest nodes shows the tip that is left', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.say('c');
      await author.sayBelow('op-1.0', 'x');
      await author.sayBelow('op-1.1', 'd');
      await author.branch('op-3.0');
      expect(await siblingsOf(author.store, 'op-3.0')).toEqual(['op-1.1>op-4.0', 'op-3.0>op-3.0']);
      await tombstone(name, 2, 2, 1);
      expect(await siblingsOf(author.store, 'op-3.0')).toEqual(['op-1.1>op-2.0', 'op-3.0>op-3.0']);
      await tombstone(name, 0, 2, 1);
      expect(await siblingsOf(author.store, 'op-3.0')).toEqual(['op-1.1>op-1.1', 'op-3.0>op-3.0']);
    }));

  test('an append below a live node with tombstoned ones behind it begins a chain, and goes on after vacuum once no chain leaves the node', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.say('b');
      await author.sayBelow('op-1.0', 'x');
      await tombstone(name, 0, 1, 1);
      await author.sayBelow('op-1.0', 'y');
      expect(await author.texts()).toEqual(['a', 'y']);
      expect(await siblingsOf(author.store, 'op-4.0')).toEqual(['op-3.0>op-3.0', 'op-4.0>op-4.0']);
      await vacuum(name, 0, ['op-2'], false);
      await author.sayBelow('op-1.0', 'z');
      expect(await author.texts()).toEqual(['a', 'z']);
      const all = ['op-3.0>op-3.0', 'op-4.0>op-4.0', 'op-5.0>op-5.0'];
      for (const nodeId of ['op-3.0', 'op-4.0', 'op-5.0']) {
        expect(await siblingsOf(author.store, nodeId)).toEqual(all);
      }
      expect((await author.store.load({ kind: 'all' })).nodes).toHaveLength(4);
      expect(await dumpRows(name)).toContain('"chain":3,"firstSeq":1,"count":1,"operationId":"op-5"');
      await author.branch('op-1.0');
      await tombstoneAll(author.store);
      await author.store.vacuum();
      await author.say('only');
      expect(await dumpRows(name)).toContain('"chain":0,"firstSeq":1,"count":1,"operationId":"op-7"');
    }));

  test('[ST9] chains that were vacuumed away leave gaps that nothing stumbles over, chain 0 too', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.sayBelow(null, 'b', 'c');
      await author.sayBelow('op-2.0', 'd');
      await author.sayBelow('op-2.0', 'e');
      await tombstone(name, 0, 0, 1);
      await vacuum(name, 0, ['op-1'], false);
      await tombstone(name, 2, 1, 1);
      await vacuum(name, 2, ['op-3'], true);
      const { store } = author;
      expect(await author.texts()).toEqual(['b', 'e']);
      expect((await store.load({ kind: 'all' })).nodes.map(({ id }) => id)).toEqual([
        'op-2.0',
        'op-2.1',
        'op-4.0',
      ]);
      expect(await siblingsOf(store, 'op-2.0')).toEqual([]);
      expect(await siblingsOf(store, 'op-2.1')).toEqual(['op-2.1>op-2.1', 'op-4.0>op-4.0']);
      expect(await store.locate('op-4.0')).toEqual({ depth: 1, active: true });
      expect(await store.findSoundPath()).toEqual({ leaf: 'op-4.0', damage: null });
      await author.sayBelow(null, 'f');
      expect(await author.texts()).toEqual(['f']);
      expect(await siblingsOf(store, 'op-5.0')).toEqual(['op-2.0>op-4.0', 'op-5.0>op-5.0']);
      await author.sayBelow('op-2.0', 'g');
      expect(await author.texts()).toEqual(['b', 'g']);
    }));

  test('[ST4] a handle that wrote the head notices what maintenance changed in it without a revision', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x');
      await tombstone(name, 0, 1, 2);
      const receipt = await author.commit(appends('op-2.0', ['y']));
      expect(receipt.head).toMatchObject({ nodeCount: 3, depth: 3 });
      await damage(name, (store) => editRow(store('heads'), 'session', (row) => ({ ...row, bytes: 7 })));
      const bytes = (await author.commit(appends('op-3.0', ['z']))).head.bytes;
      expect(bytes).toBeGreaterThan(7);
      expect(bytes).toBeLessThan(7 + receipt.head.bytes);
    }));
});

describe('[ST19] what is not asked for costs nothing', () => {
  test('siblings, a place, a path and a page cost the same with a hundred chains that are not below', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c', 'd');
      await author.sayBelow('op-1.1', 'x', 'y');
      await author.sayBelow('op-2.0', 'z');
      const leaf = 'op-2.1';
      await author.branch(leaf);
      const siblings = (): Promise<unknown> => author.store.siblings(['op-1.2', 'op-2.0', leaf]);
      const locate = (): Promise<unknown> => author.store.locate('op-1.1');
      const path = (): Promise<unknown> => author.store.load({ kind: 'path' });
      const page = (): Promise<unknown> => author.store.load({ kind: 'path', limit: 2 });
      const read = async (): Promise<readonly number[]> => [
        await rowsRead(factory, siblings),
        await rowsRead(factory, locate),
        await rowsRead(factory, path),
        await rowsRead(factory, page),
      ];
      const [points, before] = [await siblings(), await read()];
      for (let branch = 0; branch < 100; branch++) await author.sayBelow('op-1.0', 'off', 'the path');
      for (let branch = 0; branch < 10; branch++) await author.sayBelow(null, 'another root');
      await author.branch(leaf);
      expect(await siblings()).toEqual(points);
      expect(await read()).toEqual(before);
    }));

  test('a commit after taking the lease costs what the ones after it do', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const store = await factory.open('session', { kind: 'open' });
      const epoch = await store.takeLease();
      const change = appends('op-1.0', ['b']);
      const request = { operationId: 'new', expectedRevision: 1, epoch, change, usage: [] };
      expect(await rowsRead(factory, () => store.commit(request))).toBe(1);
    }));

  test('a commit reads one row and writes three, whatever hangs off the path', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      for (let branch = 0; branch < 50; branch++) await author.sayBelow('op-1.0', 'off the path');
      const request = await author.request(appends('op-51.0', ['on']));
      const before = factory.counters;
      await author.store.commit(request);
      const after = factory.counters;
      expect(after.rowsRead - before.rowsRead).toBe(1);
      expect(after.rowsWritten - before.rowsWritten).toBe(3);
    }));
});

test('[ST13] a session that is being imported is there for the handle of its import only', () =>
  withDatabase(async ({ name, factory, database }) => {
    const author = await Author.create(factory);
    await author.say('a', 'b');
    await damage(name, (store) => editRow(store('heads'), 'session', (row) => ({ ...row, pending: 1 })));
    await rejects(author.store.load({ kind: 'path' }), 'SessionNotFound', { sessionId: 'session' });
    await rejects(author.store.takeLease(), 'SessionNotFound');
    await rejects(author.store.loadSessionMeta(), 'SessionNotFound');
    const change = appends('op-1.1', ['c']);
    const request = { operationId: 'new', expectedRevision: 1, epoch: 0, change, usage: [] };
    await rejects(author.store.commit(request), 'SessionNotFound');
    const context = { database, durability: 'relaxed', commitBudget: DEFAULT_COMMIT_BUDGET } as const;
    const store = new IndexedDbSessionStore('session', { ...context, counts: newCounts() }, true);
    await store.commit(request);
    const next = appends('new.0', ['d']);
    await store.commit({ ...request, operationId: 'newer', expectedRevision: 2, change: next });
    expect((await store.load({ kind: 'path' })).nodes).toHaveLength(4);
    await damage(name, (one) => editRow(one('heads'), 'session', ({ pending: _pending, ...row }) => row));
    expect(await author.texts()).toEqual(['a', 'b', 'c', 'd']);
    expect((await store.load({ kind: 'head' })).head.depth).toBe(4);
  }));
