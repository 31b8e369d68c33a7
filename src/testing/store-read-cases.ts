import type { SessionStore } from '../contract/store.ts';
import type { SessionNode } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, textOf } from './author.ts';
import type { StoreCase, SessionStoreContext } from './store-context.ts';

/** The path to a node, by following parents one at a time. */
async function walk(store: SessionStore, leaf: string | null): Promise<readonly SessionNode[]> {
  const path: SessionNode[] = [];
  for (let nodeId = leaf; nodeId !== null;) {
    const node = await store.loadNode(nodeId);
    path.push(node);
    nodeId = node.parentId;
  }
  return path.toReversed();
}

/** A session of four commits on three chains: the path is a b c x y z, and d, e and w lie off it. */
async function forked({ factory }: SessionStoreContext): Promise<Author> {
  const author = await Author.create(factory);
  const trunk = await author.say('a', 'b', 'c', 'd', 'e');
  const fork = await author.sayBelow(trunk[2] ?? null, 'x', 'y', 'w');
  await author.sayBelow(fork[1] ?? null, 'z');
  return author;
}

/** A session whose every commit forks from the middle of the one before. */
async function deeplyForked({ factory }: SessionStoreContext, depth: number): Promise<Author> {
  const author = await Author.create(factory);
  let parent: string | null = null;
  for (let level = 0; level < depth; level++) {
    const [first = '', ...rest] = await author.sayBelow(parent, `${level}a`, `${level}b`, `${level}c`);
    parent = level % 3 === 0 ? first : (rest[0] ?? first);
  }
  return author;
}

/** Laws ST6 and ST7, paging, and how reads of one session relate to each other. */
export const storeReadCases: readonly StoreCase[] = [
  {
    name: '[ST6] the path to every node is whole: the same as following parents',
    run: async (context) => {
      const { store } = await forked(context);
      const { nodes } = await store.load({ kind: 'all' });
      ok(nodes.length === 9, `${nodes.length} nodes`);
      for (const { id } of nodes) {
        const path = await store.load({ kind: 'path', leaf: id });
        equal(path.nodes, await walk(store, id), `the path to ${id}`);
      }
    },
  },
  {
    name: '[ST6] a path over forty forks is whole: the same as following parents',
    run: async (context) => {
      const { store } = await deeplyForked(context, 40);
      const { head, nodes, start } = await store.load({ kind: 'path' });
      equal(nodes, await walk(store, head.leaf));
      equal(start, 0);
    },
  },
  {
    name: '[ST6] scope all holds every node once, parents before children',
    run: async (context) => {
      const { store } = await deeplyForked(context, 12);
      const { head, nodes, start } = await store.load({ kind: 'all' });
      equal([nodes.length, start], [head.nodeCount, 0]);
      const seen = new Set<string | null>([null]);
      for (const node of nodes) {
        ok(seen.has(node.parentId) && !seen.has(node.id), `${node.id} is out of place`);
        seen.add(node.id);
      }
    },
  },
  {
    name: '[ST6] scope head returns no nodes',
    run: async (context) => {
      const { store } = await forked(context);
      const snapshot = await store.load({ kind: 'head' });
      const path = await store.load({ kind: 'path' });
      equal(snapshot, { ...path, nodes: [], start: 0 });
    },
  },
  {
    name: '[ST6] a node is found by its id, on the active path or not, and an unknown id is NodeNotFound',
    run: async (context) => {
      const { store } = await forked(context);
      const { nodes } = await store.load({ kind: 'all' });
      for (const node of nodes) equal(await store.loadNode(node.id), node);
      for (const nodeId of ['', 'x', 'x.0', 'op-1', 'op-1.5', 'op-1.01', 'op-9.0']) {
        await rejects(store.loadNode(nodeId), 'NodeNotFound', { sessionId: 'session', nodeId });
        await rejects(store.load({ kind: 'path', leaf: nodeId }), 'NodeNotFound', {
          sessionId: 'session',
          nodeId,
        });
      }
    },
  },
  {
    name: '[ST6] the path of no leaf is empty',
    run: async (context) => {
      const { store } = await forked(context);
      const { nodes, start, head } = await store.load({ kind: 'path', leaf: null });
      equal([nodes, start, head.leaf], [[], 0, 'op-3.0']);
    },
  },
  {
    name: '[ST7] revision, leaf, count, ledger and path always belong together',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const reader = await (await reopen()).open('session', { kind: 'open' });
      const branches = new Map<number, string>();
      const write = async (): Promise<void> => {
        for (let index = 0; index < 60; index++) {
          const parent = index % 5 === 4 ? (branches.get(index - 3) ?? null) : undefined;
          const { leaf, revision } =
            parent === undefined
              ? await author.commit(
                  appends((await author.store.load({ kind: 'head' })).head.leaf, ['p', 'q']),
                )
              : await author.commit(appends(parent, ['r']));
          branches.set(index, leaf ?? '');
          ok(revision === index + 1, `revision ${revision} after ${index} commits`);
        }
      };
      const read = async (): Promise<void> => {
        for (let seen = 0; seen < 60;) {
          const { head, nodes } = await reader.load({ kind: 'path' });
          const wanted =
            head.revision === 0 ? null : `op-${head.revision}.${head.revision % 5 === 0 ? 0 : 1}`;
          equal([head.leaf, nodes.at(-1)?.id ?? null], [wanted, wanted]);
          equal(head.nodeCount, 2 * head.revision - Math.floor(head.revision / 5));
          ok(head.revision >= seen, 'the revision went back');
          seen = head.revision;
          await new Promise((resolve) => setTimeout(resolve));
        }
      };
      await Promise.all([write(), read(), read()]);
    },
  },
  {
    name: '[ST7] all nodes and the head belong together',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const loads: Promise<void>[] = [];
      for (let index = 0; index < 30; index++) {
        const writing = author.say('a', 'b', 'c');
        loads.push(
          author.store.load({ kind: 'all' }).then(({ head, nodes }) => {
            equal([nodes.length, nodes.at(-1)?.id ?? null], [head.nodeCount, head.leaf]);
          }),
        );
        await writing;
      }
      await Promise.all(loads);
    },
  },
  {
    name: '[ST19] pages of any size put together are the whole path',
    run: async (context) => {
      const { store } = await forked(context);
      await checkPages(store);
    },
  },
  {
    name: '[ST19] pages of a path over many forks put together are the whole path',
    run: async (context) => {
      const { store } = await deeplyForked(context, 15);
      await checkPages(store);
    },
  },
  {
    name: '[ST19] the newest page is the end of the path, and `start` counts what lies before it',
    run: async (context) => {
      const { store } = await forked(context);
      const { nodes, start } = await store.load({ kind: 'path', limit: 4 });
      equal([nodes.map(textOf), start], [['c', 'x', 'y', 'z'], 2]);
    },
  },
  {
    name: '[ST19] a page may be of any leaf, and its bounds may lie outside the path',
    run: async (context) => {
      const { store } = await forked(context);
      const page = async (leaf: string, before: number, limit: number): Promise<unknown> => {
        const { nodes, start } = await store.load({ kind: 'path', leaf, before, limit });
        return [nodes.map(textOf).join(''), start];
      };
      equal(await page('op-1.4', 99, 2), ['de', 3]);
      equal(await page('op-1.4', 5, 99), ['abcde', 0]);
      equal(await page('op-1.4', 2, 1), ['b', 1]);
      equal(await page('op-2.2', 4, 2), ['cx', 2]);
      equal(await page('op-2.2', 3, 2), ['bc', 1]);
      equal(await page('op-2.2', 0, 2), ['', 0]);
      equal((await store.load({ kind: 'path', before: 2 })).nodes.map(textOf), ['a', 'b']);
      equal((await store.load({ kind: 'path', leaf: null, before: 2, limit: 1 })).nodes, []);
    },
  },
  {
    name: '[ST19] a page of no size, or of half a node, is InvalidInput',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      for (const limit of [0, -1, 0.5, Number.NaN])
        await rejects(store.load({ kind: 'path', limit }), 'InvalidInput');
      for (const before of [-1, 0.5, Number.NaN])
        await rejects(store.load({ kind: 'path', before }), 'InvalidInput');
    },
  },
];

async function checkPages(store: SessionStore): Promise<void> {
  const whole = await store.load({ kind: 'path' });
  for (const limit of [1, 2, 3, 5, 100]) {
    const pages: (readonly SessionNode[])[] = [];
    for (let before = whole.nodes.length; before > 0;) {
      const page = await store.load({ kind: 'path', before, limit });
      equal(page.nodes.length, Math.min(limit, before), `a page of ${limit} before ${before}`);
      equal([page.start, page.head], [before - page.nodes.length, whole.head]);
      pages.unshift(page.nodes);
      before = page.start;
    }
    equal(pages.flat(), whole.nodes, `pages of ${limit}`);
  }
}
