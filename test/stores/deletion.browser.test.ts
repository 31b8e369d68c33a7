import { afterEach, describe, expect, test, vi } from 'vitest';

import { isLashError } from '../../src/core/error.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { putText } from '../../src/testing/attached.ts';
import { Author, createMode } from '../../src/testing/author.ts';
import { everyCall } from '../../src/testing/store-context.ts';
import { begins, ends, queueUp, record } from '../../src/testing/turn-author.ts';
import {
  abortTransaction,
  comparableRows,
  forEachTransaction,
  plantSession,
  removalsOf,
  tombstoneAll,
} from './maintenance-bench.ts';
import { type Bench, damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

/** Two sessions with everything, of which one is to be deleted. */
async function withTwo(body: (bench: Bench, survivor: Author) => Promise<void>): Promise<void> {
  await withDatabase(async (bench) => {
    const attachments = new IndexedDbAttachmentStore(bench.database);
    const doomed = await plantSession(bench.factory, attachments);
    await plantTurns(doomed);
    await doomed.store.tombstoneNodes(['op-20.0', 'op-30.0']);
    await putText(attachments, 'put and not committed', 'session');
    const survivor = await plantSession(bench.factory, attachments, 'other');
    await plantTurns(survivor);
    await body(bench, survivor);
  });
}

/** A turn that ended, one that goes on, and what is queued behind it. */
async function plantTurns(author: Author): Promise<void> {
  const unchanged = { kind: 'unchanged' } as const;
  await author.commit(unchanged, { turn: begins('ended') });
  await author.commit(unchanged, { turn: ends('ended') });
  await author.commit(unchanged, { turn: begins('turn') });
  await queueUp(author.store, 'first', 'second');
  await record(
    author.store,
    0,
    Array.from({ length: 120 }, (_, entry) => entry),
  );
  await author.store.turns.signal({ turnId: 'turn', signalId: 'stop', value: null });
  for (const taskId of ['one', 'two']) await author.store.tasks.write({ taskId, expected: 0, body: null });
}

/** The object stores that hold a row of this session, and how many. */
async function rowsOf(name: string, sessionId: string): Promise<Readonly<Record<string, number>>> {
  const stores = JSON.parse(await dumpRows(name)) as readonly [string, readonly { sessionId?: string }[]][];
  const counts = stores.map(([store, rows]) => [
    store,
    rows.filter((row) => row.sessionId === sessionId).length,
  ]);
  return Object.fromEntries(counts.filter(([, count]) => count !== 0)) as Record<string, number>;
}

function codeOf(error: unknown): string {
  return isLashError(error) ? error.code : String(error);
}

/** The texts of the attachments that are stored. */
async function texts(attachments: IndexedDbAttachmentStore): Promise<readonly string[]> {
  const { items } = await attachments.list();
  const found = await Promise.all(items.map(async ({ ref }) => (await attachments.get(ref.id)).text()));
  return found.toSorted();
}

describe('[ST12] deleting a session', () => {
  test('leaves the mark that its id was used, and nothing else of it', () =>
    withTwo(async ({ name, database, factory }, survivor) => {
      const before = await rowsOf(name, 'other');
      const nodes = await survivor.texts();
      expect(Object.keys(await rowsOf(name, 'session'))).toHaveLength(15);
      const removals = await removalsOf(() => factory.delete('session'));
      expect(removals.length).toBeGreaterThan(3);
      expect(Math.max(...removals)).toBeLessThanOrEqual(100);
      expect(await rowsOf(name, 'session')).toEqual({ heads: 1 });
      expect(await rowsOf(name, 'other')).toEqual(before);
      expect(await survivor.texts()).toEqual(nodes);
      expect(await texts(new IndexedDbAttachmentStore(database))).toEqual([
        'only other has this',
        'only other has this, off the path',
        'shared',
      ]);
      await rejects(factory.open('session', createMode()), 'SessionDeleted');
      await rejects(factory.open('session', { kind: 'open' }), 'SessionDeleted');
      const done = await dumpRows(name);
      await factory.delete('session');
      expect(await factory.finishDeletions()).toEqual([]);
      expect(await dumpRows(name)).toBe(done);
    }));

  test('that was never there leaves no mark', () =>
    withDatabase(async ({ name, factory }) => {
      await Author.create(factory, 'other');
      const before = await dumpRows(name);
      await rejects(factory.delete('session'), 'SessionNotFound', { sessionId: 'session' });
      expect(await dumpRows(name)).toBe(before);
      await factory.open('session', createMode());
    }));

  test('fences every handle in every tab from its first transaction on', () =>
    withTwo(async ({ factory, connect }) => {
      const handles = [
        await factory.open('session', { kind: 'open' }),
        await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' }),
      ];
      let refused = 0;
      const alsoDelete = async (): Promise<void> => {
        for (const call of handles.flatMap(everyCall)) {
          await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
          refused++;
        }
        const { items } = await factory.list({});
        expect(items.map(({ sessionId }) => sessionId)).toEqual(['other']);
      };
      await factory.delete('session', { alsoDelete });
      expect(refused).toBeGreaterThan(30);
    }));

  test('interrupted at any transaction it stays fenced, goes on later, and ends where an uninterrupted one does', async () => {
    let expected: unknown;
    await withTwo(async ({ name, factory }) => {
      await factory.delete('session');
      expected = await comparableRows(name);
    });
    const runs = await forEachTransaction(async (number) => {
      let more = false;
      await withTwo(async ({ name, factory, connect }) => {
        let code: string | undefined;
        more = await abortTransaction(number, async () => {
          code = await factory.delete('session').then(() => 'done', codeOf);
        });
        expect(code).toBe(more ? 'StorageUnavailable' : 'done');
        const other = new IndexedDbSessionStoreFactory(connect());
        const opened = await other.open('session', { kind: 'open' }).then(() => 'opened', codeOf);
        expect(opened).toBe(number === 1 ? 'opened' : 'SessionDeleted');
        if (number === 1) await other.delete('session');
        const finished = await other.finishDeletions();
        expect(finished).toEqual(more && number > 1 ? ['session'] : []);
        expect(await comparableRows(name)).toEqual(expected);
        expect(await other.finishDeletions()).toEqual([]);
      });
      return more;
    });
    expect(runs).toBeGreaterThan(8);
  });

  test('by two tabs at once ends as by one', () =>
    withTwo(async ({ name, factory, connect }) => {
      const other = new IndexedDbSessionStoreFactory(connect());
      await Promise.all([factory.delete('session'), other.delete('session'), other.finishDeletions()]);
      expect(await rowsOf(name, 'session')).toEqual({ heads: 1 });
      expect(await other.finishDeletions()).toEqual([]);
    }));

  test('during a vacuum: the vacuum is told so, and no row comes back', () =>
    withTwo(async ({ name, factory }) => {
      const store = await factory.open('session', { kind: 'open' });
      await tombstoneAll(store);
      const [vacuumed] = await Promise.allSettled([store.vacuum(), factory.delete('session')]);
      expect(['done', 'SessionDeleted']).toContain(
        vacuumed.status === 'fulfilled' ? 'done' : codeOf(vacuumed.reason),
      );
      expect(await rowsOf(name, 'session')).toEqual({ heads: 1 });
    }));

  test('works on a session of which nothing can be read', () =>
    withTwo(async ({ name, factory }) => {
      await damage(name, (store) => {
        editRow(store('heads'), 'session', (row) => ({ ...row, leaf: 7 }));
        editRow(store('receipts'), ['session', 'op-3'], (row) => ({ ...row, count: 'many', attachments: 1 }));
        store('chains').delete(['session', 3]);
      });
      await factory.delete('session');
      expect(await rowsOf(name, 'session')).toEqual({ heads: 1 });
    }));

  test('a deletion that cannot end does not keep others from ending', () =>
    withDatabase(async ({ name, factory }) => {
      const stop = async (): Promise<void> => {
        throw new Error('not now');
      };
      for (const sessionId of ['a', 'b', 'c']) {
        await Author.create(factory, sessionId);
        await expect(factory.delete(sessionId, { alsoDelete: stop })).rejects.toThrow('not now');
      }
      const alsoDelete = async (sessionId: string): Promise<void> => (sessionId === 'a' ? stop() : undefined);
      await expect(factory.finishDeletions({ alsoDelete })).rejects.toThrow('not now');
      expect(await dumpRows(name)).toContain('{"sessionId":"c","kind":"deleted"}');
      expect(await factory.finishDeletions()).toEqual(['a']);
    }));
});
