import { equal, rejects } from './assert.ts';
import { Author } from './author.ts';
import { everyTurnCall, type StoreCase, unchangedBy } from './store-context.ts';
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
} from './turn-author.ts';

/** Rule RC4: the journal between two commits. */
export const turnJournalCases: readonly StoreCase[] = [
  {
    name: '[RC4] what is recorded is read back in its order, as it was given, by every handle',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      const entries = Array.from({ length: 12 }, (_, index) => ({ z: index, a: [null, 'ä\u0000', 0.5] }));
      await record(store, 0, entries.slice(0, 1));
      await record(store, 1, entries.slice(1));
      await record(store, 12, []);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const journal = (await other.turns.load('turn'))?.journal;
      equal(journal, entries);
      equal(JSON.stringify(journal), JSON.stringify(entries), 'the keys are in another order');
    },
  },
  {
    name: '[RC4] a writer of another epoch records nothing',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      await record(store, 0, ['one']);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const epoch = await other.takeLease();
      const before = await turnsOf(store, 'turn');
      const late = { epoch: epoch - 1, waits: 'late' };
      const data = { expected: epoch - 1, actual: epoch };
      await rejects(record(store, 1, ['two'], late), 'WriterFenced', data);
      await rejects(record(store, 0, ['one'], late), 'WriterFenced', data);
      await rejects(record(store, 5, [], { ...late, turnId: 'unknown' }), 'WriterFenced', data);
      equal(await turnsOf(store, 'turn'), before);
      await record(store, 1, ['two'], { epoch });
      equal((await other.turns.load('turn'))?.journal, ['one', 'two']);
    },
  },
  {
    name: '[RC4] a journal has no gap',
    run: async ({ factory }) => {
      const { store } = await authorOfTurn(factory);
      await rejects(record(store, 1, ['x']), 'OperationConflict', { operationId: 'turn' });
      await record(store, 0, ['one']);
      const before = await turnsOf(store, 'turn');
      await rejects(record(store, 2, ['x'], { waits: 'x' }), 'OperationConflict');
      await rejects(record(store, 2, []), 'OperationConflict');
      equal(await turnsOf(store, 'turn'), before);
    },
  },
  {
    name: '[RC4] the same entries at the same place are there once, and may go on',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      await record(store, 0, [{ a: 1, b: 2 }, 'two']);
      await record(store, 0, [{ b: 2, a: 1 }, 'two']);
      const other = await (await reopen()).open('session', { kind: 'open' });
      await record(other, 1, ['two']);
      await record(other, 1, ['two', 'three']);
      await record(other, 0, [{ a: 1, b: 2 }]);
      equal((await store.turns.load('turn'))?.journal, [{ a: 1, b: 2 }, 'two', 'three']);
    },
  },
  {
    name: '[RC4] other entries at a place that is taken are OperationConflict',
    run: async ({ factory }) => {
      const { store } = await authorOfTurn(factory);
      await record(store, 0, ['one', 'two']);
      const before = await turnsOf(store, 'turn');
      const refused = [
        [0, ['other']],
        [1, ['other']],
        [0, ['one', 'other', 'three']],
        [1, [2]],
      ] as const;
      for (const [first, entries] of refused) {
        await rejects(record(store, first, entries, { waits: 'x' }), 'OperationConflict', {
          operationId: 'turn',
        });
      }
      equal(await turnsOf(store, 'turn'), before);
    },
  },
  {
    name: '[RC4] only the turn that has begun has a journal',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a');
      for (const turnId of ['a', 'unknown']) {
        await rejects(record(store, 0, ['x'], { turnId }), 'TurnNotFound', { sessionId: 'session', turnId });
      }
      await sayIn(author, ends('turn'));
      await rejects(record(store, 0, ['x']), 'TurnNotFound');
      equal(await store.turns.load('a'), null);
    },
  },
  {
    name: '[RC4] what a turn is left waiting for shows until its next record or commit',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      const tab = await (await reopen()).open('session', { kind: 'open' });
      const waits = async (): Promise<unknown> => {
        const [pending] = await tab.turns.pending();
        equal([await tab.turns.find('turn'), (await tab.turns.load('turn'))?.turn], [pending, pending]);
        return pending?.waits;
      };
      const wait = 'offline';
      equal(await waits(), null);
      await record(store, 0, ['one'], { waits: wait });
      equal(await waits(), wait);
      await record(store, 0, ['one']);
      equal(await waits(), null, 'a repeated record may say again what is waited for');
      await record(store, 1, ['two'], { waits: wait });
      await record(store, 0, ['one']);
      equal(await waits(), wait, 'an old record says nothing of what is waited for');
      await record(store, 2, ['three']);
      equal(await waits(), null);
      await record(store, 3, [], { waits: wait });
      equal(await waits(), wait);
      await sayIn(author, proceeds('turn'));
      equal(await waits(), null);
    },
  },
];

/** Rule RC7: signals. */
export const turnSignalCases: readonly StoreCase[] = [
  {
    name: '[RC7] the first signal of an id stays, and everybody is told which that is',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const first = { turnId: 'turn', signalId: 'stop', value: { reason: 'first', more: [1] } };
      equal(await store.turns.signal(first), first);
      equal(await other.turns.signal({ ...first, value: 'second' }), first);
      equal(await store.turns.signal(first), first);
      const answer = { turnId: 'turn', signalId: 'answer', value: null };
      equal(await other.turns.signal(answer), answer);
      equal(await store.turns.signals('turn'), [answer, first]);
      equal((await other.turns.load('turn'))?.signals, [answer, first]);
    },
  },
  {
    name: '[RC7] of many signals of one id at once one stays, and all are told the same',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const told = await Promise.all(
        Array.from({ length: 8 }, (_, value) =>
          (value % 2 === 0 ? store : other).turns.signal({ turnId: 'turn', signalId: 'one', value }),
        ),
      );
      equal(await store.turns.signals('turn'), told.slice(0, 1));
      equal(new Set(told.map((signal) => JSON.stringify(signal))).size, 1);
    },
  },
  {
    name: '[RC7] a signal needs no epoch and no commit, and goes to a turn that has not ended',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { turns } = author.store;
      await author.store.takeLease();
      await queueUp(author.store, 'a', 'b');
      for (const turnId of ['a', 'b', 'turn']) await turns.signal({ turnId, signalId: 'x', value: turnId });
      equal(await turns.signals('a'), [{ turnId: 'a', signalId: 'x', value: 'a' }]);
      await turns.withdraw('b', null);
      await sayIn(author, ends('turn'));
      for (const turnId of ['unknown', 'turn', 'b']) {
        const signal = { turnId, signalId: 'y', value: 1 };
        await rejects(turns.signal(signal), 'TurnNotFound', { sessionId: 'session', turnId });
        equal(await turns.signals(turnId), []);
      }
    },
  },
  {
    name: '[RC7] what was given to a queued input is there when its turn begins',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await queueUp(author.store, 'turn');
      const signal = { turnId: 'turn', signalId: 'stop', value: 'before it began' };
      await author.store.turns.signal(signal);
      await sayIn(author, begins('turn'));
      equal((await author.store.turns.load('turn'))?.signals, [signal]);
    },
  },
];

/** What turns have in common with all that a session holds. */
export const turnSessionCases: readonly StoreCase[] = [
  {
    name: '[ST13] what is no id, no hash or no data is refused before anything is stored',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      const { turns } = store;
      const long = 'ä'.repeat(64);
      const ill = Number.NaN;
      await unchangedBy(store, async () => {
        for (const turnId of ['', `${long}a`]) {
          await rejects(turns.accept(asks(turnId)), 'InvalidInput');
          await rejects(record(store, 0, [], { turnId }), 'InvalidInput');
          await rejects(turns.signal({ turnId, signalId: 's', value: 1 }), 'InvalidInput');
          await rejects(sayIn(author, begins(turnId)), 'InvalidInput');
          await rejects(sayIn(author, proceeds('turn', 1, [turnId])), 'InvalidInput');
        }
        for (const signalId of ['', `${long}${long}a`])
          await rejects(turns.signal({ turnId: 'turn', signalId, value: 1 }), 'InvalidInput');
        await rejects(turns.accept({ ...asks('a'), hash: '' }), 'InvalidInput');
        await rejects(turns.accept({ ...asks('a'), at: -1 }), 'InvalidInput');
        await rejects(turns.accept({ ...asks('a'), request: ill }), 'NotData');
        await rejects(record(store, 0, [ill]), 'NotData');
        await rejects(record(store, -1, ['x']), 'InvalidInput');
        await rejects(record(store, 0, ['x'], { waits: ill }), 'NotData');
        await rejects(turns.signal({ turnId: 'turn', signalId: 's', value: ill }), 'NotData');
        await rejects(turns.withdraw('turn', ill), 'NotData');
        await rejects(sayIn(author, proceeds('turn', ill)), 'NotData');
        await rejects(sayIn(author, proceeds('turn', 1, ['a', 'a'])), 'InvalidInput');
        await rejects(sayIn(author, ends('turn', ill)), 'NotData');
      });
      await turns.accept(asks(long));
      await turns.signal({ turnId: long, signalId: `${long}${long}`, value: 1 });
      equal(await pendingIds(store), ['turn', long]);
    },
  },
  {
    name: '[ST12] turns go with their session, and every call on them is SessionDeleted',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a', 'b');
      await record(store, 0, ['one']);
      await store.turns.signal({ turnId: 'turn', signalId: 's', value: 1 });
      const neighbour = await authorOfTurn(factory, 'session\u0000');
      await record(neighbour.store, 0, ['one']);
      const before = await turnsOf(neighbour.store, 'turn');
      const tab = await reopen();
      const other = await tab.open('session', { kind: 'open' });
      await tab.delete('session');
      for (const call of [...everyTurnCall(store), ...everyTurnCall(other)])
        await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
      equal(await turnsOf(neighbour.store, 'turn'), before);
      equal(await tab.finishDeletions(), []);
    },
  },
  {
    name: '[ST12] a session of many turns is deleted whole',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const ids = Array.from({ length: 60 }, (_, index) => `t${index}`);
      await queueUp(author.store, ...ids);
      await record(author.store, 0, ids);
      await factory.delete('session');
      equal([(await factory.list({})).items, await (await reopen()).finishDeletions()], [[], []]);
    },
  },
  {
    name: '[RC2] the turns of one session are no matter of another one',
    run: async ({ factory }) => {
      const one = await authorOfTurn(factory, 'one');
      const two = await Author.create(factory, 'two');
      equal([await two.store.turns.find('turn'), await two.store.turns.pending()], [null, []]);
      await rejects(record(two.store, 0, ['x']), 'TurnNotFound', { sessionId: 'two', turnId: 'turn' });
      await two.store.turns.accept(asks('turn', 'something else'));
      await sayIn(two, begins('turn', 'something else'));
      await record(two.store, 0, ['two']);
      await sayIn(two, ends('turn'));
      equal((await one.store.turns.load('turn'))?.turn.hash, 'hash of turn');
    },
  },
];
