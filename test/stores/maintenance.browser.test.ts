import { afterEach, describe, expect, test, vi } from 'vitest';

import type { CommitRequest } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author, says } from '../../src/testing/author.ts';
import { orphansOf } from '../../src/testing/store-context.ts';
import {
  abortTransaction,
  afterTransactions,
  comparableRows,
  costOf,
  fetchesOf,
  forEachTransaction,
  orphanChain,
  plantSession,
  removalsOf,
  tombstoneAll,
} from './maintenance-bench.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

function codeOf(error: unknown): string {
  return isLashError(error) ? error.code : String(error);
}

/** Appends `nodes` orphans in commits of 500, and goes back to where the leaf was. */
async function addOrphans(author: Author, nodes: number): Promise<void> {
  const { head } = await author.store.load({ kind: 'head' });
  for (let left = nodes; left > 0; left -= 500) {
    const drafts = Array.from({ length: Math.min(left, 500) }, (_, index) => says(`${left - index}`));
    const leaf = left % 1000 === 0 ? head.leaf : (await author.store.load({ kind: 'head' })).head.leaf;
    await author.commit({ kind: 'append', parentId: leaf, nodes: drafts });
  }
  await author.branch(head.leaf);
}

describe('[ST8] orphans are listed from keys', () => {
  test('a page costs what it lists and the chains of the path, whatever lies off it, and fetches no node', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      for (let turn = 0; turn < 200; turn++) await author.say(`turn ${turn}`);
      await author.sayBelow('op-200.0', 'off the path');
      await author.branch('op-200.0');
      const few = await costOf(factory, () => author.store.orphanedNodeIds({ limit: 50 }));
      await addOrphans(author, 20_000);
      let items: readonly string[] = [];
      const fetches = await fetchesOf('segments', async () => {
        const many = await costOf(factory, async () => {
          ({ items } = await author.store.orphanedNodeIds({ limit: 50 }));
        });
        expect(many.rowsRead).toBeLessThanOrEqual(few.rowsRead + 50);
        expect(many.transactions).toBe(1);
      });
      expect(items).toHaveLength(50);
      expect(fetches).toBe(0);
    }));

  test('the path costs nothing, however long: its chains are passed in one step each', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      for (let turn = 0; turn < 300; turn++) await author.say(`turn ${turn}`);
      const { rowsRead } = await costOf(factory, () => author.store.orphanedNodeIds());
      expect(rowsRead).toBeLessThanOrEqual(5);
    }));

  test('all pages of any size together list each orphan once, in the same order, and fetch no node', () =>
    withDatabase(async ({ database, factory }) => {
      const author = await plantSession(factory, new IndexedDbAttachmentStore(database));
      const all = await orphansOf(author.store);
      expect(all).toHaveLength(45 + 40 + 1 + 1 + 2 + 2);
      expect(new Set(all).size).toBe(all.length);
      expect(await fetchesOf('segments', () => orphansOf(author.store))).toBe(0);
      for (const limit of [1, 7, 64]) expect(await orphansOf(author.store, { limit })).toEqual(all);
    }));

  for (const [what, leaf, change] of [
    ['the row of the leaf is gone', 'op-2.0', 'delete'],
    ['another node is at the place of the leaf', 'op-9.0', 'edit'],
  ] as const) {
    test(`where ${what}, a listing names the leaf, nothing is tombstoned, and nothing is written`, () =>
      withDatabase(async ({ name, factory }) => {
        const author = await Author.create(factory);
        await author.say('a');
        await author.say('b');
        await author.sayBelow('op-1.0', 'off the path');
        await author.branch('op-2.0');
        await damage(name, (store) => {
          if (change === 'delete') store('segments').delete(['session', 0, 1, 1, 'op-2']);
          else editRow(store('heads'), 'session', (row) => ({ ...row, leaf }));
        });
        const before = await dumpRows(name);
        const wanted = { sessionId: 'session', nodeId: leaf, reason: 'it is not where it should be' };
        await rejects(author.store.orphanedNodeIds(), 'StoredDataCorrupt', wanted);
        await rejects(author.store.tombstoneNodes(['op-3.0']), 'StoredDataCorrupt', wanted);
        await rejects(author.store.inventory(), 'StoredDataCorrupt', wanted);
        expect(await dumpRows(name)).toBe(before);
      }));
  }

  test('a chain on the path that is missing is an error, and not an orphan', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.sayBelow('op-1.0', 'c');
      await damage(name, (store) => store('chains').delete(['session', 1]));
      await rejects(author.store.orphanedNodeIds(), 'StoredDataCorrupt');
      await rejects(author.store.tombstoneNodes(['op-1.1']), 'StoredDataCorrupt');
    }));
});

describe('[ST8] tombstones never reach what lives', () => {
  test('50 interleavings of commits, branches and tombstones of two tabs: the path is whole after each', () =>
    withDatabase(async ({ factory, connect }) => {
      const author = await Author.create(factory);
      const other = await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' });
      await author.say('root');
      const seen = new Set<string>();
      for (let round = 0; round < 50; round++) {
        await author.sayBelow('op-1.0', `left ${round}`, 'tip');
        const [tip = ''] = (await author.sayBelow('op-1.0', `right ${round}`)).slice(-1);
        const orphans = await orphansOf(other);
        const target = orphans[round % orphans.length] ?? '';
        const turn = async (): Promise<unknown> => {
          for (let wait = 0; wait < round % 4; wait++) await author.store.load({ kind: 'head' });
          return round % 2 === 0 ? author.branch(target) : author.commit(appends(target, ['goes on'], tip));
        };
        const tombstone = async (): Promise<unknown> => {
          for (let wait = 0; wait < round % 3; wait++) await other.load({ kind: 'head' });
          return other.tombstoneNodes(orphans);
        };
        const [committed, tombstoned] = await Promise.allSettled([turn(), tombstone()]);
        expect(tombstoned.status).toBe('fulfilled');
        seen.add(committed.status === 'fulfilled' ? 'done' : codeOf(committed.reason));
        const { head } = await other.load({ kind: 'path' });
        const { nodes } = await other.load({ kind: 'all' });
        expect(nodes).toHaveLength(head.nodeCount);
        expect((await other.findSoundPath()).leaf).toBe(head.leaf);
        if (round % 10 === 9) seen.add((await other.vacuum()).status);
      }
      expect([...seen].toSorted()).toEqual(['NodeNotFound', 'Swept', 'done']);
    }));

  test('the next commit of a writer that knows nothing of it counts right, and costs one careful commit', () =>
    withDatabase(async ({ factory, connect }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.sayBelow(null, 'off the path');
      const [leaf = ''] = await author.sayBelow('op-1.0', 'b');
      const other = await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' });
      const bytes = async (): Promise<readonly number[]> => {
        const { head } = await other.load({ kind: 'head' });
        return [head.nodeCount, head.bytes];
      };
      const [, before = 0] = await bytes();
      await other.tombstoneNodes(['op-2.0']);
      const [, written = 0] = await bytes();
      expect(written).toBe(before);
      const [next = ''] = await author.sayBelow(leaf, 'c');
      expect((await bytes())[0]).toBe(3);
      const { removedBytes } = await other.vacuum();
      expect(removedBytes).toBeGreaterThan(0);
      const [, vacuumed = 0] = await bytes();
      await author.sayBelow(next, 'd');
      const [count, after = 0] = await bytes();
      expect(count).toBe(4);
      expect(after).toBeGreaterThan(vacuumed);
      expect((await other.load({ kind: 'all' })).nodes).toHaveLength(4);
      const { transactions } = await costOf(factory, () => author.store.load({ kind: 'head' }));
      expect(transactions).toBe(1);
    }));

  test('a call that is undone at its end leaves all as it was', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.branch('op-1.0');
      const before = await dumpRows(name);
      await abortTransaction(1, () => rejects(author.store.tombstoneNodes(['op-1.2']), 'StorageUnavailable'));
      expect(await dumpRows(name)).toBe(before);
      expect((await author.store.tombstoneNodes(['op-1.2', 'op-1.1'])).status).toBe('Swept');
    }));

  test('what a thousand forks leave behind is tombstoned in pages, and the chains of others cost nothing', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('root');
      for (let index = 0; index < 150; index++) await author.sayBelow('op-1.0', `${index}`);
      await author.branch('op-1.0');
      const { items } = await author.store.orphanedNodeIds({ limit: 10 });
      const { rowsRead } = await costOf(factory, () => author.store.tombstoneNodes(items));
      expect(rowsRead).toBeLessThanOrEqual(10 * 4 + 5);
    }));
});

describe('[ST9] vacuum', () => {
  test('removes at most 100 rows in each transaction, and no node is fetched', () =>
    withDatabase(async ({ database, factory }) => {
      const author = await plantSession(factory, new IndexedDbAttachmentStore(database));
      const ids = await tombstoneAll(author.store);
      let report;
      const fetches = await fetchesOf('segments', async () => {
        const removals = await removalsOf(async () => (report = await author.store.vacuum()));
        expect(removals.length).toBeGreaterThan(1);
        expect(Math.max(...removals)).toBeLessThanOrEqual(100);
      });
      expect(fetches).toBe(0);
      expect(report).toMatchObject({ status: 'Swept', removedNodes: ids.length - 2, keptNodes: 2 });
      expect(await author.store.vacuum()).toMatchObject({ status: 'NothingToDo', keptNodes: 2 });
      const { nodes, tombstoned, bytes } = await author.store.inventory();
      const { nodes: live } = await author.store.load({ kind: 'all' });
      expect([nodes, tombstoned]).toEqual([live.length, 2]);
      expect(bytes).toBeGreaterThan(0);
    }));

  test('a commit with more attachments than a transaction removes goes over several', () =>
    withDatabase(async ({ database, name, factory }) => {
      const attachments = new IndexedDbAttachmentStore(database);
      const author = await Author.create(factory);
      const owner = { sessionId: 'session' };
      const parts = [];
      for (let index = 0; index < 130; index++) {
        const bytes = new TextEncoder().encode(`file ${index}`);
        parts.push({
          type: 'file',
          attachment: await attachments.put(bytes, { mime: 'text/plain' }, owner),
        } as const);
      }
      const body = { kind: 'conversation', message: { role: 'user', parts } } as const;
      await author.commit({ kind: 'append', parentId: null, nodes: [{ createdAt: 1, body }] });
      await author.branch(null);
      await tombstoneAll(author.store);
      const removals = await removalsOf(() => author.store.vacuum());
      expect(removals).toEqual([97, 36]);
      const rows = JSON.parse(await dumpRows(name)) as readonly [string, readonly unknown[]][];
      expect(Object.fromEntries(rows)['references']).toEqual([]);
    }));

  test('interrupted at any transaction it goes on, and ends where an uninterrupted one does', async () => {
    const session = (body: (author: Author, name: string) => Promise<void>): Promise<void> =>
      withDatabase(async ({ database, name, factory }) => {
        const author = await plantSession(factory, new IndexedDbAttachmentStore(database));
        await tombstoneAll(author.store);
        await body(author, name);
      });
    let expected: unknown;
    await session(async ({ store }, name) => {
      expect((await store.vacuum()).status).toBe('Swept');
      expected = await comparableRows(name);
    });
    const runs = await forEachTransaction(async (number) => {
      let more = false;
      await session(async (author, name) => {
        const active = await author.texts();
        const dead = (await author.store.inventory()).tombstoned;
        let removed = 0;
        const run = async (): Promise<void> => {
          const report = await author.store.vacuum();
          removed += report.removedNodes;
          expect(report.error?.code ?? report.status).toMatch(/^(?:StorageUnavailable|Swept)$/);
        };
        more = await abortTransaction(number, run);
        expect((await author.store.inventory()).tombstoned).toBe(dead - removed);
        if (more) await run();
        expect(await author.texts()).toEqual(active);
        expect(await comparableRows(name)).toEqual(expected);
      });
      return more;
    });
    expect(runs).toBeGreaterThan(3);
  });

  test('a signal stops it between transactions: Incomplete, and the next call ends it', () =>
    withDatabase(async ({ database, factory }) => {
      const author = await Author.create(factory);
      await orphanChain(author, 120);
      await author.branch('op-1.0');
      await tombstoneAll(author.store);
      const stop = new AbortController();
      afterTransactions(database, async () => stop.abort());
      const first = await author.store.vacuum({ signal: stop.signal });
      expect(first.status).toBe('Incomplete');
      expect(first.removedRows).toBeLessThanOrEqual(100);
      expect(first.removedNodes).toBeGreaterThan(0);
      const second = await author.store.vacuum();
      expect([second.status, first.removedNodes + second.removedNodes]).toEqual(['Swept', 238]);
    }));

  test('leaves the tombstones of other sessions alone', () =>
    withDatabase(async ({ factory }) => {
      const [one, two] = [await Author.create(factory, 'a'), await Author.create(factory, 'a,')];
      for (const author of [one, two]) {
        await author.say('x', 'y');
        await author.say('z');
        await author.branch(null);
        await tombstoneAll(author.store);
      }
      expect((await one.store.vacuum()).removedNodes).toBe(3);
      expect((await two.store.inventory()).tombstoned).toBe(3);
      expect((await one.store.inventory()).tombstoned).toBe(0);
    }));

  test('does not remove what a root reaches, though it was tombstoned from below: Failed, with what was done', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.say('b');
      await author.sayBelow('op-1.0', 'off the path');
      await author.branch('op-2.0');
      await tombstoneAll(author.store);
      await damage(name, (store) => store('tombs').put({ sessionId: 'session', chain: 0, from: 1 }));
      const report = await author.store.vacuum();
      expect(report).toMatchObject({
        status: 'Failed',
        removedNodes: 0,
        error: { code: 'StoredDataCorrupt' },
      });
      await damage(name, (store) => store('tombs').delete(['session', 0]));
      expect(await author.store.vacuum()).toMatchObject({ status: 'Swept', removedNodes: 1 });
      expect(await author.texts()).toEqual(['a', 'b']);
    }));

  test('does not remove a node from under a chain that lives', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.say('b');
      await author.say('c');
      await author.sayBelow('op-2.0', 'on the path');
      await damage(name, (store) => store('tombs').put({ sessionId: 'session', chain: 0, from: 1 }));
      const before = await dumpRows(name);
      expect(await author.store.vacuum()).toMatchObject({ status: 'Failed', removedRows: 0 });
      expect(await dumpRows(name)).toBe(before);
    }));

  test('goes on with commits between its transactions, and takes no node that they write', () =>
    withDatabase(async ({ factory, connect }) => {
      const author = await Author.create(factory);
      await orphanChain(author, 150);
      await author.branch('op-1.0');
      await tombstoneAll(author.store);
      const other = await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' });
      const vacuumed = other.vacuum();
      const said: string[] = [];
      for (let index = 0; index < 20; index++) said.push(...(await author.say(`turn ${index}`)));
      expect((await vacuumed).removedNodes).toBe(298);
      const { nodes } = await author.store.load({ kind: 'path' });
      expect(nodes.slice(1).map(({ id }) => id)).toEqual(said);
    }));
});

describe('[ST10] a sweep of components', () => {
  const component = (body: string): Pick<CommitRequest, 'checkpoint'> => ({
    checkpoint: { plugin: { version: 1, body } },
  });

  test('with a checkpoint that cannot be read is Failed, and removes nothing', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), component('old'));
      await author.commit({ kind: 'unchanged' }, component('new'));
      await damage(name, (store) =>
        editRow(store('checkpoints'), ['session', 0, 0, 1], (row) => ({ ...row, components: 'none' })),
      );
      const before = await dumpRows(name);
      const { status, components } = await author.store.gcUnreachable();
      expect([status, components.status, components.error?.code]).toEqual([
        'Failed',
        'Failed',
        'StoredDataCorrupt',
      ]);
      expect(await dumpRows(name)).toBe(before);
    }));

  test('looks for roots again when a checkpoint is written meanwhile, which may name what none had named', () =>
    withDatabase(async ({ factory, connect }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a']), component('old'));
      const { checkpoint } = await author.store.load({ kind: 'path', checkpoint: true });
      const id = checkpoint?.components['plugin']?.id ?? '';
      await author.commit({ kind: 'unchanged' }, component('new'));
      const request = await author.request({ kind: 'unchanged' }, { checkpoint: { plugin: { id } } });
      const database = connect();
      const other = await new IndexedDbSessionStoreFactory(database).open('session', { kind: 'open' });
      let isWritten = false;
      afterTransactions(database, async ({ stores }) => {
        if (isWritten || !stores.includes('checkpoints')) return;
        isWritten = true;
        await author.store.commit(request);
      });
      const { components } = await other.gcUnreachable();
      expect(isWritten).toBe(true);
      expect(components).toMatchObject({ removed: 1, roots: 1 });
      const after = await author.store.load({ kind: 'path', checkpoint: true });
      expect(after.checkpoint?.components['plugin']?.body).toBe('old');
    }));

  test('removes at most 100 in each transaction, goes on after any interruption, and can be stopped', async () => {
    const runs = await forEachTransaction(async (number) => {
      let more = false;
      await withDatabase(async ({ factory }) => {
        const author = await Author.create(factory);
        await author.say('a');
        const many = (from: number): object =>
          Object.fromEntries(
            Array.from({ length: 130 }, (_, index) => [`c${index}`, { version: 1, body: from + index }]),
          );
        await author.commit({ kind: 'unchanged' }, { checkpoint: many(0) as never });
        await author.commit({ kind: 'unchanged' }, { checkpoint: many(100) as never });
        const stopped = await author.store.gcUnreachable({ signal: AbortSignal.abort() });
        expect(stopped.components).toMatchObject({ status: 'Incomplete', removed: 0 });
        let removed = 0;
        const run = async (): Promise<void> => {
          const { components } = await author.store.gcUnreachable();
          expect(components.error?.code ?? components.status).toMatch(
            /^(?:StorageUnavailable|Swept|NothingToDo)$/,
          );
          removed += components.removed;
        };
        const removals = await removalsOf(async () => (more = await abortTransaction(number, run)));
        expect(Math.max(0, ...removals)).toBeLessThanOrEqual(100);
        await run();
        expect(removed).toBe(100);
        const { checkpoint } = await author.store.load({ kind: 'path', checkpoint: true });
        expect(Object.keys(checkpoint?.components ?? {})).toHaveLength(130);
      });
      return more;
    });
    expect(runs).toBeGreaterThan(5);
  });
});
