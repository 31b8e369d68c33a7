import { describe, expect, test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb-attachment-store.ts';
import { rejects } from '../../src/testing/assert.ts';
import { damage, dumpRows, withDatabase } from './raw-database.ts';

const CHUNK = 256 * 1024;
const META = { mime: 'application/octet-stream' };

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 7) % 251);
}

describe('[ST11] attachments in IndexedDB', () => {
  test('bytes lie in chunks of 256 KiB', () =>
    withDatabase(async ({ name, database }) => {
      const store = new IndexedDbAttachmentStore(database);
      await store.put(bytes(2 * CHUNK + 5), META);
      const rows = JSON.parse(await dumpRows(name)) as [string, { index: number; bytes: string }[]][];
      const chunks = rows.find(([table]) => table === 'chunks')?.[1] ?? [];
      expect(chunks.map((chunk) => [chunk.index, chunk.bytes.split(',').length])).toEqual([
        [0, CHUNK],
        [1, CHUNK],
        [2, 5],
      ]);
    }));

  test('half a put shows nowhere, and putting again completes it', () =>
    withDatabase(async ({ name, database }) => {
      const store = new IndexedDbAttachmentStore(database);
      const { id } = await store.put(bytes(2 * CHUNK), META);
      await damage(name, (table) => {
        table('attachments').delete([id]);
        table('chunks').delete([id, 1]);
      });
      await rejects(store.get(id), 'AttachmentNotFound');
      expect(await store.totalBytes()).toBe(0);
      await store.put(bytes(2 * CHUNK), META);
      expect(new Uint8Array(await (await store.get(id)).arrayBuffer())).toEqual(bytes(2 * CHUNK));
    }));

  test('[ST6] an attachment that lacks a chunk, or a part of one, is never returned shorter', () =>
    withDatabase(async ({ name, database }) => {
      const store = new IndexedDbAttachmentStore(database);
      const { id } = await store.put(bytes(3 * CHUNK), META);
      await damage(name, (table) => table('chunks').put({ id, index: 1, bytes: bytes(5) }));
      await rejects(store.get(id), 'StoredDataCorrupt');
      await damage(name, (table) => table('chunks').delete([id, 1]));
      await rejects(store.get(id), 'StoredDataCorrupt');
    }));

  test('the default limit is 100 MB', () =>
    withDatabase(async ({ database }) => {
      expect(new IndexedDbAttachmentStore(database).maxBytes).toBe(100 * 1024 * 1024);
    }));
});
