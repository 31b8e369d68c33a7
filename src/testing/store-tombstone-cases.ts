import type { TombstoneReport } from '../core/maintenance.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, textOf } from './author.ts';
import { orphansOf, type StoreCase, unchangedBy } from './store-context.ts';
import { grow, reachableFrom } from './tree.ts';

/** A report as comparable data: lists in the order of their ids. */
function sorted({ status, tombstoned, refused }: TombstoneReport): unknown {
  const reasons = refused.map(({ nodeId, reason }) => `${nodeId} ${reason}`);
  return { status, tombstoned: tombstoned.toSorted(), refused: reasons.toSorted() };
}

/** A session with the path a x y, and b c off it, which hang below a. */
async function forked(author: Author): Promise<void> {
  await author.say('a', 'b', 'c');
  await author.sayBelow('op-1.0', 'x', 'y');
}

/** Law ST8: what can be tombstoned, and that no read shows it. */
export const storeTombstoneCases: readonly StoreCase[] = [
  {
    name: '[ST8] a tombstoned node is invisible to every read',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await forked(author);
      const report = await author.store.tombstoneNodes(['op-1.2', 'op-1.1']);
      equal(sorted(report), { status: 'Swept', tombstoned: ['op-1.1', 'op-1.2'], refused: [] });
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const store of [author.store, other]) {
        for (const nodeId of ['op-1.1', 'op-1.2']) {
          const data = { sessionId: 'session', nodeId };
          await rejects(store.loadNode(nodeId), 'NodeNotFound', data);
          await rejects(store.load({ kind: 'path', leaf: nodeId }), 'NodeNotFound', data);
          await rejects(store.locate(nodeId), 'NodeNotFound', data);
          await rejects(store.siblings([nodeId]), 'NodeNotFound', data);
        }
        equal(await store.siblings(['op-2.0']), []);
        equal(await orphansOf(store), []);
        const { nodes, head } = await store.load({ kind: 'all' });
        equal([nodes.map(textOf), head.nodeCount], [['a', 'x', 'y'], 3]);
      }
    },
  },
  {
    name: '[ST5] a tombstoned node is no parent, no leaf and no requirement, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      await author.store.tombstoneNodes(['op-1.2']);
      await unchangedBy(author.store, async () => {
        const data = { sessionId: 'session', nodeId: 'op-1.2' };
        await rejects(author.commit(appends('op-1.2', ['d'])), 'NodeNotFound', data);
        await rejects(author.branch('op-1.2'), 'NodeNotFound', data);
        await rejects(author.commit(appends('op-2.1', ['d'], 'op-1.2')), 'StaleBranch', { leaf: 'op-2.1' });
      });
    },
  },
  {
    name: '[ST5] the id of a tombstoned node stays taken, and its operation is still replayed',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']));
      await author.store.commit(request);
      await author.branch(null);
      await author.store.tombstoneNodes(['op-1.0']);
      await unchangedBy(author.store, async () => {
        equal((await author.store.commit(request)).replayed, true);
        const { operationId } = request;
        const changed = author.commit(appends(null, ['A']), { operationId });
        await rejects(changed, 'OperationConflict', { operationId });
      });
    },
  },
  {
    name: '[ST8] what a root reaches, or has live descendants that stay, is refused by id and reason',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      await author.sayBelow('op-1.1', 'C');
      await author.branch('op-2.1');
      await author.store.pin('op-3.0');
      const ids = ['op-1.0', 'op-2.1', 'op-1.1', 'op-1.2', 'op-3.0', 'nobody.0', 'nobody', ''];
      equal(sorted(await author.store.tombstoneNodes(ids)), {
        status: 'Incomplete',
        tombstoned: ['op-1.2'],
        refused: [
          ' unknown',
          'nobody unknown',
          'nobody.0 unknown',
          'op-1.0 reachable',
          'op-1.1 reachable',
          'op-2.1 reachable',
          'op-3.0 reachable',
        ].toSorted(),
      });
      await author.store.unpin('op-3.0');
      equal(sorted(await author.store.tombstoneNodes(['op-1.1', 'op-1.2'])), {
        status: 'Refused',
        tombstoned: [],
        refused: ['op-1.1 live-descendants', 'op-1.2 unknown'],
      });
      equal((await author.store.tombstoneNodes(['op-1.1', 'op-3.0'])).status, 'Swept');
    },
  },
  {
    name: '[ST8] the order of ids in a call, and ids named twice, make no difference',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      await author.sayBelow('op-1.1', 'C');
      await author.branch('op-2.1');
      const ids = ['op-1.1', 'op-3.0', 'op-1.2', 'op-1.1'];
      equal(sorted(await author.store.tombstoneNodes(ids)), {
        status: 'Swept',
        tombstoned: ['op-1.1', 'op-1.2', 'op-3.0'],
        refused: [],
      });
      equal((await author.store.load({ kind: 'head' })).head.nodeCount, 3);
    },
  },
  {
    name: '[ST8] no ids are NothingToDo, more than 1,000 are InvalidInput, and nothing changes',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      await unchangedBy(author.store, async () => {
        equal(await author.store.tombstoneNodes([]), { status: 'NothingToDo', tombstoned: [], refused: [] });
        const many = Array.from({ length: 1001 }, (_, index) => `op-1.${index}`);
        await rejects(author.store.tombstoneNodes(many), 'InvalidInput');
      });
    },
  },
  {
    name: '[ST8] a list of orphans that is older than a branch cannot take what lives again',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      await author.sayBelow('op-1.0', 'z');
      const old = await orphansOf(author.store);
      equal(old.toSorted(), ['op-1.1', 'op-1.2', 'op-2.0', 'op-2.1']);
      await author.branch('op-1.1');
      equal(sorted(await author.store.tombstoneNodes(old)), {
        status: 'Incomplete',
        tombstoned: ['op-1.2', 'op-2.0', 'op-2.1'],
        refused: ['op-1.1 reachable'],
      });
      equal(await author.texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST8] of a tombstone and a branch to the node at once, one gives way, and the path is whole',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('root');
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (let round = 0; round < 20; round++) {
        const [orphan = ''] = await author.sayBelow('op-1.0', `orphan ${round}`);
        await author.branch('op-1.0');
        const branch = await author.request({ kind: 'branch', leaf: orphan });
        const [branched, report] =
          round % 2 === 0
            ? await Promise.all([settle(author.store.commit(branch)), other.tombstoneNodes([orphan])])
            : await Promise.all([other.tombstoneNodes([orphan]), settle(author.store.commit(branch))]).then(
                ([second, first]) => [first, second] as const,
              );
        const isDead = report.tombstoned.length === 1;
        ok(branched !== isDead, `round ${round}: branched ${branched}, tombstoned ${isDead}`);
        equal(await author.texts(), isDead ? ['root'] : ['root', `orphan ${round}`]);
      }
    },
  },
  {
    name: '[ST8] tombstones stay, whatever is written after them, in every tab',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await forked(author);
      await author.store.tombstoneNodes(['op-1.2']);
      await author.say('z');
      await author.sayBelow('op-1.1', 'd', 'e');
      await author.branch('op-1.1');
      await author.say('f');
      await author.store.takeLease();
      equal(await author.texts(), ['a', 'b', 'f']);
      equal(await author.texts('op-4.1'), ['a', 'b', 'd', 'e']);
      const other = await (await reopen()).open('session', { kind: 'open' });
      await rejects(other.loadNode('op-1.2'), 'NodeNotFound');
      equal((await other.inventory()).tombstoned, 1);
    },
  },
  {
    name: '[ST8] tombstones leave revision, epoch and size alone, and a commit that was prepared before goes on',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await forked(author);
      const before = await author.store.load({ kind: 'path' });
      const request = await author.request(appends('op-2.1', ['z']));
      await author.store.tombstoneNodes(['op-1.2', 'op-1.1']);
      const after = await author.store.load({ kind: 'path' });
      equal(after, { ...before, head: { ...before.head, nodeCount: 3 } });
      equal((await author.store.commit(request)).head.nodeCount, 4);
      equal((await author.store.inventory()).tombstoned, 2);
    },
  },
  {
    name: '[ST8] ids of another session are unknown, and it stays as it is',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      await other.commit(appends(null, ['a']), { operationId: 'theirs' });
      await other.branch(null);
      await unchangedBy(other.store, async () => {
        equal(sorted(await author.store.tombstoneNodes(['theirs.0'])), {
          status: 'Refused',
          tombstoned: [],
          refused: ['theirs.0 unknown'],
        });
      });
    },
  },
  {
    name: '[ST8] pages of a listing can be tombstoned one by one, and what is reachable is left',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 40);
      const before = await author.store.load({ kind: 'all' });
      const pin = before.nodes[25]?.id ?? '';
      await author.store.pin(pin);
      const reached = reachableFrom(before.nodes, [pin, before.head.leaf ?? '']);
      const orphans = await orphansOf(author.store);
      for (let at = 0; at < orphans.length; at += 7) {
        const report = await author.store.tombstoneNodes(orphans.slice(at, at + 7));
        equal([report.status, report.refused], ['Swept', []]);
        equal(await orphansOf(author.store), orphans.slice(at + 7));
      }
      const after = await author.store.load({ kind: 'all' });
      equal(
        after.nodes.map((node) => node.id).toSorted(),
        before.nodes
          .map((node) => node.id)
          .filter((id) => reached.has(id))
          .toSorted(),
      );
      const { nodes, tombstoned } = await author.store.inventory();
      equal([nodes, tombstoned], [after.nodes.length, orphans.length]);
    },
  },
];

/** Whether it resolved. @throws whatever is not the refusal of a node that is gone */
async function settle(branch: Promise<unknown>): Promise<boolean> {
  const [result] = await Promise.allSettled([branch]);
  if (result.status === 'fulfilled') return true;
  await rejects(Promise.reject(result.reason as Error), 'NodeNotFound');
  return false;
}
