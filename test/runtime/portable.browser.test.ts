import { afterEach, expect, test } from 'vitest';

import { exportSession } from '../../src/runtime/portable/session-export.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { appends, Author } from '../../src/testing/author.ts';
import { openDatabase } from '../support/open-database.ts';
import {
  exported,
  fileOf,
  grow,
  imported,
  linesOf,
  memoryPlace,
  type Place,
  treeOf,
  withoutIds,
} from './portable.ts';

const opened: IndexedDbDatabase[] = [];

afterEach(async () => {
  for (const database of opened.splice(0)) {
    await database.close();
    indexedDB.deleteDatabase(database.name);
  }
});

function storedPlace(): Place {
  const database = openDatabase(`portable-${crypto.randomUUID()}`);
  opened.push(database);
  return {
    factory: new IndexedDbSessionStoreFactory(database),
    attachments: new IndexedDbAttachmentStore(database),
  };
}

test.each([1, 2, 3, 4, 5])(
  '[SE2] a session goes from IndexedDB to IndexedDB and to memory unchanged: random tree %i',
  async (seed) => {
    const from = storedPlace();
    const author = await grow(from, seed, 60);
    const file = await exported(from);
    for (const to of [storedPlace(), memoryPlace()]) {
      await imported(to, file);
      const store = await to.factory.open('imported', { kind: 'open' });
      expect(await treeOf(store)).toEqual(await treeOf(author.store));
      expect(withoutIds(await exported(to, 'imported'))).toBe(withoutIds(file));
    }
  },
);

test('[SE2] the same tree gives the same file in memory and in IndexedDB', async () => {
  const files = [];
  for (const place of [memoryPlace(), storedPlace()]) {
    await grow(place, 6, 80);
    files.push(await exported(place));
  }
  expect(files[0]).toBe(files[1]);
});

test('[SE2] after vacuum, and an append in the place of what it removed, a file still goes round unchanged', async () => {
  const place = storedPlace();
  const author = await Author.create(place.factory);
  const [a] = await author.say('a');
  const [gone] = await author.say('b');
  await author.sayBelow(a!, 'c');
  await author.sayBelow(a!, 'd');
  expect((await author.store.tombstoneNodes([gone!])).status).toBe('Swept');
  expect((await author.store.vacuum()).status).toBe('Swept');
  await author.sayBelow(a!, 'e');
  const file = await exported(place);
  const to = storedPlace();
  await imported(to, file);
  expect(withoutIds(await exported(to, 'imported'))).toBe(withoutIds(file));
});

test('[ST13] 10,000 nodes go round, and an import of them takes 20 commits', async () => {
  const place = storedPlace();
  const author = await Author.create(place.factory);
  for (let index = 0; index < 20; index++) {
    const { head } = await author.store.load({ kind: 'head' });
    await author.commit(
      appends(
        head.leaf,
        Array.from({ length: 500 }, (_, at) => `message ${at}`),
      ),
    );
  }
  const file = await exported(place);
  await imported(place, file);
  const store = await place.factory.open('imported', { kind: 'open' });
  const { nodes, head } = await store.load({ kind: 'path' });
  expect(nodes).toHaveLength(10_000);
  expect(new Set(nodes.map(({ id }) => id.slice(0, id.lastIndexOf('.')))).size).toBe(20);
  expect(head.nodeCount).toBe(10_000);
});

test('[ST7] an export is one state, whatever is committed meanwhile', async () => {
  const place = storedPlace();
  const author = await grow(place, 12, 600);
  const before = withoutIds(await exported(place));
  const leaves = (await author.store.load({ kind: 'all' })).nodes.map(({ id }) => id);
  const chunks = exportSession(author.store, place.attachments, { attachments: true });
  const read = [(await chunks.next()).value!];
  for (const leaf of [leaves.at(-1)!, leaves.at(-2)!, leaves[3]!])
    await author.sayBelow(leaf, 'later', 'and later');
  await author.sayBelow(null, 'later root');
  for await (const chunk of chunks) read.push(chunk);
  expect(withoutIds(await new Blob(read).text())).toBe(before);
});

test('[SE2] a file that is refused in its last line leaves no row behind', async () => {
  const from = memoryPlace();
  await grow(from, 3, 60);
  const place = storedPlace();
  await (await Author.create(place.factory, 'mine')).say('mine');
  const file = await fileOf(linesOf(await exported(from)), { nodes: 1 });
  await expect(imported(place, file)).rejects.toMatchObject({ code: 'ImportInvalid' });
  expect((await place.factory.list({})).items.map(({ sessionId }) => sessionId)).toEqual(['mine']);
  expect(await rowsOf(opened[0]!.name, 'imported')).toEqual([]);
  const mine = await place.factory.open('mine', { kind: 'open' });
  await mine.gcUnreachable({ keepYoungerThanMs: 0 });
  expect(await place.attachments.totalBytes()).toBe(0);
});

/** The keys of all rows of a session but its head, which keeps the id from being used again. */
async function rowsOf(name: string, sessionId: string): Promise<readonly unknown[]> {
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('no database')));
  });
  const found: unknown[] = [];
  for (const store of database.objectStoreNames) {
    const keys = await new Promise<IDBValidKey[]>((resolve, reject) => {
      const request = database.transaction(store).objectStore(store).getAllKeys();
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('no keys')));
    });
    if (store !== 'heads')
      found.push(...keys.filter((key) => JSON.stringify(key).includes(`"${sessionId}"`)));
  }
  database.close();
  return found;
}
