import { equal, ok, rejects } from './assert.ts';
import { appends, Author, says } from './author.ts';
import { orphansOf, type StoreCase, unchangedBy } from './store-context.ts';
import { grow, reachableFrom } from './tree.ts';

/** Law ST8: which nodes are orphans, and what a pin does. */
export const storeOrphanCases: readonly StoreCase[] = [
  {
    name: '[ST8] what the leaf does not reach is an orphan; descendants are listed before their ancestors',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      equal(await orphansOf(author.store), []);
      await author.say('a', 'b', 'c');
      equal(await orphansOf(author.store), []);
      await author.sayBelow('op-1.0', 'x', 'y');
      equal(await orphansOf(author.store), ['op-1.2', 'op-1.1']);
      await author.branch('op-1.1');
      equal(await orphansOf(author.store), ['op-2.1', 'op-2.0', 'op-1.2']);
    },
  },
  {
    name: '[ST8] before the first node nothing is reached, and each node below another is listed first',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 30);
      await author.branch(null);
      const { nodes } = await author.store.load({ kind: 'all' });
      const orphans = await orphansOf(author.store);
      equal(orphans.toSorted(), nodes.map((node) => node.id).toSorted());
      for (const { id, parentId } of nodes) {
        ok(
          parentId === null || orphans.indexOf(id) < orphans.indexOf(parentId),
          `${id} comes after its parent`,
        );
      }
    },
  },
  {
    name: '[ST8] pages of any size list each orphan once, in one order',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 40);
      const all = await orphansOf(author.store);
      ok(all.length > 20, 'the case needs orphans');
      for (const limit of [1, 2, 3, 7, all.length - 1, all.length, all.length + 1, 1000])
        equal(await orphansOf(author.store, { limit }), all);
    },
  },
  {
    name: '[ST8] a listing goes on behind its last page, whatever of that was tombstoned in between',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 40);
      const all = await orphansOf(author.store);
      const seen: string[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await author.store.orphanedNodeIds(
          after === undefined ? { limit: 6 } : { after, limit: 6 },
        );
        equal((await author.store.tombstoneNodes(page.items)).refused, []);
        seen.push(...page.items);
        after = page.next;
      }
      equal(seen, all);
      equal(await orphansOf(author.store), []);
    },
  },
  {
    name: '[ST8] orphans are what no root reaches, whatever the tree, and listing changes nothing',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await grow(author, 40);
      const { nodes } = await author.store.load({ kind: 'all' });
      const pins = nodes.filter((_, index) => index % 17 === 5).map((node) => node.id);
      for (const pin of pins) await author.store.pin(pin);
      const { head } = await author.store.load({ kind: 'head' });
      const reached = reachableFrom(nodes, [...pins, ...(head.leaf === null ? [] : [head.leaf])]);
      await unchangedBy(author.store, async () => {
        const orphans = await orphansOf(author.store);
        const unreached = nodes.map((node) => node.id).filter((id) => !reached.has(id));
        equal(orphans.toSorted(), unreached.toSorted());
        equal((await author.store.inventory()).orphans, orphans.length);
      });
    },
  },
  {
    name: '[ST8] a pin keeps a node and its ancestors reachable until it is taken back, in every tab',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c', 'd');
      await author.sayBelow('op-1.0', 'x');
      await author.store.pin('op-1.2');
      await author.store.pin('op-1.2');
      const other = await (await reopen()).open('session', { kind: 'open' });
      for (const store of [author.store, other]) {
        equal(await orphansOf(store), ['op-1.3']);
        equal((await store.inventory()).pins, ['op-1.2']);
      }
      await other.unpin('op-1.2');
      await other.unpin('op-1.2');
      for (const store of [author.store, other]) {
        equal(await orphansOf(store), ['op-1.3', 'op-1.2', 'op-1.1']);
        equal((await store.inventory()).pins, []);
      }
    },
  },
  {
    name: '[ST8] pins of one session mean nothing to another one',
    run: async ({ factory }) => {
      const authors = [await Author.create(factory, 's'), await Author.create(factory, 's\u0000')];
      for (const author of authors) await author.say('a', 'b');
      for (const author of authors) await author.sayBelow('op-1.0', 'x');
      await authors[0]?.store.pin('op-1.1');
      equal(await Promise.all(authors.map((author) => orphansOf(author.store))), [[], ['op-1.1']]);
    },
  },
  {
    name: '[ST8] only a live node can be pinned, and a pin moves no revision',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.sayBelow('op-1.0', 'x');
      await author.store.tombstoneNodes(['op-1.1']);
      await unchangedBy(author.store, async () => {
        for (const nodeId of ['op-1.1', 'op-1.2', 'nobody.0', 'nobody', '']) {
          await rejects(author.store.pin(nodeId), 'NodeNotFound', { sessionId: 'session', nodeId });
          await author.store.unpin(nodeId);
        }
      });
      const request = await author.request(appends('op-2.0', ['y']));
      await author.store.pin('op-2.0');
      equal((await author.store.commit(request)).revision, 3);
    },
  },
  {
    name: '[ST8] a page can be asked for what was written before a time',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      for (const createdAt of [10, 20, 30]) {
        const nodes = [says(`at ${createdAt}`, createdAt), says('next', createdAt)];
        await author.commit({ kind: 'append', parentId: null, nodes });
      }
      await author.branch(null);
      equal(await orphansOf(author.store, { writtenBefore: 10 }), []);
      equal(await orphansOf(author.store, { writtenBefore: 11 }), ['op-1.1', 'op-1.0']);
      for (const limit of [1, 2, 3, 4, 5]) {
        const old = await orphansOf(author.store, { writtenBefore: 30, limit });
        equal(old.toSorted(), ['op-1.0', 'op-1.1', 'op-2.0', 'op-2.1']);
      }
    },
  },
  {
    name: '[ST8] a page of orphans that cannot be meant is InvalidInput',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      for (const limit of [0, -1, 1001, 1.5]) await rejects(store.orphanedNodeIds({ limit }), 'InvalidInput');
      for (const after of ['', 'x', 'NaN']) await rejects(store.orphanedNodeIds({ after }), 'InvalidInput');
    },
  },
];
