import { afterEach, describe, expect, test, vi } from 'vitest';

import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { SCHEMA_VERSION } from '../../src/stores/indexeddb/rows/schema.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author, createMode, says } from '../../src/testing/author.ts';
import { damage, dumpRows, openRaw, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

/** What `action` asked of the database. */
async function costOf(
  factory: IndexedDbSessionStoreFactory,
  action: () => Promise<unknown>,
): Promise<RowCounters> {
  const before = factory.counters;
  await action();
  const after = factory.counters;
  return {
    transactions: after.transactions - before.transactions,
    rowsRead: after.rowsRead - before.rowsRead,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    bytesWritten: after.bytesWritten - before.bytesWritten,
  };
}

/** Makes the next `add` or `put` of an object store throw, as a browser may. */
function failNextWrite(method: 'add' | 'put', store: string, error: DOMException): void {
  const original = IDBObjectStore.prototype[method];
  const spy = vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (
    this: IDBObjectStore,
    ...args
  ) {
    if (this.name !== store) return original.apply(this, args);
    spy.mockRestore();
    throw error;
  });
}

/** Aborts the next transaction when it is about to be committed. */
function abortNextCommit(): void {
  const spy = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
    this: IDBTransaction,
  ) {
    spy.mockRestore();
    this.abort();
  });
}

describe('[ST14] a commit is acknowledged when it is complete', () => {
  test('a transaction that is aborted after its last write rejects, and nothing changes', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const request = await author.request(appends('op-1.0', ['b']));
      const before = await dumpRows(name);
      abortNextCommit();
      await rejects(author.store.commit(request), 'StorageUnavailable');
      expect(await dumpRows(name)).toBe(before);
      expect((await author.store.commit(request)).replayed).toBe(false);
      expect(await author.texts()).toEqual(['a', 'b']);
    }));

  test('a transaction that is aborted after its last write rejects also in the careful way, and nothing changes', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      const request = await author.request(appends('op-1.0', ['c']));
      const before = await dumpRows(name);
      abortNextCommit();
      await rejects(author.store.commit(request), 'StorageUnavailable');
      expect(await dumpRows(name)).toBe(before);
      expect((await author.store.commit(request)).replayed).toBe(false);
    }));

  for (const [method, store] of [
    ['add', 'chains'],
    ['add', 'segments'],
    ['add', 'receipts'],
    ['put', 'heads'],
  ] as const) {
    test(`a write to ${store} that throws undoes what was written before it, and the operation may be made again`, () =>
      withDatabase(async ({ name, factory }) => {
        const author = await Author.create(factory);
        await author.say('a', 'b', 'c');
        const request = await author.request(appends('op-1.1', ['x']));
        const before = await dumpRows(name);
        failNextWrite(method, store, new DOMException('not cloned', 'DataCloneError'));
        await rejects(author.store.commit(request), 'Internal');
        expect(await dumpRows(name)).toBe(before);
        expect((await author.store.commit(request)).replayed).toBe(false);
        expect(await author.texts()).toEqual(['a', 'b', 'x']);
      }));
  }

  test('a write that fails undoes those before and after it, on every connection', () =>
    withDatabase(async ({ name, database, connect }) => {
      const counts = { transactions: 0, rowsRead: 0, rowsWritten: 0, bytesWritten: 0 };
      const write = async (one: typeof database, sessionId: string): Promise<void> =>
        one.transaction({ stores: ['heads'], mode: 'readwrite', counts }, async (rows) => {
          rows.put('heads', { sessionId: `${sessionId}, before`, kind: 'deleted' });
          rows.add('heads', { sessionId, kind: 'deleted' });
          rows.put('heads', { sessionId: `${sessionId}, after`, kind: 'deleted' });
        });
      await write(database, 'taken');
      const before = await dumpRows(name);
      for (let index = 0; index < 40; index++) {
        const other = connect();
        await rejects(write(other, 'taken'), 'Internal');
        await other.close();
      }
      expect(await dumpRows(name)).toBe(before);
    }));

  test('a full disk is StorageFull with the bytes that were tried, reads go on, and the same commit succeeds later', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const request = await author.request(appends('op-1.0', ['b'.repeat(5000)]));
      const before = await dumpRows(name);
      failNextWrite('put', 'heads', new DOMException('', 'QuotaExceededError'));
      const error = await rejects(author.store.commit(request), 'StorageFull');
      expect(error.data.attemptedBytes).toBeGreaterThan(5000);
      expect(error.retryable).toBe(true);
      expect(await dumpRows(name)).toBe(before);
      expect(await author.texts()).toEqual(['a']);
      expect((await author.store.commit(request)).replayed).toBe(false);
    }));
});

describe('[ST15] a transaction waits for nothing but its requests', () => {
  test('a commit succeeds however long its hash takes', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      const digest = crypto.subtle.digest.bind(crypto.subtle);
      vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (algorithm, data) => {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return digest(algorithm, data);
      });
      await author.say('a', 'b');
      await author.sayBelow('op-1.0', 'c');
      expect(await author.texts()).toEqual(['a', 'c']);
    }));

  test('a body that waits for something else loses its transaction, and that is an error', () =>
    withDatabase(async ({ database }) => {
      const counts = { transactions: 0, rowsRead: 0, rowsWritten: 0, bytesWritten: 0 };
      const late = database.transaction({ stores: ['heads'], mode: 'readwrite', counts }, async (rows) => {
        await rows.get('heads', 'x');
        await new Promise((resolve) => setTimeout(resolve, 30));
        rows.put('heads', { sessionId: 'x', kind: 'deleted' });
      });
      await rejects(late, 'Internal');
    }));
});

describe('[ST19] costs follow the question', () => {
  test('a commit at 50,000 nodes reads and writes the same rows and bytes as one at 1,000', () =>
    withDatabase(async ({ factory }) => {
      const costs: RowCounters[] = [];
      for (const [sessionId, count] of [
        ['small', 1_000],
        ['large', 50_000],
      ] as const) {
        const store = await factory.open(sessionId, createMode());
        const commit = (
          revision: number,
          leaf: string | null,
          nodes: number,
        ): ReturnType<typeof store.commit> =>
          store.commit({
            operationId: `operation-${String(revision).padStart(4, '0')}`,
            expectedRevision: revision,
            epoch: 0,
            change: {
              kind: 'append',
              parentId: leaf,
              nodes: Array.from({ length: nodes }, () => says('text')),
            },
            usage: [],
          });
        let leaf: string | null = null;
        let revision = 0;
        while (revision < count / 500) ({ leaf, revision } = await commit(revision, leaf, 500));
        costs.push(await costOf(factory, () => commit(revision, leaf, 6)));
      }
      expect(costs[1]).toEqual(costs[0]);
      expect(costs[1]).toMatchObject({ transactions: 1, rowsRead: 1, rowsWritten: 3 });
    }));

  test('a commit of a handle that did not write before reads three rows, and a fork writes one more', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      const fresh = await factory.open('session', { kind: 'open' });
      const next = await author.request(appends('op-1.2', ['d']));
      expect(await costOf(factory, () => fresh.commit(next))).toMatchObject({ rowsRead: 3, rowsWritten: 3 });
      const fork = await author.request(appends('op-1.1', ['x']));
      expect(await costOf(factory, () => author.store.commit(fork))).toMatchObject({
        rowsRead: 5,
        rowsWritten: 4,
      });
    }));

  test('an unchanged head is one row', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      for (let index = 0; index < 20; index++) await author.sayBelow(null, 'a', 'b');
      const cost = await costOf(factory, () => author.store.load({ kind: 'head' }));
      expect(cost).toEqual({ transactions: 1, rowsRead: 1, rowsWritten: 0, bytesWritten: 0 });
    }));

  test('a path reads its segments, two rows for each chain on it and the head; branches off it cost nothing', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      for (let turn = 0; turn < 10; turn++) await author.say('q', 'a');
      await author.sayBelow('op-5.0', 'x', 'y');
      await author.sayBelow('op-11.0', 'z');
      const { leaf } = (await author.store.load({ kind: 'head' })).head;
      const before = await costOf(factory, () => author.store.load({ kind: 'path' }));
      expect(before.rowsRead).toBe(1 + 2 + 3 + 7);
      for (let branch = 0; branch < 50; branch++) await author.sayBelow('op-3.0', 'off the path');
      await author.branch(leaf);
      expect(await costOf(factory, () => author.store.load({ kind: 'path' }))).toEqual(before);
    }));

  test('the newest page reads its own segments, whatever lies before it', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      for (let turn = 0; turn < 10; turn++) await author.say('q', 'a', 'b', 'c');
      const page = (): Promise<unknown> => author.store.load({ kind: 'path', limit: 6 });
      const early = await costOf(factory, page);
      expect(early.rowsRead).toBe(1 + 1 + 1 + 2);
      for (let turn = 0; turn < 90; turn++) await author.say('q', 'a', 'b', 'c');
      expect(await costOf(factory, page)).toEqual(early);
    }));

  test('siblings and lists read no node', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      for (let fork = 0; fork < 5; fork++) await author.sayBelow('op-1.0', 'x');
      const points = await author.store.siblings(['op-1.1']);
      const list = await factory.list({});
      await damage(name, (store) => {
        const request = store('segments').openCursor();
        request.addEventListener('success', () => {
          request.result?.update({ ...(request.result.value as object), nodes: 'unreadable' });
          request.result?.continue();
        });
      });
      expect(await author.store.siblings(['op-1.1'])).toEqual(points);
      expect(await factory.list({})).toEqual(list);
      await Author.create(factory, 'other');
      const page = await costOf(factory, () => factory.list({ limit: 1 }));
      expect(page.rowsRead).toBe(2 + 1);
      // The last page looks for sessions that the index does not hold: two keys of each one.
      const last = await costOf(factory, () => factory.list({}));
      expect(last.rowsRead).toBe(2 * 2 + 2 * 2);
    }));
});

describe('the connection', () => {
  test('[ST3] of two connections that race, each commit wins or learns that it lost', () =>
    withDatabase(async ({ factory, connect }) => {
      const authors = [await Author.create(factory)];
      authors.push(
        new Author(await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' })),
      );
      const outcomes = await Promise.all(
        authors.map(async (author, index) => {
          let won = 0;
          for (let attempt = 0; attempt < 40; attempt++) {
            const operationId = `writer-${index}-${attempt}`;
            const { head, epoch } = await author.store.load({ kind: 'head' });
            const change = appends(head.leaf, [operationId]);
            const request = { operationId, expectedRevision: head.revision, epoch, change, usage: [] };
            const [outcome] = await Promise.allSettled([author.store.commit(request)]);
            if (outcome.status === 'fulfilled') won++;
            else await rejects(Promise.reject(outcome.reason as Error), 'HeadRevisionConflict');
          }
          return won;
        }),
      );
      const { head, nodes } = await authors[0]!.store.load({ kind: 'path' });
      expect(head.revision).toBe(outcomes.reduce((sum, won) => sum + won, 0));
      expect(nodes).toHaveLength(head.revision);
    }));

  test('a connection that was closed under us is opened again', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const original = Reflect.get(IDBDatabase.prototype, 'transaction');
      const spy = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
        this: IDBDatabase,
        ...args
      ) {
        spy.mockRestore();
        this.close();
        return original.apply(this, args);
      });
      await author.say('b');
      expect(await author.texts()).toEqual(['a', 'b']);
    }));

  test('a database that cannot be used any more is opened again three times, and then StorageUnavailable', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      const opened = vi.spyOn(IDBFactory.prototype, 'open');
      vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
        throw new DOMException('The database connection is closing.', 'InvalidStateError');
      });
      await rejects(author.store.load({ kind: 'head' }), 'StorageUnavailable');
      expect(opened).toHaveBeenCalledTimes(3);
      vi.restoreAllMocks();
      await author.say('a');
      expect(await author.texts()).toEqual(['a']);
    }));

  test('[ST18] a newer schema is SchemaTooNew, and we make way for the one who brings it', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      const newer = await openRaw(name, SCHEMA_VERSION + 1);
      await rejects(author.store.load({ kind: 'head' }), 'SchemaTooNew', { database: name });
      newer.close();
    }));

  test('[ST6] a database that was deleted and made anew is refused, not taken for an empty one', () =>
    withDatabase(async ({ name, factory, connect }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await new Promise((resolve) => {
        indexedDB.deleteDatabase(name).addEventListener('success', resolve);
      });
      const error = await rejects(author.store.load({ kind: 'head' }), 'StorageWiped');
      expect(error.retryable).toBe(false);
      await rejects(factory.list({}), 'StorageWiped');
      expect(await new IndexedDbSessionStoreFactory(connect()).list({})).toEqual({ items: [], next: null });
    }));

  test('a database that something else wrote is refused', () =>
    withDatabase(async ({ name, factory }) => {
      const foreign = await openRaw(name);
      foreign.close();
      await rejects(factory.list({}), 'StorageUnavailable');
    }));

  test('a closed database is StorageUnavailable', () =>
    withDatabase(async ({ factory, database }) => {
      const author = await Author.create(factory);
      await database.close();
      const error = await rejects(author.store.load({ kind: 'head' }), 'StorageUnavailable');
      expect(error.retryable).toBe(false);
    }));

  test('[ST12] deleting a session leaves of it only that its id was used', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('secret', 'words');
      await author.sayBelow('op-1.0', 'secret branch');
      await factory.delete('session');
      const rows = JSON.parse(await dumpRows(name)) as [string, unknown[]][];
      const left = rows.filter(([store, found]) => store !== 'database' && found.length > 0);
      expect(left).toEqual([['heads', [{ sessionId: 'session', kind: 'deleted' }]]]);
    }));
});
