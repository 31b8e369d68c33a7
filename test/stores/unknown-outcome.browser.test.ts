import { afterEach, describe, expect, test, vi } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { Author, createMode } from '../../src/testing/author.ts';
import { instead, lostAnswer, lostCommit } from './faults.ts';
import { withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

type Fault = typeof lostAnswer;

const FAULTS: readonly (readonly [what: string, fault: Fault])[] = [
  ['it happened', lostAnswer],
  ['it did not', lostCommit],
];

const honest: Fault = (commit) => commit();

/** The next transactions that are told to commit meet these faults, one after another. */
function meet(...faults: readonly Fault[]): void {
  instead<void>(IDBTransaction.prototype, 'commit', ...faults);
}

async function listed(factory: SessionStoreFactory): Promise<readonly string[]> {
  return (await factory.list({})).items.map(({ sessionId }) => sessionId);
}

describe.each(FAULTS)('the connection is lost at a commit, and %s', (_what, fault) => {
  test('[ST16] [ST8] a node is pinned, and not pinned any more', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      meet(fault);
      await author.store.pin('op-1.0');
      expect((await author.store.inventory()).pins).toEqual(['op-1.0']);
      meet(fault, fault);
      await author.store.unpin('op-1.0');
      expect((await author.store.inventory()).pins).toEqual([]);
    }));

  test('[ST16] [TK1] a task is written once, and by the one who wrote it, and is removed', () =>
    withDatabase(async ({ factory, connect }) => {
      const { tasks } = (await Author.create(factory)).store;
      meet(fault);
      const change = { taskId: 't', expected: 0, body: 'mine' };
      expect(await tasks.write(change)).toEqual({ taskId: 't', version: 1, body: 'mine' });
      await rejects(tasks.write(change), 'TaskConflict');
      const other = await new IndexedDbSessionStoreFactory(connect()).open('session', { kind: 'open' });
      await rejects(other.tasks.write(change), 'TaskConflict');
      meet(fault, fault);
      expect(await tasks.write({ ...change, expected: 1 })).toMatchObject({ version: 2 });
      expect(await other.tasks.list()).toEqual([{ taskId: 't', version: 2, body: 'mine' }]);
      meet(fault);
      await tasks.remove(['t']);
      expect(await other.tasks.list()).toEqual([]);
    }));

  test('[ST16] a session is created by the one who created it', () =>
    withDatabase(async ({ factory, connect }) => {
      await factory.list({});
      meet(fault);
      await new Author(await factory.open('session', createMode('mine'))).say('a');
      const other = new IndexedDbSessionStoreFactory(connect());
      await rejects(other.open('session', createMode('theirs')), 'SessionExists');
      await rejects(factory.open('session', createMode('mine')), 'SessionExists');
      expect((await other.list({})).items).toMatchObject([{ title: 'mine', nodeCount: 1 }]);
    }));

  test('[ST16] [ST13] an import begins, and is published by the one who holds its lease', () =>
    withDatabase(async ({ factory }) => {
      await factory.list({});
      meet(fault);
      const begun = await factory.beginImport('session', createMode());
      await rejects(factory.beginImport('session', createMode()), 'SessionExists');
      await new Author(begun.store).say('a', 'b');
      meet(fault);
      await begun.publish('op-1.0');
      expect(await listed(factory)).toEqual(['session']);
      expect(await new Author(begun.store).texts()).toEqual(['a']);
      await rejects(begun.publish('op-1.0'), 'SessionExists');
      const lease = await factory.leases.acquire('session');
      expect(lease).not.toBeNull();
      await lease?.release();
    }));
});

describe('the connection is lost at a commit', () => {
  test('[ST16] of two who create a session at once, alike to the letter, exactly one does, whatever happened', async () => {
    for (const first of [honest, lostAnswer, lostCommit]) {
      for (const second of [honest, lostAnswer, lostCommit]) {
        await withDatabase(async ({ factory, connect }) => {
          const other = new IndexedDbSessionStoreFactory(connect());
          await Promise.all([factory.list({}), other.list({})]);
          meet(first, second);
          const outcomes = await Promise.allSettled(
            [factory, other].map((one) => one.open('session', createMode())),
          );
          const codes = outcomes.map((outcome) => {
            if (outcome.status === 'fulfilled') return 'created';
            return isLashError(outcome.reason) ? outcome.reason.code : String(outcome.reason);
          });
          expect(codes.toSorted()).toEqual(['SessionExists', 'created']);
        });
      }
    }
  });

  test('[ST16] [ST13] as often as it is tried: publishing again says how it ended', () =>
    withDatabase(async ({ factory }) => {
      const begun = await factory.beginImport('session', createMode());
      await new Author(begun.store).say('a', 'b');
      meet(lostAnswer, lostCommit, lostCommit, lostCommit, lostCommit, lostCommit, lostCommit);
      await rejects(begun.publish('op-1.0'), 'StorageUnavailable');
      vi.restoreAllMocks();
      expect(await listed(factory)).toEqual(['session']);
      await rejects(begun.publish('op-1.1'), 'SessionExists');
      await begun.publish('op-1.0');
      await rejects(begun.publish('op-1.0'), 'SessionExists');
    }));
});
