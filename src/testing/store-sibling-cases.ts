import type { SessionStore } from '../contract/store.ts';
import { equal, rejects } from './assert.ts';
import { Author } from './author.ts';
import type { StoreCase } from './store-context.ts';

/** Siblings and tips of one node, as `id>tip` texts. */
async function siblingsOf(store: SessionStore, nodeId: string): Promise<readonly string[]> {
  const points = await store.siblings([nodeId]);
  equal(
    points.map((point) => point.nodeId),
    points.length === 0 ? [] : [nodeId],
  );
  return points.flatMap(({ siblings }) => siblings.map((sibling) => `${sibling.nodeId}>${sibling.tip}`));
}

/** What `siblings` promises. It is how a past turn is found again (law ST2). */
export const storeSiblingCases: readonly StoreCase[] = [
  {
    name: '[ST2] a node without siblings is left out',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const ids = await author.say('a', 'b');
      equal(await author.store.siblings(ids), []);
      equal(await author.store.siblings([]), []);
    },
  },
  {
    name: '[ST2] each of several siblings shows all of them, oldest first, each with its tip',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x', 'y');
      await author.sayBelow('op-1.0', 'z');
      const all = ['op-1.1>op-1.2', 'op-2.0>op-2.1', 'op-3.0>op-3.0'];
      for (const nodeId of ['op-1.1', 'op-2.0', 'op-3.0']) equal(await siblingsOf(author.store, nodeId), all);
      for (const nodeId of ['op-1.0', 'op-1.2', 'op-2.1']) equal(await siblingsOf(author.store, nodeId), []);
    },
  },
  {
    name: '[ST2] the tip of a sibling is the leaf that was last written below it, not the deepest one',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c', 'd');
      await author.sayBelow('op-1.0', 'x');
      equal(await siblingsOf(author.store, 'op-1.1'), ['op-1.1>op-1.3', 'op-2.0>op-2.0']);
      await author.sayBelow('op-1.1', 'C');
      equal(await siblingsOf(author.store, 'op-1.1'), ['op-1.1>op-3.0', 'op-2.0>op-2.0']);
      await author.sayBelow('op-1.3', 'e');
      equal(await siblingsOf(author.store, 'op-1.1'), ['op-1.1>op-4.0', 'op-2.0>op-2.0']);
      await author.sayBelow('op-3.0', 'D', 'E');
      equal(await siblingsOf(author.store, 'op-2.0'), ['op-1.1>op-5.1', 'op-2.0>op-2.0']);
      equal(await siblingsOf(author.store, 'op-3.0'), ['op-1.2>op-4.0', 'op-3.0>op-5.1']);
    },
  },
  {
    name: '[ST2] moving the leaf changes no tip',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x');
      await author.branch('op-1.1');
      equal(await siblingsOf(author.store, 'op-2.0'), ['op-1.1>op-1.2', 'op-2.0>op-2.0']);
    },
  },
  {
    name: '[ST2] roots are siblings of each other',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b');
      await author.sayBelow(null, 'A');
      await author.sayBelow('op-2.0', 'B');
      await author.sayBelow(null, 'X');
      const all = ['op-1.0>op-1.1', 'op-2.0>op-3.0', 'op-4.0>op-4.0'];
      for (const nodeId of ['op-1.0', 'op-2.0', 'op-4.0']) equal(await siblingsOf(author.store, nodeId), all);
      equal(await siblingsOf(author.store, 'op-3.0'), []);
    },
  },
  {
    name: '[ST2] siblings of several nodes come in the order in which they were asked for',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x');
      await author.sayBelow('op-1.1', 'y');
      const again = await (await reopen()).open('session', { kind: 'open' });
      const points = await again.siblings(['op-3.0', 'op-1.0', 'op-1.1']);
      equal(points, [
        {
          nodeId: 'op-3.0',
          siblings: [
            { nodeId: 'op-1.2', tip: 'op-1.2' },
            { nodeId: 'op-3.0', tip: 'op-3.0' },
          ],
        },
        {
          nodeId: 'op-1.1',
          siblings: [
            { nodeId: 'op-1.1', tip: 'op-3.0' },
            { nodeId: 'op-2.0', tip: 'op-2.0' },
          ],
        },
      ]);
    },
  },
  {
    name: '[ST2] siblings are found at every fork of a deep chain of forks',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('root');
      for (let level = 1; level <= 20; level++) await author.sayBelow(`op-${level}.0`, 'on', 'and on');
      for (let level = 2; level <= 20; level++) await author.sayBelow(`op-${level}.0`, 'another');
      const points = await author.store.siblings(['op-2.1', 'op-10.1', 'op-20.1', 'op-40.0']);
      const found = points.map(({ siblings }) => siblings.map((sibling) => sibling.nodeId).join(' '));
      equal(found, [
        'op-2.1 op-3.0 op-22.0',
        'op-10.1 op-11.0 op-30.0',
        'op-20.1 op-21.0 op-40.0',
        'op-20.1 op-21.0 op-40.0',
      ]);
      equal(points[1]?.siblings[1]?.tip, 'op-40.0');
    },
  },
  {
    name: '[ST2] siblings of an unknown node are NodeNotFound',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const data = { sessionId: 'session', nodeId: 'op-1.1' };
      await rejects(author.store.siblings(['op-1.0', 'op-1.1']), 'NodeNotFound', data);
    },
  },
];
