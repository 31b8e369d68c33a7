import { describe, expect, test } from 'vitest';

import type { SessionStore } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { Author } from '../../src/testing/author.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

type Stores = (name: string) => IDBObjectStore;

interface Corruption {
  readonly what: string;
  readonly change: (store: Stores) => void;
  /** The node that the error names. */
  readonly nodeId: string | null;
  /** Reads that must refuse. Default: the path, the newest page over the damage, and all nodes. */
  readonly reads?: readonly ((store: SessionStore) => Promise<unknown>)[];
}

const segment = (chain: number, firstSeq: number, count: number, operation: number): IDBValidKey => [
  'session',
  chain,
  firstSeq,
  count,
  `op-${operation}`,
];

const loadPath = (store: SessionStore): Promise<unknown> => store.load({ kind: 'path' });
const loadPage = (store: SessionStore): Promise<unknown> => store.load({ kind: 'path', limit: 7 });
const loadAll = (store: SessionStore): Promise<unknown> => store.load({ kind: 'all' });
const everyRead = [loadPath, loadPage, loadAll];

/**
 * The session: op-1 to op-3 write depths 0 to 5 on chain 0, op-4 forks at depth 3 and writes 4 and 5 on chain 1, op-5
 * goes on there with 6 and 7, op-6 forks at depth 6 and writes 7 on chain 2, which is the leaf.
 */
async function write(author: Author): Promise<void> {
  await author.say('0', '1');
  await author.say('2', '3');
  await author.say('4', '5');
  await author.sayBelow('op-2.1', '4b', '5b');
  await author.say('6b', '7b');
  await author.sayBelow('op-5.0', '7c');
}

const corruptions: readonly Corruption[] = [
  {
    what: 'a segment in the middle of the path is missing',
    change: (store) => store('segments').delete(segment(0, 2, 2, 2)),
    nodeId: null,
    reads: [loadPath, loadPage],
  },
  {
    what: 'a segment in the middle of the path is missing, and all nodes are asked for',
    change: (store) => store('segments').delete(segment(0, 2, 2, 2)),
    nodeId: 'op-3.0',
    reads: [loadAll],
  },
  {
    what: 'the first segment is missing',
    change: (store) => store('segments').delete(segment(0, 0, 2, 1)),
    nodeId: 'op-2.0',
    reads: [loadAll],
  },
  {
    what: 'the first segment of the path is missing',
    change: (store) => store('segments').delete(segment(0, 0, 2, 1)),
    nodeId: null,
    reads: [loadPath],
  },
  {
    what: 'the leaf is missing',
    change: (store) => store('segments').delete(segment(2, 7, 1, 6)),
    nodeId: 'op-6.0',
    reads: [
      loadPath,
      loadPage,
      (store) => store.loadNode('op-6.0'),
      (store) => store.load({ kind: 'path', limit: 1 }),
    ],
  },
  {
    what: 'the last segment of a branch off the path is missing',
    change: (store) => store('segments').delete(segment(0, 4, 2, 3)),
    nodeId: null,
    reads: [loadAll],
  },
  {
    what: 'the head names a leaf that was never written',
    change: (store) =>
      editRow(store('heads'), ['session'], (row) => ({
        ...row,
        leaf: 'op-9.0',
        place: { chain: 2, seq: 8 },
      })),
    nodeId: 'op-9.0',
  },
  {
    what: 'the head names another node than the one at its place',
    change: (store) => editRow(store('heads'), ['session'], (row) => ({ ...row, leaf: 'op-9.0' })),
    nodeId: 'op-9.0',
  },
  {
    what: 'the head is not complete',
    change: (store) => editRow(store('heads'), ['session'], ({ epoch: _epoch, ...row }) => row),
    nodeId: 'op-6.0',
    reads: [
      ...everyRead,
      (store) => store.load({ kind: 'head' }),
      (store) => store.takeLease(),
      (store) => new Author(store).say('x'),
    ],
  },
  {
    what: 'the text of a node is cut off',
    change: (store) =>
      editRow(store('segments'), segment(0, 2, 2, 2), (row) => ({
        ...row,
        nodes: String(row['nodes']).slice(0, -7),
      })),
    nodeId: 'op-2.0',
    reads: [...everyRead, (store) => store.loadNode('op-2.0')],
  },
  {
    what: 'a node is not text',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, nodes: { 0: 'x' } })),
    nodeId: 'op-4.0',
  },
  {
    what: 'the body of a node is of no known kind',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => {
        const [first] = JSON.parse(String(row['nodes'])) as unknown[];
        return { ...row, nodes: JSON.stringify([first, { createdAt: 1, body: { kind: 'other' } }]) };
      }),
    nodeId: 'op-4.1',
  },
  {
    what: 'a node of a segment was dropped',
    change: (store) =>
      editRow(store('segments'), segment(0, 2, 2, 2), (row) => ({
        ...row,
        nodes: JSON.stringify((JSON.parse(String(row['nodes'])) as unknown[]).slice(0, 1)),
      })),
    nodeId: 'op-2.1',
  },
  {
    what: 'a node names another parent',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, parentId: 'op-2.0' })),
    nodeId: 'op-4.0',
    reads: [loadPath, loadPage],
  },
  {
    what: 'a node names itself as its parent, over the length of its segment',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, parentId: 'op-4.1' })),
    nodeId: 'op-4.0',
  },
  {
    what: 'a segment is stored one deeper than it belongs',
    change: (store) => editRow(store('segments'), segment(0, 2, 2, 2), (row) => ({ ...row, firstSeq: 3 })),
    nodeId: 'op-2.0',
    reads: [loadPath, loadAll],
  },
  {
    what: 'a chain forks from itself',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, parentChain: 1 })),
    nodeId: null,
    reads: [...everyRead, (store) => store.siblings(['op-6.0'])],
  },
  {
    what: 'two chains fork from each other',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, parentChain: 2 })),
    nodeId: null,
    reads: [...everyRead, (store) => store.siblings(['op-6.0'])],
  },
  {
    what: 'a chain is missing',
    change: (store) => store('chains').delete(['session', 1]),
    nodeId: null,
    reads: [...everyRead, (store) => store.siblings(['op-6.0'])],
  },
  {
    what: 'a chain begins behind the place where it is left',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, forkSeq: 9 })),
    nodeId: null,
    reads: [loadPath, loadPage],
  },
  {
    what: 'title and policy are missing',
    change: (store) => store('meta').delete(['session']),
    nodeId: null,
    reads: [(store) => store.loadSessionMeta(), (store) => store.saveSessionMeta({ at: 1 })],
  },
];

describe('[ST6] what is stored is read whole or not at all, and nothing is repaired', () => {
  for (const { what, change, nodeId, reads = everyRead } of corruptions) {
    test(what, () =>
      withDatabase(async ({ name, factory, connect: _connect }) => {
        const author = await Author.create(factory);
        await write(author);
        expect(await author.texts()).toEqual(['0', '1', '2', '3', '4b', '5b', '6b', '7c']);
        await damage(name, change);
        const before = await dumpRows(name);
        const store = await factory.open('session', { kind: 'open' }).catch(() => author.store);
        for (const read of reads) {
          const error: unknown = await read(store).then(
            () => 'it resolved',
            (reason: unknown) => reason,
          );
          if (!isLashError(error, 'StoredDataCorrupt'))
            throw new Error(`not refused: ${String(error)}`, { cause: error });
          expect(error.data).toMatchObject({ sessionId: 'session', nodeId });
        }
        expect(await dumpRows(name)).toBe(before);
      }),
    );
  }

  test('what lies outside a page does not matter to it', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await write(author);
      await damage(name, (store) => store('segments').delete(segment(0, 0, 2, 1)));
      const { nodes, start } = await author.store.load({ kind: 'path', limit: 4 });
      expect([nodes.length, start]).toEqual([4, 4]);
    }));
});
