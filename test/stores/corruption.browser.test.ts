import { describe, expect, test } from 'vitest';

import type { SessionStore } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { appends, Author, says } from '../../src/testing/author.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

type Stores = (name: string) => IDBObjectStore;

interface Corruption {
  readonly what: string;
  readonly change: (store: Stores) => void;
  /** The node that the error names. */
  readonly nodeId: string | null;
  /** How far the path is sound from its root, and what ends it; absent where the head itself is the matter. */
  readonly sound?: readonly [leaf: string | null, damage: string | null];
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
const loadNode =
  (nodeId: string) =>
  (store: SessionStore): Promise<unknown> =>
    store.loadNode(nodeId);
const locate =
  (nodeId: string) =>
  (store: SessionStore): Promise<unknown> =>
    store.locate(nodeId);
/** A commit of a handle that did not write before. */
const commit = async (store: SessionStore): Promise<unknown> => {
  const { head, epoch } = await store.load({ kind: 'head' });
  const change = appends(head.leaf, ['x']);
  return store.commit({ operationId: 'new', expectedRevision: head.revision, epoch, change, usage: [] });
};

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
    sound: ['op-1.1', null],
    nodeId: null,
    reads: [loadPath, loadPage],
  },
  {
    what: 'a segment in the middle of the path is missing, and all nodes are asked for',
    change: (store) => store('segments').delete(segment(0, 2, 2, 2)),
    sound: ['op-1.1', null],
    nodeId: 'op-3.0',
    reads: [loadAll],
  },
  {
    what: 'the first segment is missing',
    change: (store) => store('segments').delete(segment(0, 0, 2, 1)),
    sound: [null, null],
    nodeId: 'op-2.0',
    reads: [loadAll],
  },
  {
    what: 'the first segment of the path is missing',
    change: (store) => store('segments').delete(segment(0, 0, 2, 1)),
    sound: [null, null],
    nodeId: null,
    reads: [loadPath],
  },
  {
    what: 'the leaf is missing',
    change: (store) => store('segments').delete(segment(2, 7, 1, 6)),
    sound: ['op-5.0', 'op-6.0'],
    nodeId: 'op-6.0',
    reads: [loadPath, loadPage, loadNode('op-6.0'), (store) => store.load({ kind: 'path', limit: 1 })],
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
      editRow(store('heads'), 'session', (row) => ({
        ...row,
        leaf: 'op-9.0',
        place: { chain: 2, seq: 8 },
      })),
    sound: ['op-6.0', 'op-9.0'],
    nodeId: 'op-9.0',
  },
  {
    what: 'the head names another node than the one at its place',
    change: (store) => editRow(store('heads'), 'session', (row) => ({ ...row, leaf: 'op-9.0' })),
    sound: ['op-5.0', 'op-9.0'],
    nodeId: 'op-9.0',
  },
  {
    what: 'the head is not complete',
    change: (store) => editRow(store('heads'), 'session', ({ epoch: _epoch, ...row }) => row),
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
    sound: ['op-1.1', 'op-2.0'],
    nodeId: 'op-2.0',
    reads: [...everyRead, loadNode('op-2.0')],
  },
  {
    what: 'a node is not text',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, nodes: { 0: 'x' } })),
    sound: ['op-2.1', 'op-4.0'],
    nodeId: 'op-4.0',
  },
  {
    what: 'the body of a node is of no known kind',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => {
        const [first] = JSON.parse(String(row['nodes'])) as unknown[];
        return { ...row, nodes: JSON.stringify([first, { createdAt: 1, body: { kind: 'other' } }]) };
      }),
    sound: ['op-2.1', 'op-4.1'],
    nodeId: 'op-4.1',
  },
  {
    what: 'a node of a segment was dropped',
    change: (store) =>
      editRow(store('segments'), segment(0, 2, 2, 2), (row) => ({
        ...row,
        nodes: JSON.stringify((JSON.parse(String(row['nodes'])) as unknown[]).slice(0, 1)),
      })),
    sound: ['op-1.1', 'op-2.1'],
    nodeId: 'op-2.1',
  },
  {
    what: 'a node names another parent',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, parentId: 'op-2.0' })),
    sound: ['op-2.1', 'op-4.0'],
    nodeId: 'op-4.0',
    reads: [loadPath, loadPage],
  },
  {
    what: 'a node names itself as its parent, over the length of its segment',
    change: (store) =>
      editRow(store('segments'), segment(1, 4, 2, 4), (row) => ({ ...row, parentId: 'op-4.1' })),
    sound: ['op-2.1', 'op-4.0'],
    nodeId: 'op-4.0',
  },
  {
    what: 'a segment is stored one deeper than it belongs',
    change: (store) => editRow(store('segments'), segment(0, 2, 2, 2), (row) => ({ ...row, firstSeq: 3 })),
    sound: ['op-1.1', null],
    nodeId: 'op-2.0',
    reads: [loadPath, loadAll],
  },
  {
    what: 'a chain forks from itself',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, parentChain: 1 })),
    sound: [null, null],
    nodeId: null,
    reads: [...everyRead, (store) => store.siblings(['op-4.0']), locate('op-1.0')],
  },
  {
    what: 'two chains fork from each other',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, parentChain: 2 })),
    sound: [null, null],
    nodeId: null,
    reads: [...everyRead, (store) => store.siblings(['op-4.0']), locate('op-1.0')],
  },
  {
    what: 'a chain is missing',
    change: (store) => store('chains').delete(['session', 1]),
    sound: [null, null],
    nodeId: null,
    reads: [loadPath, loadPage, (store) => store.siblings(['op-4.0']), locate('op-1.0')],
  },
  {
    what: 'a chain is missing, and all nodes are asked for',
    change: (store) => store('chains').delete(['session', 1]),
    sound: [null, null],
    nodeId: 'op-4.0',
    reads: [loadAll],
  },
  {
    what: 'a chain begins behind the place where it is left',
    change: (store) => editRow(store('chains'), ['session', 1], (row) => ({ ...row, forkSeq: 9 })),
    sound: [null, null],
    nodeId: null,
    reads: [loadPath, loadPage],
  },
  {
    what: 'a node of the path is tombstoned',
    change: (store) => store('tombs').put({ sessionId: 'session', chain: 0, from: 2 }),
    sound: ['op-1.1', 'op-2.0'],
    nodeId: 'op-2.0',
    reads: [loadPath, loadPage],
  },
  {
    what: 'a node of the path is tombstoned, and all nodes are asked for',
    change: (store) => store('tombs').put({ sessionId: 'session', chain: 0, from: 2 }),
    sound: ['op-1.1', 'op-2.0'],
    nodeId: 'op-4.0',
    reads: [loadAll],
  },
  {
    what: 'the leaf is tombstoned',
    change: (store) => store('tombs').put({ sessionId: 'session', chain: 2, from: 7 }),
    sound: ['op-5.0', 'op-6.0'],
    nodeId: 'op-6.0',
    reads: [...everyRead, (store) => store.load({ kind: 'path', limit: 1 }), commit],
  },
  {
    what: 'a tombstone is not complete',
    change: (store) => store('tombs').put({ sessionId: 'session', chain: 0, from: -1 }),
    sound: [null, null],
    nodeId: null,
    reads: [...everyRead, loadNode('op-2.0'), locate('op-2.0'), (store) => store.siblings(['op-2.0'])],
  },
  {
    what: 'an operation wrote two segments of the path',
    change: (store) => {
      store('segments').delete(segment(1, 6, 2, 5));
      const text = JSON.stringify([says('6b'), says('7b')]);
      const place = { sessionId: 'session', chain: 1, firstSeq: 6, count: 2 };
      store('segments').put({ ...place, operationId: 'op-2', parentId: 'op-4.1', nodes: text });
      editRow(store('segments'), segment(2, 7, 1, 6), (row) => ({ ...row, parentId: 'op-2.0' }));
    },
    sound: ['op-4.1', 'op-2.0'],
    nodeId: 'op-2.0',
  },
  {
    what: 'a receipt is cut off',
    change: (store) =>
      editRow(store('receipts'), ['session', 'op-2'], ({ attachments: _attachments, ...row }) => row),
    sound: ['op-1.1', null],
    nodeId: null,
    reads: [loadNode('op-2.0'), locate('op-2.1'), (store) => store.load({ kind: 'path', leaf: 'op-2.1' })],
  },
  ...(['revision', 'epoch', 'nodeCount', 'bytes', 'chains', 'checkpoints'] as const).flatMap((counter) =>
    [-1, Number.MAX_SAFE_INTEGER, 1.5].map((value) => ({
      what: `the head's ${counter} is ${value}`,
      change: (store: Stores): void =>
        editRow(store('heads'), 'session', (row) => ({ ...row, [counter]: value })),
      nodeId: 'op-6.0',
      reads: [
        ...everyRead,
        (store: SessionStore): Promise<unknown> => store.takeLease(),
        (store: SessionStore): Promise<unknown> => store.findSoundPath(),
      ],
    })),
  ),
  {
    what: 'title and policy are missing',
    change: (store) => store('meta').delete('session'),
    nodeId: null,
    reads: [(store) => store.loadSessionMeta(), (store) => store.saveSessionMeta({ at: 1 })],
  },
];

/** The path can be read up to there, and what is next to it is named. */
async function isSoundUpTo(
  store: SessionStore,
  [leaf, nodeId]: NonNullable<Corruption['sound']>,
): Promise<void> {
  const path = await store.findSoundPath();
  expect(path).toMatchObject({ leaf, damage: { nodeId } });
  const { nodes } = await store.load({ kind: 'path', leaf: path.leaf });
  expect(nodes.at(-1)?.id ?? null).toBe(leaf);
}

describe('[ST6] what is stored is read whole or not at all, and nothing is repaired', () => {
  for (const { what, change, nodeId, reads = everyRead, sound } of corruptions) {
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
        if (sound !== undefined) await isSoundUpTo(store, sound);
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

  test('a whole path is sound up to its leaf, and so is an empty one', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      expect(await author.store.findSoundPath()).toEqual({ leaf: null, damage: null });
      await write(author);
      expect(await author.store.findSoundPath()).toEqual({ leaf: 'op-6.0', damage: null });
      for (let turn = 0; turn < 80; turn++) await author.say('q', 'a');
      expect(await author.store.findSoundPath()).toEqual({ leaf: 'op-86.1', damage: null });
    }));

  for (const length of [1, 2, 50]) {
    test(`a cycle of ${length} chains ends every walk, and is named`, () =>
      withDatabase(async ({ name, factory }) => {
        const author = await Author.create(factory);
        await author.say('0', '1');
        for (let chain = 1; chain <= 50; chain++) {
          await author.sayBelow(chain === 1 ? 'op-1.0' : `op-${chain}.0`, `${chain}`, 'x');
        }
        const { leaf } = (await author.store.load({ kind: 'head' })).head;
        await damage(name, (store) =>
          editRow(store('chains'), ['session', 1], (row) => ({ ...row, parentChain: length })),
        );
        const before = await dumpRows(name);
        const store = await factory.open('session', { kind: 'open' });
        const oldest = (one: SessionStore): Promise<unknown> => one.load({ kind: 'path', before: 3 });
        const reads = [
          loadPath,
          loadAll,
          oldest,
          locate('op-1.0'),
          (one: SessionStore) => one.siblings(['op-2.0']),
        ];
        for (const read of reads) {
          const [outcome] = await Promise.allSettled([read(store)]);
          const error: unknown = outcome.status === 'rejected' ? outcome.reason : 'it resolved';
          expect(error).toMatchObject({ code: 'StoredDataCorrupt', data: { sessionId: 'session' } });
        }
        expect(await store.findSoundPath()).toMatchObject({ leaf: null, damage: { nodeId: null } });
        const newest = await store.load({ kind: 'path', limit: 10 });
        expect(newest.nodes.at(-1)?.id).toBe(leaf);
        expect(await dumpRows(name)).toBe(before);
      }));
  }
});
