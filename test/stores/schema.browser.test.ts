import { describe, expect, test } from 'vitest';

import type { AttachmentRef } from '../../src/core/attachment.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { SCHEMA_VERSION, STORE_NAMES } from '../../src/stores/indexeddb/rows/schema.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author, createMode, textOf, used } from '../../src/testing/author.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { begins, queueUp, record, turnsOf } from '../../src/testing/turn-author.ts';
import { SCHEMA_1 } from './fixtures/schema-1.ts';
import { SCHEMA_2 } from './fixtures/schema-2.ts';
import { openRaw, withDatabase } from './raw-database.ts';
import { readSchema, type StoredSchema, writeSchema } from './stored-sample.ts';

function storesOf(database: IndexedDbDatabase): {
  readonly factory: IndexedDbSessionStoreFactory;
  readonly attachments: IndexedDbAttachmentStore;
} {
  return {
    factory: new IndexedDbSessionStoreFactory(database),
    attachments: new IndexedDbAttachmentStore(database, { clock: new ManualClock() }),
  };
}

const shows = (attachment: AttachmentRef): NodeDraft => ({
  createdAt: 7,
  body: {
    kind: 'conversation',
    message: { role: 'user', parts: [{ type: 'file', attachment }] },
  },
});

/** Writes what leaves a row in every object store of this schema, and all that a row may have. */
async function writeSample(database: IndexedDbDatabase, schema: number): Promise<void> {
  const { factory, attachments } = storesOf(database);
  const author = await Author.create(factory, 's');
  const { store } = author;
  await store.takeLease();
  await author.say('a', 'b');
  await author.commit(appends('op-1.1', ['c']), {
    usage: [used(5)],
    checkpoint: { plugin: { version: 2, body: { at: [1] } } },
  });
  await author.sayBelow('op-1.0', 'd', 'e');
  await author.sayBelow('op-1.0', 'f');
  const bytes = Uint8Array.of(1, 2, 3);
  const file = await attachments.put(bytes, { mime: 'text/plain', name: 'f.txt' }, { sessionId: 's' });
  await author.commit({ kind: 'append', parentId: 'op-4.0', nodes: [shows(file)] });
  await attachments.put(Uint8Array.of(4), { mime: 'image/png', width: 1, height: 1 }, { sessionId: 's' });
  await author.branch('op-2.0');
  await store.pin('op-3.0');
  await store.tombstoneNodes(['op-3.1']);
  await queueUp(store, 'withdrawn', 'first', 'second', 'turn');
  await store.turns.withdraw('withdrawn', { status: 'withdrawn' });
  await store.turns.move('second', 'first');
  await author.commit({ kind: 'unchanged' }, { turn: begins('turn') });
  await record(store, 0, ['entry', { kind: 'entry' }], { waits: { kind: 'offline' } });
  await store.turns.signal({ turnId: 'turn', signalId: 'stop', value: { reason: 'r' } });
  if (schema > 1) {
    const parent = { sessionId: 's', relation: 'child', source: 'research', depth: 1 } as const;
    await factory.open('child', { ...createMode('A child'), parent });
    await store.tasks.write({ taskId: 'task', expected: 0, body: { state: 'running' } });
    await factory.open('next', { ...createMode('Its next'), parent: { ...parent, relation: 'handoff' } });
  }
  await factory.open('deleted', createMode());
  await factory.delete('deleted');
}

/** What the stores show of the sample. */
async function readSample(database: IndexedDbDatabase): Promise<unknown> {
  const { factory, attachments } = storesOf(database);
  const store = await factory.open('s', { kind: 'open' });
  const path = await store.load({ kind: 'path', checkpoint: true });
  const all = await store.load({ kind: 'all' });
  const files = await attachments.list();
  await rejects(factory.open('deleted', { kind: 'open' }), 'SessionDeleted');
  return {
    lists: await Promise.all([{}, { parent: null }, { parent: 's' }].map((asked) => factory.list(asked))),
    meta: await store.loadSessionMeta(),
    head: path.head,
    epoch: path.epoch,
    ledger: path.ledger,
    path: path.nodes.map(textOf),
    checkpoint: path.checkpoint,
    all: all.nodes.map(({ id, parentId }) => [id, parentId]),
    side: (await store.load({ kind: 'path', leaf: 'op-5.0' })).nodes.map(({ id }) => id),
    siblings: await store.siblings(['op-1.1', 'op-3.0']),
    orphans: await store.orphanedNodeIds(),
    inventory: await store.inventory(),
    turns: await turnsOf(store, 'withdrawn', 'first', 'second', 'turn'),
    tasks: await store.tasks.list(),
    files,
    bytes: await Promise.all(
      files.items.map(async ({ ref }) => [
        ...new Uint8Array(await (await attachments.get(ref.id)).arrayBuffer()),
      ]),
    ),
  };
}

describe.each([
  { schema: 1, stored: SCHEMA_1 },
  { schema: 2, stored: SCHEMA_2 },
])('[ST18] data of schema $schema', ({ schema, stored }) => {
  test('is read whole, from a database that was stored as data', () =>
    withDatabase(async ({ name, database, connect }) => {
      await writeSchema(name, schema, stored);
      const fresh = IndexedDbDatabase.open(`${name}-fresh`);
      try {
        await writeSample(fresh, schema);
        expect(await readSample(database)).toEqual(await readSample(fresh));
      } finally {
        await fresh.close();
        indexedDB.deleteDatabase(fresh.name);
      }
      const { factory } = storesOf(connect());
      const author = new Author(await factory.open('s', { kind: 'open' }));
      expect(await author.texts()).toEqual(['a', 'b', 'c']);
      const { head, epoch } = await author.store.load({ kind: 'head' });
      await author.store.commit({
        operationId: 'next',
        expectedRevision: head.revision,
        epoch,
        change: appends(head.leaf, ['g']),
        usage: [],
      });
      expect(await author.texts()).toEqual(['a', 'b', 'c', 'g']);
    }));

  test('has a row in every object store', () => {
    expect(Object.entries(stored).filter(([, { rows }]) => rows.length === 0)).toEqual([]);
  });
});

describe('[ST18] the present schema', () => {
  test('is stored as the fixture has it: object stores, keys, indexes and rows', () =>
    withDatabase(async ({ name, database }) => {
      await writeSample(database, SCHEMA_VERSION);
      const raw = await openRaw(name);
      expect(raw.version).toBe(SCHEMA_VERSION);
      const written = await readSchema(raw);
      raw.close();
      expect(written).toEqual(SCHEMA_2);
      expect(Object.keys(SCHEMA_2).toSorted()).toEqual(STORE_NAMES.toSorted());
    }));

  test('is what an older one is brought to, by whoever knows which database it is', () =>
    withDatabase(async ({ name, connect }) => {
      await writeSchema(name, 1, SCHEMA_1);
      const database = connect({ databaseId: 'any' });
      expect(await database.databaseId()).toBe('any');
      const raw = await openRaw(name);
      expect(raw.version).toBe(SCHEMA_VERSION);
      const shapes = (schema: StoredSchema): unknown =>
        Object.entries(schema).map(([store, { keyPath, indexes }]) => [store, keyPath, indexes]);
      expect(shapes(await readSchema(raw))).toEqual(shapes(SCHEMA_2));
      raw.close();
    }));
});
