import type { NodeWalk, SessionStore, WalkPage } from '../contract/store.ts';
import type { SessionNode } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import { Author, textOf } from './author.ts';
import type { StoreCase, SessionStoreContext } from './store-context.ts';

/** Two roots, and forks of forks. */
async function grown({ factory }: SessionStoreContext): Promise<Author> {
  const author = await Author.create(factory);
  const [a = '', b = ''] = await author.sayBelow(null, 'a', 'b', 'c');
  const [d = ''] = await author.sayBelow(a, 'd', 'e');
  await author.sayBelow(b, 'f');
  await author.sayBelow(a, 'g');
  await author.sayBelow(d, 'h');
  await author.sayBelow(null, 'r', 's');
  return author;
}

async function restOf(store: SessionStore, first: NodeWalk, limit: number): Promise<readonly SessionNode[]> {
  const nodes = [...first.nodes];
  for (let { next } = first; next !== null;) {
    const page = await store.walk({ after: next, limit });
    ok(page.nodes.length <= limit, 'a page is too long');
    nodes.push(...page.nodes);
    ({ next } = page);
  }
  return nodes;
}

async function walked(store: SessionStore, limit = 1000): Promise<readonly SessionNode[]> {
  return restOf(store, await store.walk({ limit }), limit);
}

/** Walks through every node: what an export stands on. */
export const storeWalkCases: readonly StoreCase[] = [
  {
    name: '[ST7] a walk visits every live node once: a chain whole, then its forks from the deepest point up',
    run: async (context) => {
      const { store } = await grown(context);
      const nodes = await walked(store);
      equal(nodes.map(textOf), ['a', 'b', 'c', 'f', 'd', 'e', 'h', 'g', 'r', 's']);
      const { nodes: all, head } = await store.load({ kind: 'all' });
      equal(new Set(nodes), new Set(all));
      equal((await store.walk()).head, head);
    },
  },
  {
    name: '[ST7] a walk goes on with the oldest continuation first, also where vacuum made room behind its node',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const [root = ''] = await author.say('root');
      const oldest = await author.say('oldest');
      await author.sayBelow(root, 'older', 'and on');
      await author.store.tombstoneNodes(oldest);
      await author.store.vacuum();
      await author.sayBelow(root, 'younger');
      await author.sayBelow(root, 'youngest');
      equal((await walked(author.store)).map(textOf), ['root', 'older', 'and on', 'younger', 'youngest']);
      equal((await author.store.siblings(['op-3.0']))[0]?.siblings[0], { nodeId: 'op-3.0', tip: 'op-3.1' });
    },
  },
  {
    name: '[ST7] a walk in pages of any length is the same walk',
    run: async (context) => {
      const { store } = await grown(context);
      const whole = await walked(store);
      for (const limit of [1, 2, 3, 7]) equal(await walked(store, limit), whole, `pages of ${limit}`);
    },
  },
  {
    name: '[ST7] a walk stays with the state that its first page saw, whatever is written meanwhile',
    run: async (context) => {
      const author = await grown(context);
      const { store } = author;
      const before = await walked(store);
      const first = await store.walk({ limit: 2 });
      for (const { id } of before) await author.sayBelow(id, 'later', 'and later');
      await author.sayBelow(null, 'later root');
      equal(await restOf(store, first, 2), before);
      ok((await walked(store)).length === before.length * 3 + 1, 'a new walk sees what was written');
    },
  },
  {
    name: '[ST8] a walk shows no tombstoned node, before vacuum and after it',
    run: async (context) => {
      const { store } = await grown(context);
      const ids = new Map((await walked(store)).map((node) => [textOf(node), node.id]));
      const gone = ['c', 'f', 'h'].map((text) => ids.get(text) ?? '');
      equal((await store.tombstoneNodes(gone)).status, 'Swept');
      const left = ['a', 'b', 'd', 'e', 'g', 'r', 's'];
      equal((await walked(store, 2)).map(textOf), left);
      await store.vacuum();
      equal((await walked(store, 2)).map(textOf), left);
    },
  },
  {
    name: '[ST8] a walk goes on behind what was tombstoned before it and is vacuumed between its pages',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const { store } = author;
      const long = 'x'.repeat(400_000);
      const [root = ''] = await author.say(`root ${long}`);
      await author.say(`next ${long}`);
      const gone = await author.sayBelow(root, 'gone');
      await author.sayBelow(root, 'last');
      equal((await store.tombstoneNodes(gone)).status, 'Swept');
      const nodes: SessionNode[] = [];
      for (let after: string | null | undefined; after !== null;) {
        const page = await store.walk(after === undefined ? {} : { after });
        nodes.push(...page.nodes);
        after = page.next;
        await store.vacuum();
      }
      equal(
        nodes.map((node) => textOf(node).slice(0, 4)),
        ['root', 'next', 'last'],
      );
    },
  },
  {
    name: '[ST7] the walk of a session without a node is empty',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      const { nodes, next } = await store.walk();
      equal({ nodes, next }, { nodes: [], next: null });
    },
  },
  {
    name: 'a page of a walk has 1 to 1,000 nodes, and follows on a page',
    run: async (context) => {
      const { store } = await grown(context);
      const faults: readonly WalkPage[] = [
        { limit: 0 },
        { limit: 1001 },
        { limit: 1.5 },
        { after: '' },
        { after: 'x' },
      ];
      for (const page of faults) await rejects(store.walk(page), 'InvalidInput');
    },
  },
];
