import type { CommitRequest } from '../contract/store.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, says, used } from './author.ts';
import { dump, type StoreCase, unchangedBy } from './store-context.ts';

/** Laws ST3 and ST4: who may write, and what an operation is. */
export const storeIdentityCases: readonly StoreCase[] = [
  {
    name: '[ST3] a new session has revision 0, epoch 0 and no leaf',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      const snapshot = await store.load({ kind: 'path' });
      equal([snapshot.head.revision, snapshot.epoch, snapshot.head.leaf], [0, 0, null]);
      equal([snapshot.nodes, snapshot.start, snapshot.ledger], [[], 0, []]);
      equal([snapshot.head.nodeCount, snapshot.head.bytes], [0, 0]);
    },
  },
  {
    name: '[ST3] of two first commits of a session one wins',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const second = await (await reopen()).open('session', { kind: 'open' });
      const request = await author.request(appends(null, ['first']));
      const results = await Promise.allSettled([
        author.store.commit(request),
        second.commit({ ...request, operationId: 'other', change: appends(null, ['second']) }),
      ]);
      equal(results.map((result) => result.status).toSorted(), ['fulfilled', 'rejected']);
      const { head } = await author.store.load({ kind: 'head' });
      equal([head.revision, head.nodeCount], [1, 1]);
      const winner = results[0].status === 'fulfilled' ? 'first' : 'second';
      equal(await author.texts(), [winner]);
    },
  },
  {
    name: '[ST3] of many commits on one revision one wins, and the losers learn expected and actual',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const [leaf = ''] = await author.say('a');
      const other = await (await reopen()).open('session', { kind: 'open' });
      const request = await author.request(appends(leaf, ['b']));
      const results = await Promise.allSettled(
        Array.from({ length: 10 }, (_, index) =>
          (index % 2 === 0 ? author.store : other).commit({ ...request, operationId: `racer-${index}` }),
        ),
      );
      const lost = results.filter((result) => result.status === 'rejected');
      ok(lost.length === 9, `${lost.length} of 10 lost`);
      for (const { reason } of lost) {
        await rejects(Promise.reject(reason as Error), 'HeadRevisionConflict', { expected: 1, actual: 2 });
      }
      equal(await author.texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST3] a revision that is not the head is a conflict in either direction, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [leaf = ''] = await author.say('a');
      await author.commit({ kind: 'unchanged' });
      await unchangedBy(author.store, async () => {
        for (const expectedRevision of [0, 1, 3, 99]) {
          const data = { expected: expectedRevision, actual: 2 };
          const commit = author.commit(appends(leaf, ['b']), { expectedRevision, usage: [used(5)] });
          await rejects(commit, 'HeadRevisionConflict', data);
        }
        await rejects(author.commit({ kind: 'unchanged' }, { expectedRevision: 1 }), 'HeadRevisionConflict');
        await rejects(
          author.commit({ kind: 'branch', leaf: null }, { expectedRevision: 1 }),
          'HeadRevisionConflict',
        );
      });
    },
  },
  {
    name: '[ST3] taking the lease raises the epoch by one and changes nothing else',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const before = await dump(author.store);
      equal([await author.store.takeLease(), await author.store.takeLease()], [1, 2]);
      equal(await dump(author.store), { ...(before as object), epoch: 2 });
    },
  },
  {
    name: '[ST3] reading never raises the epoch',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const [id = ''] = await author.say('a');
      await author.store.loadNode(id);
      const again = await (await reopen()).open('session', { kind: 'open' });
      for (const kind of ['head', 'path', 'all'] as const) equal((await again.load({ kind })).epoch, 0);
    },
  },
  {
    name: '[ST3] leases taken at once are told apart',
    run: async ({ factory, reopen }) => {
      const { store } = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const epochs = await Promise.all([store, other, store, other].map((handle) => handle.takeLease()));
      equal(
        epochs.toSorted((a, b) => a - b),
        [1, 2, 3, 4],
      );
    },
  },
  {
    name: '[ST3] a writer of another epoch is fenced, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.store.takeLease();
      await unchangedBy(author.store, async () => {
        for (const epoch of [0, 2]) {
          const commit = author.commit({ kind: 'unchanged' }, { epoch, usage: [used(5)] });
          await rejects(commit, 'WriterFenced', { expected: epoch, actual: 1 });
        }
      });
      await author.say('b');
      equal(await author.texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST4] node ids derive from the operation and the ordinal',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const receipt = await author.commit(appends(null, ['a', 'b']), { operationId: 'turn:input' });
      equal(receipt.nodeIds, ['turn:input.0', 'turn:input.1']);
      equal([receipt.leaf, receipt.revision, receipt.replayed], ['turn:input.1', 1, false]);
    },
  },
  {
    name: '[ST4] a replayed operation returns its first receipt and counts nothing again',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a', 'b']), { usage: [used(7)] });
      const first = await author.store.commit(request);
      const other = await (await reopen()).open('session', { kind: 'open' });
      await unchangedBy(author.store, async () => {
        equal(await author.store.commit(request), { ...first, replayed: true });
        equal(await other.commit(request), { ...first, replayed: true });
      });
      equal((await author.store.load({ kind: 'head' })).ledger, [used(7)]);
    },
  },
  {
    name: '[ST4] a receipt is replayed after the head moved on, with the head as it is now',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']), { usage: [used(7)] });
      const first = await author.store.commit(request);
      const [leaf = ''] = await author.say('b');
      const replay = await author.store.commit(request);
      equal([replay.nodeIds, replay.revision, replay.leaf], [first.nodeIds, 1, first.leaf]);
      equal([replay.replayed, replay.head.leaf, replay.head.revision], [true, leaf, 2]);
      equal(replay.ledger, [used(7)]);
      equal(await author.texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST4] a receipt is replayed to anyone, also after the lease was taken',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']));
      await author.store.commit(request);
      await author.store.takeLease();
      equal((await author.store.commit(request)).replayed, true);
      equal((await author.store.commit({ ...request, epoch: 9, expectedRevision: 9 })).replayed, true);
    },
  },
  {
    name: '[ST4] a branch and an unchanged commit are replayed as well',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [a = ''] = await author.say('a', 'b');
      const branch = await author.request({ kind: 'branch', leaf: a });
      await author.store.commit(branch);
      const unchanged = await author.request({ kind: 'unchanged' }, { usage: [used(3)] });
      await author.store.commit(unchanged);
      await author.say('c');
      await unchangedBy(author.store, async () => {
        const replay = await author.store.commit(branch);
        equal([replay.replayed, replay.leaf, replay.revision, replay.nodeIds], [true, a, 2, []]);
        equal((await author.store.commit(unchanged)).revision, 3);
      });
    },
  },
  {
    name: '[ST4] sixteen parallel calls of one operation apply it once',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const request = await author.request(appends(null, ['a', 'b']), { usage: [used(11)] });
      const receipts = await Promise.all(
        Array.from({ length: 16 }, (_, index) => (index % 2 === 0 ? author.store : other).commit(request)),
      );
      ok(
        receipts.filter((receipt) => !receipt.replayed).length === 1,
        'it was applied more or less than once',
      );
      ok(new Set(receipts.map((receipt) => receipt.nodeIds.join())).size === 1, 'the receipts differ');
      const { head, ledger } = await author.store.load({ kind: 'head' });
      equal([head.revision, head.nodeCount, ledger], [1, 2, [used(11)]]);
    },
  },
  {
    name: '[ST4] an operation id with other content is OperationConflict, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [root = ''] = await author.say('root');
      const request = await author.request(appends(root, ['a']), { usage: [used(7)] });
      await author.store.commit(request);
      const later = { kind: 'append', parentId: root, nodes: [says('a', 2)] } as const;
      const others: readonly Partial<CommitRequest>[] = [
        { change: appends(root, ['A']) },
        { change: appends(root, ['a', 'b']) },
        { change: appends(null, ['a']) },
        { change: appends(root, ['a'], root) },
        { change: later },
        { change: { kind: 'unchanged' } },
        { change: { kind: 'branch', leaf: root } },
        { usage: [used(8)] },
        { usage: [] },
      ];
      await unchangedBy(author.store, async () => {
        for (const other of others) {
          const { operationId } = request;
          await rejects(author.store.commit({ ...request, ...other }), 'OperationConflict', { operationId });
        }
      });
    },
  },
  {
    name: '[ST4] an operation id that was used is refused also where the commit would just go on from the leaf',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { leaf } = await author.commit(appends(null, ['a']), { operationId: 'once' });
      const { leaf: last } = await author.commit(appends(leaf, ['b']));
      await unchangedBy(author.store, async () => {
        const again = author.commit(appends(last, ['c']), { operationId: 'once', usage: [used(1)] });
        await rejects(again, 'OperationConflict', { operationId: 'once' });
      });
      await author.say('d');
      equal(await author.texts(), ['a', 'b', 'd']);
    },
  },
  {
    name: '[ST3] a handle that wrote last learns at once that another one wrote, took the lease or saved meta',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const other = new Author(await (await reopen()).open('session', { kind: 'open' }));
      await author.say('a');
      const request = await author.request(appends('op-1.0', ['b']));
      await other.commit(appends('op-1.0', ['B']), { operationId: 'other' });
      await rejects(author.store.commit(request), 'HeadRevisionConflict', { expected: 1, actual: 2 });
      await author.say('c');
      const behind = await author.request(appends('op-3.0', ['d']));
      await other.store.saveSessionMeta({ title: 'Renamed', at: 7000 });
      await author.store.commit(behind);
      equal((await author.store.loadSessionMeta()).updatedAt, 7000);
      const fenced = await author.request(appends('op-4.0', ['e']));
      await other.store.takeLease();
      await rejects(author.store.commit(fenced), 'WriterFenced', { expected: 0, actual: 1 });
      equal(await author.texts(), ['a', 'B', 'c', 'd']);
    },
  },
  {
    name: '[ST4] the order of keys, and keys without a value, are no other content',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const plugin = (data: object): CommitRequest['change'] => {
        const body = { kind: 'plugin', pluginType: 'p', data: { ...data } } as const;
        return { kind: 'append', parentId: null, nodes: [{ createdAt: 1, body }] };
      };
      const request = await author.request(plugin({ a: 1, b: 2 }));
      await author.store.commit(request);
      equal(
        (await author.store.commit({ ...request, change: plugin({ b: 2, a: 1, c: undefined }) })).replayed,
        true,
      );
    },
  },
  {
    name: '[ST4] an operation that was refused may be made again',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']), { expectedRevision: 5, usage: [used(2)] });
      await rejects(author.store.commit(request), 'HeadRevisionConflict');
      const receipt = await author.store.commit({ ...request, expectedRevision: 0 });
      equal([receipt.replayed, receipt.revision, receipt.ledger], [false, 1, [used(2)]]);
    },
  },
  {
    name: '[ST4] operation ids of different sessions have nothing to do with each other',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      equal([await author.say('a'), await other.say('b')], [['op-1.0'], ['op-1.0']]);
      equal([await author.texts(), await other.texts()], [['a'], ['b']]);
    },
  },
  {
    name: '[ST4] checks come in order: receipt, epoch, dead ancestor, stale revision',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const done = await author.request(appends(null, ['a']));
      await author.store.commit(done);
      const wrong = { epoch: 5, expectedRevision: 7 };
      await rejects(author.store.commit({ ...done, ...wrong, usage: [used(1)] }), 'OperationConflict');
      await rejects(author.commit(appends('nobody.0', ['b']), wrong), 'WriterFenced');
      await rejects(author.commit(appends('op-1.0', ['b'], 'nobody.0'), wrong), 'WriterFenced');
      await rejects(author.commit(appends('nobody.0', ['b']), { expectedRevision: 7 }), 'NodeNotFound');
      await rejects(
        author.commit({ kind: 'branch', leaf: 'nobody.0' }, { expectedRevision: 7 }),
        'NodeNotFound',
      );
      await rejects(
        author.commit(appends('op-1.0', ['b'], 'nobody.0'), { expectedRevision: 7 }),
        'StaleBranch',
      );
      await rejects(
        author.commit(appends('op-1.0', ['b'], 'op-1.0'), { expectedRevision: 7 }),
        'HeadRevisionConflict',
      );
    },
  },
  {
    name: '[ST4] a deleted session answers before the receipt does',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']));
      await author.store.commit(request);
      await factory.delete('session');
      await rejects(author.store.commit(request), 'SessionDeleted', { sessionId: 'session' });
    },
  },
  {
    name: '[ST4] usage adds up by source and model, and none is no row',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const nothing = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
      await author.commit({ kind: 'unchanged' }, { usage: [used(1), used(2, 'plugin'), used(4)] });
      const none = { source: 'none', model: 'm', usage: nothing };
      const receipt = await author.commit(appends(null, ['a']), { usage: [used(8, 'turn', 'other'), none] });
      const { head, ledger } = await author.store.load({ kind: 'head' });
      const turn = { ...used(5), usage: { ...used(5).usage, outputTokens: 2 } };
      equal(ledger, [turn, used(2, 'plugin'), used(8, 'turn', 'other')]);
      equal([receipt.ledger, receipt.head], [ledger, head]);
      equal(head.usage, { inputTokens: 15, outputTokens: 4, cachedInputTokens: 0, reasoningTokens: 0 });
    },
  },
  {
    name: '[ST4] usage that could not be counted exactly any more is refused, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.commit({ kind: 'unchanged' }, { usage: [used(Number.MAX_SAFE_INTEGER - 1)] });
      await unchangedBy(author.store, async () => {
        await rejects(author.commit({ kind: 'unchanged' }, { usage: [used(2, 'other')] }), 'InvalidInput');
      });
    },
  },
];
