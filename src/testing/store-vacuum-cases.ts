import { equal, ok, rejects } from './assert.ts';
import { appends, Author, textOf } from './author.ts';
import { dump, orphansOf, type StoreCase, unchangedBy } from './store-context.ts';
import { grow } from './tree.ts';

/** Tombstones every orphan. */
async function tombstoneAll(author: Author): Promise<readonly string[]> {
  const orphans = await orphansOf(author.store);
  equal((await author.store.tombstoneNodes(orphans)).refused, []);
  return orphans;
}

/** Law ST9: vacuum removes what is tombstoned, and nothing else. */
export const storeVacuumCases: readonly StoreCase[] = [
  {
    name: '[ST9] vacuum removes exactly what is tombstoned, and a second one has nothing to do',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const { head } = await author.store.load({ kind: 'head' });
      await author.say('b', 'c');
      await author.sayBelow('op-2.1', 'd');
      await author.sayBelow('op-1.0', 'kept orphan');
      await author.branch('op-1.0');
      equal((await author.store.tombstoneNodes(['op-3.0', 'op-2.1', 'op-2.0'])).status, 'Swept');
      const before = await author.store.load({ kind: 'all' });
      const report = await author.store.vacuum();
      equal([report.status, report.removedNodes, report.keptNodes], ['Swept', 3, 0]);
      ok(report.removedRows >= 2, 'two segments are at least two rows');
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const store of [author.store, other]) {
        const after = await store.load({ kind: 'all' });
        equal(after.nodes, before.nodes);
        equal(after.head, { ...before.head, bytes: before.head.bytes - report.removedBytes });
        ok(after.head.bytes > head.bytes, 'the orphan that was not tombstoned still takes bytes');
        equal(await orphansOf(store), ['op-4.0']);
        const { tombstoned, nodes, bytes } = await store.inventory();
        equal([tombstoned, nodes, bytes], [0, 2, after.head.bytes]);
      }
      await unchangedBy(author.store, async () => {
        const again = await author.store.vacuum();
        equal(again, {
          status: 'NothingToDo',
          removedNodes: 0,
          removedRows: 0,
          removedBytes: 0,
          keptNodes: 0,
        });
      });
    },
  },
  {
    name: '[ST9] without tombstones there is nothing to do, whatever is orphaned',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 20);
      await unchangedBy(author.store, async () => {
        equal((await author.store.vacuum()).status, 'NothingToDo');
      });
    },
  },
  {
    name: '[ST9] vacuum frees bytes as if the nodes had never been, and the list shows it',
    run: async ({ factory }) => {
      const [author, plain] = [await Author.create(factory), await Author.create(factory, 'plain')];
      for (const one of [author, plain]) await one.say('a', 'b');
      for (let branch = 0; branch < 5; branch++) await author.sayBelow('op-1.0', `branch ${branch}`, 'more');
      await author.branch('op-1.1');
      await tombstoneAll(author);
      equal((await author.store.vacuum()).removedNodes, 10);
      const { items } = await factory.list({});
      const sizes = items.map(({ nodeCount, bytes }) => [nodeCount, bytes]);
      equal(sizes[0], sizes[1]);
    },
  },
  {
    name: '[ST9] ids are free again once they are vacuumed',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.branch(null);
      await tombstoneAll(author);
      await author.store.vacuum();
      const receipt = await author.commit(appends(null, ['other', 'content', 'here']), {
        operationId: 'op-1',
      });
      equal([receipt.replayed, receipt.nodeIds], [false, ['op-1.0', 'op-1.1', 'op-1.2']]);
      equal(await author.texts(), ['other', 'content', 'here']);
    },
  },
  {
    name: '[ST9] nodes of one commit go together: while one of them lives, the others are kept and reported',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c', 'd');
      await author.sayBelow('op-1.3', 'e');
      await author.sayBelow('op-1.1', 'x');
      await tombstoneAll(author);
      const first = await author.store.vacuum();
      equal([first.status, first.removedNodes, first.keptNodes], ['Swept', 1, 2]);
      const second = await author.store.vacuum();
      equal([second.status, second.removedNodes, second.keptNodes], ['NothingToDo', 0, 2]);
      equal([(await author.store.inventory()).tombstoned, await author.texts()], [2, ['a', 'b', 'x']]);
      const other = new Author(await (await reopen()).open('session', { kind: 'open' }));
      await rejects(other.store.loadNode('op-1.2'), 'NodeNotFound');
      await author.branch(null);
      await tombstoneAll(author);
      const last = await author.store.vacuum();
      equal([last.status, last.removedNodes, last.keptNodes], ['Swept', 5, 0]);
      const { head, nodes } = await author.store.load({ kind: 'all' });
      equal([nodes, head.nodeCount, head.bytes], [[], 0, 0]);
    },
  },
  {
    name: '[ST9] vacuum is bound to its session',
    run: async ({ factory }) => {
      const authors = [await Author.create(factory, 's'), await Author.create(factory, 's\u0000')];
      for (const author of authors) {
        await author.say('a', 'b');
        await author.branch(null);
        await tombstoneAll(author);
      }
      const [first, second] = authors;
      if (first === undefined || second === undefined) return;
      await unchangedBy(second.store, async () => {
        equal((await first.store.vacuum()).removedNodes, 2);
      });
      equal((await second.store.inventory()).tombstoned, 2);
      equal((await second.store.vacuum()).removedNodes, 2);
    },
  },
  {
    name: '[ST9] a vacuum that was stopped is Incomplete, and the next one goes on to the end',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('root');
      for (let branch = 0; branch < 120; branch++) await author.sayBelow('op-1.0', `branch ${branch}`);
      await author.branch('op-1.0');
      await tombstoneAll(author);
      const before = await author.store.load({ kind: 'all' });
      const stopped = await author.store.vacuum({ signal: AbortSignal.abort() });
      equal(stopped.status, 'Incomplete');
      equal((await author.store.load({ kind: 'all' })).nodes, before.nodes);
      const rest = await author.store.vacuum();
      equal([rest.status, stopped.removedNodes + rest.removedNodes], ['Swept', 120]);
      equal((await author.store.inventory()).tombstoned, 0);
      equal(await author.texts(), ['root']);
    },
  },
  {
    name: '[ST9] a session goes on after a vacuum where it was cut, and everywhere else',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a');
      await author.say('b');
      await author.say('c');
      await author.sayBelow('op-1.0', 'x');
      await tombstoneAll(author);
      await author.store.vacuum();
      await author.sayBelow('op-1.0', 'B', 'C');
      await author.branch('op-4.0');
      await author.say('y');
      const other = new Author(await (await reopen()).open('session', { kind: 'open' }));
      for (const one of [author, other]) {
        equal(await one.texts(), ['a', 'x', 'y']);
        equal(await one.texts('op-5.1'), ['a', 'B', 'C']);
        equal(await one.store.siblings(['op-4.0']), [
          {
            nodeId: 'op-4.0',
            siblings: [
              { nodeId: 'op-4.0', tip: 'op-7.0' },
              { nodeId: 'op-5.0', tip: 'op-5.1' },
            ],
          },
        ]);
      }
    },
  },
  {
    name: '[ST9] the first root with all below it can be vacuumed away, and another one lives on',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.sayBelow('op-1.0', 'c');
      await author.branch(null);
      await author.say('A');
      await author.say('B');
      await tombstoneAll(author);
      equal((await author.store.vacuum()).removedNodes, 3);
      const other = new Author(await (await reopen()).open('session', { kind: 'open' }));
      equal(await other.texts(), ['A', 'B']);
      equal(await other.store.siblings(['op-4.0']), []);
      await author.branch(null);
      await author.say('second root');
      equal((await other.store.siblings(['op-4.0']))[0]?.siblings.length, 2);
      equal((await other.store.load({ kind: 'all' })).nodes.map(textOf).toSorted(), [
        'A',
        'B',
        'second root',
      ]);
    },
  },
  {
    name: '[ST9] commits go on while a vacuum runs',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('root');
      for (let branch = 0; branch < 60; branch++) await author.sayBelow('op-1.0', `branch ${branch}`);
      await author.branch('op-1.0');
      await tombstoneAll(author);
      const other = await (await reopen()).open('session', { kind: 'open' });
      const [report] = await Promise.all([
        other.vacuum(),
        (async () => {
          for (let turn = 0; turn < 10; turn++) await author.say(`turn ${turn}`);
        })(),
      ]);
      equal([report.status, report.removedNodes], ['Swept', 60]);
      equal((await author.texts()).length, 11);
      const { head, nodes } = await other.load({ kind: 'all' });
      equal([head.nodeCount, nodes.length], [11, 11]);
    },
  },
  {
    name: '[ST9] tombstone and vacuum of every orphan leave the same session, whatever the tree',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await grow(author, 60);
      const path = await author.store.load({ kind: 'path' });
      const orphans = await tombstoneAll(author);
      const first = await author.store.vacuum();
      equal(first.removedNodes + first.keptNodes, orphans.length);
      const other = await (await reopen()).open('session', { kind: 'open' });
      equal((await other.load({ kind: 'path' })).nodes, path.nodes);
      equal((await other.load({ kind: 'all' })).nodes, path.nodes);
      equal(await dump(other), await dump(author.store));
      await author.branch(null);
      await tombstoneAll(author);
      const last = await author.store.vacuum();
      equal(last.removedNodes, path.nodes.length + first.keptNodes);
      const { head } = await author.store.load({ kind: 'head' });
      equal([head.nodeCount, head.bytes], [0, 0]);
    },
  },
];
