import { afterEach, describe, expect, test, vi } from 'vitest';

import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author } from '../../src/testing/author.ts';
import {
  asks,
  authorOfTurn,
  begins,
  ends,
  pendingIds,
  proceeds,
  queueUp,
  record,
  sayIn,
  turnsOf,
} from '../../src/testing/turn-author.ts';
import { loseNextAnswer } from './faults.ts';
import { costOf } from './maintenance-bench.ts';
import { findFaults } from './raw-check.ts';
import { type Bench, damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

const UNCHANGED = { kind: 'unchanged' } as const;

/** Begins and ends this many turns, with two commits and whatever was queued between them. */
async function endMany(author: Author, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `ended-${index}`);
  await queueUp(author.store, ...ids);
  await author.commit(UNCHANGED, { turn: begins('before') });
  await author.commit(UNCHANGED, { turn: proceeds('before', null, ids) });
  await author.commit(UNCHANGED, { turn: ends('before') });
}

/** The row of a turn. */
const TURN: IDBValidKey = ['session', 'turn'];

describe('[RC8] what turns cost', () => {
  test('a list of what has not ended, and every call, reads the same with 1,000 turns that ended', () =>
    withDatabase(async ({ factory }) => {
      const costs: unknown[] = [];
      for (const [sessionId, count] of [
        ['few', 1],
        ['many', 1000],
      ] as const) {
        const author = await Author.create(factory, sessionId);
        const { store } = author;
        const { turns } = store;
        await endMany(author, count);
        await queueUp(store, 'a', 'b');
        const { epoch } = await store.load({ kind: 'head' });
        const entries = { turnId: 'turn', epoch, first: 0, entries: ['one', 'two'] };
        const actions = {
          begin: await author.request(appends(null, ['question']), { turn: begins('turn') }),
        };
        const cost = async (what: string, action: () => Promise<unknown>): Promise<unknown> => {
          const { transactions, rowsRead, rowsWritten } = await costOf(factory, action);
          return `${what}: ${transactions} transaction, ${rowsRead} read, ${rowsWritten} written`;
        };
        costs.push([
          await cost('accept', () => turns.accept(asks('c'))),
          await cost('begin', () => store.commit(actions.begin)),
          await cost('pending', () => turns.pending()),
          await cost('record', () => turns.record(entries)),
          await cost('the same record', () => turns.record(entries)),
          await cost('load', () => turns.load('turn')),
          await cost('signal', () => turns.signal({ turnId: 'turn', signalId: 's', value: 1 })),
          await cost('signals', () => turns.signals('turn')),
          await cost('move', () => turns.move('c', 'a')),
          await cost('withdraw', () => turns.withdraw('c', null)),
          await cost('find', () => turns.find('c')),
        ]);
      }
      expect(costs[1]).toEqual(costs[0]);
      expect(costs[0]).toEqual([
        'accept: 1 transaction, 3 read, 1 written',
        'begin: 1 transaction, 3 read, 5 written',
        'pending: 1 transaction, 5 read, 0 written',
        'record: 1 transaction, 3 read, 2 written',
        'the same record: 1 transaction, 5 read, 0 written',
        'load: 1 transaction, 5 read, 0 written',
        'signal: 1 transaction, 3 read, 1 written',
        'signals: 1 transaction, 2 read, 0 written',
        'move: 1 transaction, 7 read, 1 written',
        'withdraw: 1 transaction, 2 read, 1 written',
        'find: 1 transaction, 2 read, 0 written',
      ]);
    }));

  test('an append that says something of a turn reads one or two rows more and writes one or two, in one go', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      const { store } = author;
      await author.say('one');
      await queueUp(store, 'turn', 'a', 'b');
      const costs: unknown[] = [];
      for (const turn of [begins('turn'), proceeds('turn'), proceeds('turn', 1, ['a', 'b']), ends('turn')]) {
        const { head } = await store.load({ kind: 'head' });
        const request = await author.request(appends(head.leaf, ['next']), { turn });
        const { transactions, rowsRead, rowsWritten } = await costOf(factory, () => store.commit(request));
        costs.push([transactions, rowsRead, rowsWritten]);
      }
      expect(costs).toEqual([
        [1, 2, 5],
        [1, 2, 4],
        [1, 4, 6],
        [1, 2, 4],
      ]);
    }));

  test('a turn that goes on does not write its plan again', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      const plan = { long: 'x'.repeat(100_000) };
      await author.commit(appends(null, ['question']), { turn: { ...begins('turn'), plan } });
      const { head } = await author.store.load({ kind: 'head' });
      const request = await author.request(appends(head.leaf, ['answer']), { turn: proceeds('turn') });
      const { bytesWritten } = await costOf(factory, () => author.store.commit(request));
      expect(bytesWritten).toBeLessThan(2000);
      expect((await author.store.turns.load('turn'))?.plan).toEqual(plan);
    }));
});

describe('[ST16] a call on a turn whose answer was lost', () => {
  /** Two handles of one session, the second one on a connection of its own. */
  async function withTabs(
    body: (author: Author, other: Author, bench: Bench) => Promise<void>,
  ): Promise<void> {
    await withDatabase(async (bench) => {
      const author = await authorOfTurn(bench.factory);
      const factory = new IndexedDbSessionStoreFactory(bench.connect());
      const other = new Author(await factory.open('session', { kind: 'open' }));
      await queueUp(author.store, 'a', 'b', 'c', 'd');
      await other.store.turns.pending();
      await body(author, other, bench);
      expect(await findFaults(bench.name, true)).toEqual([]);
    });
  }

  test('(injected) accept answers with what it stored', () =>
    withTabs(async ({ store }) => {
      loseNextAnswer();
      expect((await store.turns.accept(asks('e'))).status).toBe('queued');
      expect(await pendingIds(store)).toEqual(['turn', 'a', 'b', 'c', 'd', 'e']);
    }));

  test('(injected) record adds its entries once', () =>
    withTabs(async ({ store }) => {
      loseNextAnswer();
      await record(store, 0, ['one', 'two'], { waits: 'something' });
      expect(await store.turns.load('turn')).toMatchObject({
        journal: ['one', 'two'],
        turn: { waits: 'something' },
      });
    }));

  test('(injected) signal tells the one that it gave', () =>
    withTabs(async ({ store }, { store: other }) => {
      const signal = { turnId: 'turn', signalId: 's', value: 'ours' };
      loseNextAnswer(() => other.turns.signal({ ...signal, value: 'theirs' }));
      expect(await store.turns.signal(signal)).toEqual(signal);
      expect(await store.turns.signals('turn')).toEqual([signal]);
    }));

  test('(injected) withdraw knows whether it was the one', () =>
    withTabs(async ({ store }, { store: other }) => {
      loseNextAnswer();
      expect(await store.turns.withdraw('a', 'ours')).toMatchObject({ status: 'ended', result: 'ours' });
      const refused = vi.fn<(error: unknown) => void>();
      loseNextAnswer(() => other.turns.withdraw('b', 'ours').catch(refused));
      expect(await store.turns.withdraw('b', 'ours')).toMatchObject({ status: 'ended', result: 'ours' });
      expect(refused).toHaveBeenCalledOnce();
      expect(await pendingIds(store)).toEqual(['turn', 'c', 'd']);
    }));

  test('(injected) withdraw that did not happen, because another one came first, says so', () =>
    withTabs(async ({ store }, { store: other }) => {
      await other.turns.withdraw('a', 'same');
      await rejects(store.turns.withdraw('a', 'same'), 'InputNotQueued', { inputId: 'a', status: 'ended' });
    }));

  test('(injected) move has moved it, whatever has become of what it went before', () =>
    withTabs(async ({ store }, { store: other }) => {
      loseNextAnswer(() => other.turns.withdraw('a', null));
      await store.turns.move('d', 'a');
      expect(await pendingIds(store)).toEqual(['turn', 'd', 'b', 'c']);
      loseNextAnswer();
      await store.turns.move('d', null);
      expect(await pendingIds(store)).toEqual(['turn', 'b', 'c', 'd']);
    }));

  test('(injected) a commit finds its receipt, and says nothing again', () =>
    withTabs(async (author, { store: other }) => {
      const request = await author.request(appends('op-1.0', ['answer']), {
        turn: proceeds('turn', 'next', ['a']),
      });
      loseNextAnswer(() => record(other, 0, ['of the next step']));
      expect((await author.store.commit(request)).replayed).toBe(true);
      expect(await author.store.turns.load('turn')).toMatchObject({
        state: 'next',
        journal: ['of the next step'],
      });
    }));
});

describe('[ST4] an append that is done already, by a handle that takes it for the next one', () => {
  test('is replayed or refused as an operation, before its turn is looked at', () =>
    withDatabase(async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { head } = await author.store.load({ kind: 'head' });
      const again = { ...(await author.request(appends(head.leaf, ['x']))), operationId: 'op-1' };
      const data = { operationId: 'op-1' };
      for (const turn of [begins('turn'), begins('other'), proceeds('unknown'), ends('turn')])
        await rejects(author.store.commit({ ...again, turn }), 'OperationConflict', data);
    }));
});

/** What may be the matter with the rows of a turn, and the calls that must find out. */
const DAMAGES: readonly {
  readonly what: string;
  readonly change: (store: (name: string) => IDBObjectStore) => void;
  readonly calls: readonly ((author: Author) => Promise<unknown>)[];
}[] = (() => {
  const find = (author: Author): Promise<unknown> => author.store.turns.find('turn');
  const pending = (author: Author): Promise<unknown> => author.store.turns.pending();
  const load = (author: Author): Promise<unknown> => author.store.turns.load('turn');
  const goOn = (author: Author): Promise<unknown> => sayIn(author, proceeds('turn'));
  const write = (author: Author): Promise<unknown> => record(author.store, 2, ['x']);
  const again = (author: Author): Promise<unknown> => record(author.store, 0, ['one', 'two']);
  const edit =
    (fields: Readonly<Record<string, unknown>>) =>
    (store: (name: string) => IDBObjectStore): void =>
      editRow(store('turns'), TURN, (row) => ({ ...row, ...fields }));
  const fields = [
    { hash: 7 },
    { at: -1 },
    { status: 'other' },
    { status: 'queued' },
    { state: undefined },
    { waits: 3 },
    { leaf: 3 },
  ];
  return [
    ...fields.map((change) => ({
      what: `${JSON.stringify(change)} in its row`,
      change: edit(change),
      calls: [find, pending, load, write, goOn],
    })),
    { what: 'a state that is no JSON', change: edit({ state: '{' }), calls: [load] },
    { what: 'what it waits for is no JSON', change: edit({ waits: '{' }), calls: [find, pending, load] },
    {
      what: 'two that have begun',
      change: (store) =>
        editRow(store('turns'), TURN, (row) => {
          store('turns').put({ ...row, turnId: 'other' });
          return row;
        }),
      calls: [pending, goOn, (author) => sayIn(author, begins('third'))],
    },
    {
      what: 'a plan that is gone',
      change: (store) => void store('journal').delete(['session', 'turn', 0]),
      calls: [load],
    },
    {
      what: 'a journal that is gone',
      change: (store) =>
        void store('journal').delete(IDBKeyRange.bound(['session', 'turn'], ['session', 'turn', []])),
      calls: [load, write],
    },
    {
      what: 'an entry that is gone',
      change: (store) => void store('journal').delete(['session', 'turn', 1]),
      calls: [load, again],
    },
    {
      what: 'an entry that is no text',
      change: (store) =>
        editRow(store('journal'), ['session', 'turn', 1], (row) => ({ ...row, text: ['one'] })),
      calls: [load, again],
    },
    {
      what: 'an entry that is no JSON',
      change: (store) => editRow(store('journal'), ['session', 'turn', 1], (row) => ({ ...row, text: '{' })),
      calls: [load, again],
    },
    {
      what: 'a signal that is no JSON',
      change: (store) =>
        editRow(store('signals'), ['session', 'turn', 's'], (row) => ({ ...row, value: '{' })),
      calls: [
        load,
        (author) => author.store.turns.signals('turn'),
        (author) => author.store.turns.signal({ turnId: 'turn', signalId: 's', value: 1 }),
      ],
    },
    {
      what: 'a queued input without a place',
      change: (store) => editRow(store('turns'), ['session', 'a'], (row) => ({ ...row, place: -1 })),
      calls: [pending, (author) => author.store.turns.move('b', null)],
    },
  ];
})();

describe('[ST6] damage in what is kept of a turn is named, and left as it is', () => {
  for (const { what, change, calls } of DAMAGES) {
    test(what, () =>
      withDatabase(async ({ name, factory }) => {
        const author = await authorOfTurn(factory);
        await queueUp(author.store, 'a', 'b');
        await record(author.store, 0, ['one', 'two']);
        await author.store.turns.signal({ turnId: 'turn', signalId: 's', value: 1 });
        await turnsOf(author.store, 'turn', 'a');
        await damage(name, change);
        const before = await dumpRows(name);
        for (const call of calls) {
          const error = await rejects(call(author), 'StoredDataCorrupt');
          expect(error.data).toMatchObject({ sessionId: 'session', nodeId: null });
        }
        expect(await dumpRows(name)).toBe(before);
        expect(await author.texts()).toEqual(['question']);
      }),
    );
  }
});
