import type { SessionStore } from '../contract/store.ts';
import type { TurnStatus } from '../contract/turn-store.ts';
import { equal, ok, rejects } from './assert.ts';
import { Author } from './author.ts';
import { type StoreCase, unchangedBy } from './store-context.ts';
import {
  asks,
  authorOfTurn,
  begins,
  ends,
  pendingIds,
  proceeds,
  queueUp,
  sayIn,
  turnsOf,
} from './turn-author.ts';

/** Checks that nothing that needs a queued input takes this one for such. */
async function isNotQueued(author: Author, inputId: string, status: TurnStatus | 'unknown'): Promise<void> {
  const { turns } = author.store;
  const data = { inputId, status };
  await unchangedBy(author.store, async () => {
    await rejects(turns.withdraw(inputId, 'again'), 'InputNotQueued', data);
    await rejects(turns.move(inputId, null), 'InputNotQueued', data);
    await rejects(turns.move(inputId, 'queued'), 'InputNotQueued', data);
    await rejects(turns.move('queued', inputId), 'InputNotQueued', data);
  });
}

/** What {@link pendingIds} says after each of these moves. */
async function orders(
  store: SessionStore,
  moves: readonly (readonly [turnId: string, before: string | null])[],
): Promise<readonly string[]> {
  const seen: string[] = [];
  for (const [turnId, before] of moves) {
    await store.turns.move(turnId, before);
    seen.push((await pendingIds(store)).join(' '));
  }
  return seen;
}

/** Rule RC6: the queue, its order, and who leaves it. */
export const turnQueueCases: readonly StoreCase[] = [
  {
    name: '[RC6] what is queued keeps its order, whatever the ids are, in every handle',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const [index, turnId] of ['z', 'b', 'Z', 'a', 'ä', '1'].entries())
        await (index % 2 === 0 ? store : other).turns.accept(asks(turnId));
      equal(await pendingIds(store), ['turn', 'z', 'b', 'Z', 'a', 'ä', '1']);
      equal(await pendingIds(other), ['turn', 'z', 'b', 'Z', 'a', 'ä', '1']);
    },
  },
  {
    name: '[RC6] of many who accept at once, all are queued',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const ids = Array.from({ length: 12 }, (_, index) => `t${index}`);
      await Promise.all(ids.map((id, index) => (index % 2 === 0 ? store : other).turns.accept(asks(id))));
      equal((await pendingIds(store)).toSorted(), ids.toSorted());
      equal(await pendingIds(other), await pendingIds(store));
    },
  },
  {
    name: '[RC6] an input moves to the front, to the middle and to the end, and behind it others queue up',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      await queueUp(store, 'a', 'b', 'c', 'd');
      equal(
        await orders(store, [
          ['c', 'a'],
          ['a', 'd'],
          ['c', null],
          ['d', 'b'],
          ['b', 'c'],
          ['b', 'b'],
          ['c', null],
        ]),
        [
          'turn c a b d',
          'turn c b a d',
          'turn b a d c',
          'turn d b a c',
          'turn d a b c',
          'turn d a b c',
          'turn d a b c',
        ],
      );
      await queueUp(store, 'e');
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal(await pendingIds(other), ['turn', 'd', 'a', 'b', 'c', 'e']);
    },
  },
  {
    name: '[RC6] the order holds however often one place is moved to',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      await queueUp(store, 'first', 'x', 'y', 'last');
      for (let turn = 0; turn < 60; turn++) {
        await store.turns.move('y', 'x');
        equal(await pendingIds(store), ['first', 'y', 'x', 'last']);
        await store.turns.move('x', 'y');
        equal(await pendingIds(store), ['first', 'x', 'y', 'last']);
      }
      await queueUp(store, 'more');
      equal(await pendingIds(store), ['first', 'x', 'y', 'last', 'more']);
    },
  },
  {
    name: '[RC6] an input that is moved stays as it was accepted',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      await queueUp(store, 'a', 'b');
      const before = await Promise.all(['a', 'b'].map((id) => store.turns.find(id)));
      await store.turns.move('b', 'a');
      equal(await Promise.all(['a', 'b'].map((id) => store.turns.find(id))), before);
      equal(await store.turns.pending(), before.toReversed());
    },
  },
  {
    name: '[RC6] what is withdrawn ends with what it was given, and leaves the order as it was',
    run: async ({ factory, reopen }) => {
      const { store } = await authorOfTurn(factory);
      await queueUp(store, 'a', 'b', 'c');
      await store.turns.signal({ turnId: 'b', signalId: 's', value: 1 });
      const result = { status: 'withdrawn', by: ['a', 'person'] };
      const withdrawn = await store.turns.withdraw('b', result);
      const rest = { request: null, waits: null, leaf: null };
      equal(withdrawn, { turnId: 'b', hash: 'hash of b', status: 'ended', at: 5, result, ...rest });
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal([await other.turns.find('b'), await other.turns.signals('b')], [withdrawn, []]);
      equal(await pendingIds(other), ['turn', 'a', 'c']);
    },
  },
  {
    name: '[RC6] what is not queued is neither moved nor withdrawn',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a', 'settled', 'queued');
      await isNotQueued(author, 'turn', 'running');
      await isNotQueued(author, 'unknown', 'unknown');
      await store.turns.withdraw('a', 'no');
      const withdrawn = await store.turns.find('a');
      await isNotQueued(author, 'a', 'ended');
      equal(await store.turns.find('a'), withdrawn);
      await sayIn(author, proceeds('turn', null, ['settled']));
      await isNotQueued(author, 'settled', 'ended');
      await sayIn(author, ends('turn'));
      await isNotQueued(author, 'turn', 'ended');
      equal(await pendingIds(store), ['queued']);
    },
  },
  {
    name: '[RC6] of two who withdraw one input at once, one does',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      await queueUp(store, 'a');
      const both = await Promise.allSettled([
        store.turns.withdraw('a', 'same'),
        other.turns.withdraw('a', 'same'),
      ]);
      equal(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    },
  },
  {
    name: '[RC6] a commit settles queued inputs, which end with it',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a', 'b', 'c');
      const { leaf } = await sayIn(author, proceeds('turn', 'state', ['c', 'a']));
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal(await pendingIds(other), ['turn', 'b']);
      const result = { settledBy: 'turn' };
      for (const turnId of ['a', 'c']) {
        const settled = { turnId, hash: `hash of ${turnId}`, status: 'ended', at: 5, result, leaf };
        equal(await other.turns.find(turnId), { ...settled, request: null, waits: null });
      }
    },
  },
  {
    name: '[RC6] a commit that settles what is not queued settles nothing, and is not stored',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a', 'b');
      await store.turns.withdraw('b', 'withdrawn meanwhile');
      const refused = async (inputId: string, status: string): Promise<void> => {
        const before = await turnsOf(store, 'turn', 'a', 'b');
        await unchangedBy(store, () =>
          rejects(sayIn(author, proceeds('turn', 'new', ['a', inputId])), 'InputNotQueued', {
            inputId,
            status,
          }),
        );
        equal(await turnsOf(store, 'turn', 'a', 'b'), before);
      };
      await refused('b', 'ended');
      await refused('unknown', 'unknown');
      await refused('turn', 'running');
      await sayIn(author, proceeds('turn', 'new', ['a']));
      equal(await pendingIds(store), ['turn']);
    },
  },
  {
    name: '[RC6] of a commit that settles an input and somebody who withdraws it, the first wins',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      await queueUp(author.store, 'a');
      const change = { kind: 'unchanged' } as const;
      const request = await author.request(change, { turn: proceeds('turn', 'new', ['a']) });
      const [committed, withdrawn] = await Promise.allSettled([
        author.store.commit(request),
        other.turns.withdraw('a', 'withdrawn'),
      ]);
      ok(committed.status !== withdrawn.status, 'both won, or none');
      const expected = committed.status === 'fulfilled' ? { settledBy: 'turn' } : 'withdrawn';
      equal((await other.turns.find('a'))?.result, expected);
    },
  },
  {
    name: '[RC6] an input that was withdrawn before its turn came does not begin',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await queueUp(author.store, 'a');
      await author.store.turns.withdraw('a', 'no');
      await rejects(sayIn(author, begins('a')), 'InputNotQueued', { inputId: 'a', status: 'ended' });
      equal((await author.store.load({ kind: 'all' })).nodes, []);
    },
  },
];
