import { equal, rejects } from './assert.ts';
import { shows } from './attachment-context.ts';
import { appends, Author } from './author.ts';
import { type StoreCase, unchangedBy } from './store-context.ts';
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

const UNCHANGED = { kind: 'unchanged' } as const;

const NOTHING = { request: null, waits: null, result: null, leaf: null };

/** Rule RC1: an input is accepted once. */
export const turnIdentityCases: readonly StoreCase[] = [
  {
    name: '[RC1] an input that is accepted is queued, and shown to every handle as it was given',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const request = { text: 'a "quoted" \u0000 text', parts: [1, null, { b: true, a: [] }] };
      const queued = await store.turns.accept({ turnId: 'a', hash: 'h', request, at: 7 });
      equal(queued, { ...NOTHING, turnId: 'a', hash: 'h', status: 'queued', at: 7, request });
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal([await other.turns.find('a'), await other.turns.pending()], [queued, [queued]]);
      equal([await other.turns.find('b'), await other.turns.load('a')], [null, null]);
    },
  },
  {
    name: '[TU1] the same input again is the same turn, whatever has become of it',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const { turns } = author.store;
      const other = await (await reopen()).open('session', { kind: 'open' });
      const again = async (): Promise<unknown> =>
        other.turns.accept({ ...asks('a'), at: 99, request: { text: 'not looked at' } });
      const queued = await turns.accept(asks('a'));
      await queueUp(author.store, 'b');
      equal(await again(), queued);
      equal(await pendingIds(author.store), ['a', 'b']);
      await author.commit(appends(null, ['question']), { turn: begins('a') });
      const running = await turns.find('a');
      equal([await again(), running?.status], [running, 'running']);
      await sayIn(author, ends('a'));
      const ended = await turns.find('a');
      equal([await again(), ended?.status], [ended, 'ended']);
      equal(await pendingIds(author.store), ['b']);
      await turns.withdraw('b', 'no');
      equal((await turns.accept(asks('b'))).status, 'ended');
    },
  },
  {
    name: '[RC1] the same id with another request is OperationConflict, whatever has become of it',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { turns } = author.store;
      const other = asks('a', 'something else');
      const refused = async (): Promise<void> =>
        unchangedBy(author.store, () =>
          rejects(turns.accept(other), 'OperationConflict', { operationId: 'a' }),
        );
      await turns.accept(asks('a'));
      await refused();
      const changed = { turn: begins('a', 'something else') };
      await unchangedBy(author.store, () =>
        rejects(author.commit(appends(null, ['x']), changed), 'OperationConflict', { operationId: 'a' }),
      );
      await author.commit(appends(null, ['question']), { turn: begins('a') });
      await refused();
      await sayIn(author, ends('a'));
      await refused();
      await turns.accept(asks('b'));
      await turns.withdraw('b', null);
      await rejects(turns.accept(asks('b', 'x')), 'OperationConflict');
    },
  },
  {
    name: '[RC1] of two who accept one id at once with other requests, one is refused',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const both = await Promise.allSettled([
        store.turns.accept(asks('a', 'one')),
        other.turns.accept(asks('a', 'two')),
      ]);
      equal(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
      equal(await pendingIds(store), ['a']);
    },
  },
];

/** Rules RC2, RC3 and RC5: turns begin, go on and end by commits. */
export const turnCommitCases: readonly StoreCase[] = [
  {
    name: '[RC2] a turn that was queued begins with a commit, and keeps the time it was accepted at',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { turns } = author.store;
      await queueUp(author.store, 'a', 'turn');
      const { leaf } = await author.commit(appends(null, ['question']), { turn: begins('turn') });
      const turn = await turns.find('turn');
      equal(turn, { ...NOTHING, turnId: 'turn', hash: 'hash of turn', status: 'running', at: 5, leaf });
      equal(await pendingIds(author.store), ['turn', 'a']);
      equal(await turns.load('turn'), {
        turn,
        plan: { plan: 'turn' },
        state: { state: 0 },
        journal: [],
        signals: [],
      });
    },
  },
  {
    name: '[RC2] a turn that was not queued begins with a commit, and ends with one',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { turns } = author.store;
      equal((await turns.find('turn'))?.at, 6);
      const { leaf } = await sayIn(author, ends('turn'));
      const result = { ended: 'turn' };
      const ended = { turnId: 'turn', hash: 'hash of turn', status: 'ended', at: 6, leaf, result };
      equal(await turns.find('turn'), { ...NOTHING, ...ended });
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal(await other.turns.find('turn'), { ...NOTHING, ...ended });
      equal([await turns.pending(), await turns.load('turn')], [[], null]);
    },
  },
  {
    name: '[RC2] a commit says something of a turn whatever it does to the graph',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { turns } = author.store;
      await author.commit(UNCHANGED, { turn: proceeds('turn', 'unchanged') });
      equal((await turns.load('turn'))?.state, 'unchanged');
      equal((await turns.find('turn'))?.leaf, 'op-1.0');
      const checkpoint = { plugin: { version: 1, body: 'body' } };
      const turn = proceeds('turn', 'with a checkpoint');
      await author.commit(appends('op-1.0', ['answer']), { turn, checkpoint });
      equal((await turns.load('turn'))?.state, 'with a checkpoint');
      const { leaf } = await author.commit({ kind: 'branch', leaf: 'op-1.0' }, { turn: ends('turn') });
      equal([(await turns.find('turn'))?.leaf, leaf], ['op-1.0', 'op-1.0']);
    },
  },
  {
    name: '[RC2] appends of one handle, one behind the other, each say something of a turn',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { turns } = author.store;
      for (const step of [1, 2, 3]) {
        await record(author.store, 0, [step]);
        const { leaf } = await sayIn(author, proceeds('turn', { step }));
        const loaded = await turns.load('turn');
        equal(
          [loaded?.state, loaded?.journal, loaded?.turn.leaf, loaded?.plan],
          [{ step }, [], leaf, { plan: 'turn' }],
        );
      }
      await sayIn(author, ends('turn'));
      await sayIn(author, begins('next'));
      equal(await pendingIds(author.store), ['next']);
    },
  },
  {
    name: '[TU4] a commit that is refused says nothing of a turn',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a');
      await record(store, 0, ['entry']);
      const before = await turnsOf(store, 'turn', 'a');
      const settles = proceeds('turn', 'new', ['a']);
      const change = appends('op-1.0', ['x']);
      for (const turn of [settles, ends('turn')]) {
        await rejects(author.commit(change, { turn, expectedRevision: 7 }), 'HeadRevisionConflict');
        await rejects(author.commit(change, { turn, epoch: 7 }), 'WriterFenced');
        await rejects(author.commit(appends('no.0', ['x']), { turn }), 'NodeNotFound');
        await rejects(author.commit(change, { turn, operationId: 'op-1' }), 'OperationConflict');
        await rejects(author.commit({ kind: 'branch', leaf: 'no.0' }, { turn }), 'NodeNotFound');
        const id = 'a'.repeat(64);
        const checkpoint = { plugin: { id, version: 1 } };
        await rejects(author.commit(change, { turn, checkpoint }), 'ComponentNotFound');
        const missing = { id, mime: 'text/plain', byteLength: 1 };
        const showing = { kind: 'append', parentId: 'op-1.0', nodes: [shows(missing)] } as const;
        await rejects(author.commit(showing, { turn }), 'AttachmentNotFound');
      }
      equal(await turnsOf(store, 'turn', 'a'), before);
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal(await turnsOf(other, 'turn', 'a'), before);
    },
  },
  {
    name: '[TU4] a turn that is refused takes its commit with it',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a');
      const checkpoint = { plugin: { version: 1, body: 'never stored' } };
      const refused = [
        [begins('b'), 'TurnRunning'],
        [begins('a', 'x'), 'OperationConflict'],
        [proceeds('a'), 'TurnNotFound'],
        [proceeds('turn', null, ['a', 'b']), 'InputNotQueued'],
        [ends('b'), 'TurnNotFound'],
      ] as const;
      for (const [turn, code] of refused) {
        await unchangedBy(store, async () => {
          await rejects(sayIn(author, turn), code);
          await rejects(author.commit(UNCHANGED, { turn, checkpoint }), code);
          await rejects(author.commit(appends(null, ['x']), { turn }), code);
        });
      }
      equal((await store.load({ kind: 'path', checkpoint: true })).checkpoint, null);
      await sayIn(author, proceeds('turn', null, ['a']));
    },
  },
  {
    name: '[TU4] what is refused for two reasons is refused for the graph first',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const turn = proceeds('unknown');
      const change = appends('op-1.0', ['x']);
      await rejects(author.commit(change, { turn, expectedRevision: 7 }), 'HeadRevisionConflict');
      await rejects(author.commit(change, { turn, epoch: 7 }), 'WriterFenced');
      await rejects(author.commit(change, { turn, operationId: 'op-1' }), 'OperationConflict', {
        operationId: 'op-1',
      });
      await rejects(author.commit(appends('no.0', ['x']), { turn }), 'NodeNotFound');
    },
  },
  {
    name: '[RC2] a replayed commit says nothing again',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const { store } = author;
      await queueUp(store, 'a');
      const first = await author.request(appends(null, ['question']), { turn: begins('turn') });
      await store.commit(first);
      await record(store, 0, ['entry']);
      const before = await turnsOf(store, 'turn', 'a');
      equal((await store.commit(first)).replayed, true);
      equal(await turnsOf(store, 'turn', 'a'), before);
      const second = await author.request(appends('op-1.0', ['answer']), {
        turn: proceeds('turn', 1, ['a']),
      });
      await store.commit(second);
      await record(store, 0, ['of the next step']);
      const after = await turnsOf(store, 'turn', 'a');
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal((await other.commit(second)).replayed, true);
      equal((await store.commit({ ...second, turn: ends('turn') })).replayed, true);
      equal(await turnsOf(store, 'turn', 'a'), after);
    },
  },
  {
    name: '[RC2] what a caller changes after the call is not stored',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { turns } = author.store;
      const request = { text: 'as it was' };
      const accepted = turns.accept({ ...asks('a'), request });
      request.text = 'changed';
      equal((await accepted).request, { text: 'as it was' });
      const plan = { step: ['as it was'] };
      const turn = { ...begins('turn'), plan, state: plan };
      const committed = author.store.commit(await author.request(appends(null, ['x']), { turn }));
      plan.step[0] = 'changed';
      await committed;
      const loaded = await turns.load('turn');
      equal([loaded?.plan, loaded?.state], [{ step: ['as it was'] }, { step: ['as it was'] }]);
    },
  },
  {
    name: '[RC3] while a turn has begun no other one begins, and the refusal names it',
    run: async ({ factory, reopen }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a');
      const running = { sessionId: 'session', turnId: 'turn' };
      const tab = new Author(await (await reopen()).open('session', { kind: 'open' }));
      for (const turnId of ['a', 'fresh', 'turn']) {
        await unchangedBy(store, async () => {
          await rejects(sayIn(author, begins(turnId)), 'TurnRunning', running);
          const fields = { turn: begins(turnId), operationId: `tab-${turnId}` };
          await rejects(tab.commit(UNCHANGED, fields), 'TurnRunning', running);
        });
      }
      equal(await pendingIds(store), ['turn', 'a']);
      await sayIn(author, ends('turn'));
      await sayIn(author, begins('a'));
      equal(await pendingIds(store), ['a']);
    },
  },
  {
    name: '[RC3] of two who begin a turn at once one does',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const one = await author.request(appends(null, ['one']), { turn: begins('one') });
      const two = await author.request(appends(null, ['two']), { turn: begins('two') });
      const both = await Promise.allSettled([author.store.commit(one), other.commit(two)]);
      equal(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
      const [pending, ...more] = await author.store.turns.pending();
      equal([pending?.status, more], ['running', []]);
      equal((await author.store.load({ kind: 'all' })).nodes.length, 1);
    },
  },
  {
    name: '[RC6] what has ended does not begin',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await sayIn(author, ends('turn'));
      await queueUp(store, 'a');
      await store.turns.withdraw('a', 'withdrawn');
      for (const turnId of ['turn', 'a']) {
        await unchangedBy(store, () =>
          rejects(sayIn(author, begins(turnId)), 'InputNotQueued', { inputId: turnId, status: 'ended' }),
        );
      }
    },
  },
  {
    name: '[RC5] only the turn that has begun goes on and ends',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await queueUp(store, 'a');
      const refused = async (turnId: string): Promise<void> =>
        unchangedBy(store, async () => {
          await rejects(sayIn(author, proceeds(turnId)), 'TurnNotFound', { sessionId: 'session', turnId });
          await rejects(sayIn(author, ends(turnId)), 'TurnNotFound', { sessionId: 'session', turnId });
        });
      await refused('a');
      await refused('unknown');
      await sayIn(author, ends('turn'));
      await refused('turn');
    },
  },
  {
    name: '[RC5] a turn that goes on keeps its plan and its signals, and begins its journal anew',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      await record(store, 0, ['one', 'two'], { waits: { kind: 'offline' } });
      await store.turns.signal({ turnId: 'turn', signalId: 'stop', value: 1 });
      const { leaf } = await sayIn(author, proceeds('turn', { state: 'next' }));
      const signals = [{ turnId: 'turn', signalId: 'stop', value: 1 }];
      const loaded = await store.turns.load('turn');
      const turn = { turnId: 'turn', hash: 'hash of turn', status: 'running', at: 6, leaf };
      equal(loaded?.turn, { ...NOTHING, ...turn });
      equal([loaded?.plan, loaded?.state], [{ plan: 'turn' }, { state: 'next' }]);
      equal([loaded?.journal, loaded?.signals], [[], signals]);
      await record(store, 0, ['three']);
      equal((await store.turns.load('turn'))?.journal, ['three']);
    },
  },
  {
    name: '[RC5] a turn that ended keeps its hash and its result, and nothing that was recorded',
    run: async ({ factory }) => {
      const author = await authorOfTurn(factory);
      const { store } = author;
      const { turns } = store;
      await record(store, 0, ['one'], { waits: { kind: 'offline' } });
      await turns.signal({ turnId: 'turn', signalId: 'stop', value: 1 });
      await sayIn(author, ends('turn', ['result']));
      equal([await turns.load('turn'), await turns.signals('turn')], [null, []]);
      const ended = await turns.find('turn');
      equal([ended?.hash, ended?.result, ended?.waits], ['hash of turn', ['result'], null]);
      await rejects(record(store, 1, ['two']), 'TurnNotFound', { sessionId: 'session', turnId: 'turn' });
      await rejects(turns.signal({ turnId: 'turn', signalId: 'late', value: 1 }), 'TurnNotFound');
      await author.commit(UNCHANGED, { turn: begins('next') });
      equal((await turns.load('next'))?.journal, []);
    },
  },
];
