import { afterEach, describe, expect, test, vi } from 'vitest';

import { rejects } from '../../src/testing/assert.ts';
import { Author } from '../../src/testing/author.ts';
import { faultAt, fillUpAtCommit, settled } from './faults.ts';
import { costOf } from './maintenance-bench.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

describe('[ST6] a record of a task that is damaged', () => {
  for (const { what, edit } of [
    { what: 'its version is missing', edit: { version: undefined } },
    { what: 'its version is no count', edit: { version: -1 } },
    { what: 'its body is no text', edit: { body: { state: 'x' } } },
    { what: 'its body is no JSON', edit: { body: '{' } },
    { what: 'its token is missing', edit: { token: undefined } },
  ]) {
    test(`is not taken for another one, hides no other record that is asked for, and can be removed: ${what}`, () =>
      withDatabase(async ({ name, factory }) => {
        const { tasks } = (await Author.create(factory)).store;
        for (const taskId of ['a', 'b']) await tasks.write({ taskId, expected: 0, body: taskId });
        await damage(name, (store) =>
          editRow(store('tasks'), ['session', 'b'], (row) => ({ ...row, ...edit })),
        );
        const rows = await dumpRows(name);
        const listed = await rejects(tasks.list(), 'StoredDataCorrupt');
        expect(listed.data.reason).toContain('task b');
        await rejects(tasks.find('b'), 'StoredDataCorrupt');
        expect(await tasks.find('a')).toEqual({ taskId: 'a', version: 1, body: 'a' });
        expect(await dumpRows(name)).toBe(rows);
        await tasks.remove(['b']);
        expect(await tasks.list()).toHaveLength(1);
      }));
  }
});

describe('[ST14] a write of a task that meets a fault', () => {
  test('(injected) on a full disk it is StorageFull, changes nothing, and succeeds later', () =>
    withDatabase(async ({ name, factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      await tasks.write({ taskId: 't', expected: 0, body: 'x'.repeat(1000) });
      const before = await dumpRows(name);
      fillUpAtCommit();
      const error = await rejects(tasks.write({ taskId: 't', expected: 1, body: 'y' }), 'StorageFull');
      expect(error.data.attemptedBytes).toBeGreaterThan(0);
      expect(await dumpRows(name)).toBe(before);
      await tasks.remove(['t']);
      expect(await tasks.write({ taskId: 't', expected: 0, body: 'y' })).toMatchObject({ version: 1 });
    }));

  test('(injected) aborted or cut off at any request, it settles, and is written whole or not at all', () =>
    withDatabase(async ({ name, factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      for (const end of ['abort', 'close'] as const) {
        let faults = 0;
        for (; ; faults++) {
          const taskId = `${end} ${faults}`;
          const before = await dumpRows(name);
          const wasReached = faultAt(faults, (request, source) => {
            if (end === 'close') source.transaction.db.close();
            const made = request();
            if (end === 'abort') source.transaction.abort();
            return made;
          });
          const outcome = await settled(tasks.write({ taskId, expected: 0, body: 'x' }));
          if (!wasReached()) break;
          const found = await tasks.find(taskId);
          expect(found).toEqual(outcome.status === 'fulfilled' ? outcome.value : null);
          expect(outcome.status === 'fulfilled' || (await dumpRows(name)) === before).toBe(true);
        }
        expect(faults).toBeGreaterThanOrEqual(3);
      }
    }));
});

describe('[ST19] what tasks cost', () => {
  test('a write and a read of a record read as much with 500 others as with none; the first write looks how many there are', () =>
    withDatabase(async ({ factory }) => {
      const { tasks } = (await Author.create(factory)).store;
      await tasks.write({ taskId: 't', expected: 0, body: 'x' });
      const cost = async (expected: number): Promise<readonly unknown[]> => [
        await costOf(factory, () => tasks.write({ taskId: 't', expected, body: 'x' })),
        await costOf(factory, () => tasks.find('t')),
      ];
      const alone = await cost(1);
      await Promise.all(
        Array.from({ length: 500 }, (_, index) =>
          tasks.write({ taskId: `other ${index}`, expected: 0, body: index }),
        ),
      );
      expect(await cost(2)).toEqual(alone);
      const first = await costOf(factory, () => tasks.write({ taskId: 'new', expected: 0, body: 'x' }));
      expect(first.rowsRead).toBe(2 + 501);
    }));
});
