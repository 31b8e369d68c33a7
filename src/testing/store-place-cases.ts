import { equal, ok, rejects } from './assert.ts';
import { appends, Author } from './author.ts';
import type { SessionStoreContext, StoreCase } from './store-context.ts';
import { grow } from './tree.ts';

/** A session of five nodes, each in a commit of its own, and the node in the middle. */
async function fiveNodes({ factory }: SessionStoreContext): Promise<Author> {
  const author = await Author.create(factory);
  for (const text of ['a', 'b', 'c', 'd', 'e']) await author.say(text);
  return author;
}

/** Where nodes are: `locate`, a head's depth, and how far a path is sound. */
export const storePlaceCases: readonly StoreCase[] = [
  {
    name: '[ST19] a node is located by its depth, on the active path or off it',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x', 'y');
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const store of [author.store, other]) {
        const places = await Promise.all(
          ['op-1.0', 'op-1.1', 'op-1.2', 'op-2.0', 'op-2.1'].map((nodeId) => store.locate(nodeId)),
        );
        equal(
          places.map(({ depth, active }) => [depth, active]),
          [
            [0, true],
            [1, false],
            [2, false],
            [1, true],
            [2, true],
          ],
        );
      }
      await author.branch('op-1.1');
      equal(await author.store.locate('op-1.1'), { depth: 1, active: true });
      equal(await author.store.locate('op-1.2'), { depth: 2, active: false });
      for (const nodeId of ['nobody.0', 'nobody', '', 'op-1.3'])
        await rejects(author.store.locate(nodeId), 'NodeNotFound', { sessionId: 'session', nodeId });
    },
  },
  {
    name: '[ST19] places agree with paths, whatever the tree',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 25);
      const { nodes } = await author.store.load({ kind: 'all' });
      const active = (await author.store.load({ kind: 'path' })).nodes.map((node) => node.id);
      for (const { id } of nodes) {
        const path = await author.store.load({ kind: 'path', leaf: id });
        const place = await author.store.locate(id);
        equal(place, { depth: path.nodes.length - 1, active: active.includes(id) }, id);
      }
    },
  },
  {
    name: '[ST19] a head says how many nodes its path has, in snapshots and receipts',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const depths = async (): Promise<readonly number[]> => {
        const other = await (await reopen()).open('session', { kind: 'open' });
        const snapshots = await Promise.all([
          author.store.load({ kind: 'head' }),
          other.load({ kind: 'path' }),
        ]);
        return snapshots.map(({ head }) => head.depth);
      };
      equal(await depths(), [0, 0]);
      equal((await author.commit(appends(null, ['a', 'b', 'c']))).head.depth, 3);
      equal(await depths(), [3, 3]);
      equal((await author.commit(appends('op-1.0', ['x']))).head.depth, 2);
      equal(await depths(), [2, 2]);
      equal((await author.branch('op-1.2')).head.depth, 3);
      equal((await author.commit({ kind: 'unchanged' })).head.depth, 3);
      equal((await author.branch(null)).head.depth, 0);
      equal(await depths(), [0, 0]);
    },
  },
  {
    name: '[ST6] a path that is whole is sound to its leaf',
    run: async (context) => {
      const author = await fiveNodes(context);
      equal(await author.store.findSoundPath(), { leaf: 'op-5.0', damage: null });
      await author.branch('op-2.0');
      equal(await author.store.findSoundPath(), { leaf: 'op-2.0', damage: null });
      await author.branch(null);
      equal(await author.store.findSoundPath(), { leaf: null, damage: null });
    },
  },
];

/** Law ST6 where a context can damage what is stored: nothing is healed and nothing is shortened. */
export const storeDamageCases: readonly StoreCase[] = [
  ...(['missing', 'dangling', 'tombstoned'] as const).map((kind): StoreCase => ({
    name: `[ST6] where storage can be damaged: a ${kind} node on the path is StoredDataCorrupt, and the sound part is found`,
    run: async (context) => {
      if (context.damage === undefined) return;
      const author = await fiveNodes(context);
      await context.damage(kind, 'session', 'op-3.0');
      const store = await (await context.reopen()).open('session', { kind: 'open' });
      const { head } = await store.load({ kind: 'head' });
      equal([head.leaf, head.revision], ['op-5.0', 5]);
      const error = await rejects(store.load({ kind: 'path' }), 'StoredDataCorrupt');
      equal(error.data.sessionId, 'session');
      const sound = await store.findSoundPath();
      equal([sound.leaf, sound.damage === null], ['op-2.0', false]);
      equal(await new Author(store).texts('op-2.0'), ['a', 'b']);
      equal((await store.load({ kind: 'head' })).head, head, 'nothing is healed');
      await rejects(author.store.load({ kind: 'path' }), 'StoredDataCorrupt');
    },
  })),
  {
    name: '[ST6] where storage can be damaged: a tombstoned leaf is refused by reads and commits',
    run: async (context) => {
      if (context.damage === undefined) return;
      const author = await fiveNodes(context);
      await context.damage('tombstoned', 'session', 'op-5.0');
      const again = new Author(await (await context.reopen()).open('session', { kind: 'open' }));
      await rejects(again.store.load({ kind: 'path' }), 'StoredDataCorrupt');
      equal((await again.store.findSoundPath()).leaf, 'op-4.0');
      const [late] = await Promise.allSettled([
        again.commit(appends('op-5.0', ['f']), { operationId: 'late' }),
      ]);
      ok(late.status === 'rejected', 'a commit below a dead node went through');
      await rejects(again.store.load({ kind: 'path' }), 'StoredDataCorrupt');
      equal((await author.store.load({ kind: 'head' })).head.revision, 5);
    },
  },
  {
    name: '[ST6] where storage can be damaged: what lies off the damaged path is read and branched to',
    run: async (context) => {
      if (context.damage === undefined) return;
      const author = await fiveNodes(context);
      await author.sayBelow('op-1.0', 'x');
      await author.branch('op-5.0');
      await context.damage('missing', 'session', 'op-3.0');
      const again = new Author(await (await context.reopen()).open('session', { kind: 'open' }));
      equal(await again.texts('op-6.0'), ['a', 'x']);
      await unchangedByRefusal(again);
      await again.commit({ kind: 'branch', leaf: 'op-6.0' }, { operationId: 'away' });
      equal(await again.texts(), ['a', 'x']);
      equal(await again.store.findSoundPath(), { leaf: 'op-6.0', damage: null });
    },
  },
];

/** Reads that are refused leave the head as it is. */
async function unchangedByRefusal({ store }: Author): Promise<void> {
  const before = await store.load({ kind: 'head' });
  await rejects(store.load({ kind: 'path' }), 'StoredDataCorrupt');
  equal(await store.load({ kind: 'head' }), before);
}
