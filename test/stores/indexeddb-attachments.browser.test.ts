import { describe, expect, test, vi } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { DEFAULT_MAX_BYTES } from '../../src/stores/rules/attachment-check.ts';
import { equal, rejects } from '../../src/testing/assert.ts';
import { AttachmentBench, META } from './attachment-bench.ts';

const CHUNK = 256 * 1024;
const MIB = 1024 * 1024;

function bytes(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 7) % 251);
}

async function holds(bench: AttachmentBench, id: string, wanted: Uint8Array): Promise<void> {
  const stored = new Uint8Array(await (await bench.store.get(id)).arrayBuffer());
  equal([stored.length, stored.every((byte, at) => byte === wanted[at])], [wanted.length, true]);
}

/** The database, and what each of its transactions asked for. */
function watched(bench: AttachmentBench): {
  readonly database: IndexedDbDatabase;
  readonly counts: ReturnType<typeof newCounts>[];
} {
  const counts: ReturnType<typeof newCounts>[] = [];
  const transaction: IndexedDbDatabase['transaction'] = (options, body) => {
    const own = newCounts();
    counts.push(own);
    return bench.database.transaction({ ...options, counts: own }, body);
  };
  return { database: { name: bench.name, transaction } as unknown as IndexedDbDatabase, counts };
}

/** Changes rows by hand. */
function damage(
  bench: AttachmentBench,
  change: Parameters<IndexedDbDatabase['transaction']>[1],
): Promise<unknown> {
  const stores = ['attachments', 'chunks'] as const;
  return bench.database.transaction({ stores, mode: 'readwrite', counts: newCounts() }, change);
}

describe('[ST11] attachments in IndexedDB', () => {
  test('bytes lie in chunks of 256 KiB', () =>
    AttachmentBench.run(async (bench) => {
      await bench.store.put(bytes(2 * CHUNK + 5), META);
      const chunks = (await bench.rows('chunks')) as readonly { index: number; bytes: Uint8Array }[];
      expect(chunks.map((chunk) => [chunk.index, chunk.bytes.length])).toEqual([
        [0, CHUNK],
        [1, CHUNK],
        [2, 5],
      ]);
    }));

  test('[AT5] a put that ends before any of its transactions shows nowhere, and the next one completes it', () =>
    AttachmentBench.run(async (bench) => {
      for (let last = 0; ; last++) {
        const content = bytes(2 * CHUNK + last);
        let begun = 0;
        const dying = bench.storeBehind(
          bench.gated(async () => {
            if (begun++ === last) throw new Error('killed');
          }),
        );
        const put = dying.put(content, META);
        const ended = await put.then(
          () => true,
          () => false,
        );
        if (ended) break;
        expect(await bench.store.list()).toEqual({ items: [], next: null });
        expect(await bench.store.totalBytes()).toBe(0);
        const written = (await bench.chunkKeys()).length;
        const { database, counts } = watched(bench);
        const { id } = await bench.storeBehind(database).put(content, META);
        const rowsWritten = counts.reduce((sum, count) => sum + count.rowsWritten, 0);
        expect(rowsWritten).toBe(2 + (last === 0 ? 2 : 3) - written);
        await holds(bench, id, content);
        await bench.anchor();
        expect(await bench.sweep({ candidates: [id] })).toMatchObject({ removed: 1 });
        await bench.sweep({ candidates: [await bench.anchor()] });
        expect(await bench.chunkKeys()).toHaveLength(1);
        await damage(bench, async (rows) => {
          rows.delete('attachments', IDBKeyRange.lowerBound(''));
          rows.delete('chunks', IDBKeyRange.lowerBound([]));
        });
      }
    }));

  test('[ST6] an attachment that lacks a chunk, or a part of one, is never returned shorter', () =>
    AttachmentBench.run(async (bench) => {
      const { id } = await bench.store.put(bytes(3 * CHUNK), META);
      for (const length of [0, 5, CHUNK - 1, CHUNK + 1]) {
        await damage(bench, async (rows) => rows.put('chunks', { id, index: 1, bytes: bytes(length) }));
        await rejects(bench.store.get(id), 'StoredDataCorrupt');
      }
      await damage(bench, async (rows) => rows.remove('chunks', [id, 1]));
      await rejects(bench.store.get(id), 'StoredDataCorrupt');
    }));

  test('[ST6] an attachment row that is not one is StoredDataCorrupt to all who need it, and listed as far as it can be read', () =>
    AttachmentBench.run(async (bench) => {
      const { id } = await bench.store.put(bytes(3), META);
      const sound = { id, mime: 'a/b', byteLength: 3, state: 'stored', token: 't', putAt: 1 } as const;
      const faults = [{ mime: 1 }, { byteLength: -1 }, { state: 'gone' }, { token: 1 }, { putAt: 0.5 }];
      for (const fault of faults) {
        await damage(bench, async (rows) => rows.put('attachments', { ...sound, ...fault } as never));
        const calls = [
          () => bench.store.get(id),
          () => bench.store.find(id),
          () => bench.store.put(bytes(3), META),
          () => bench.commit([id]),
        ];
        for (const call of calls) await rejects(call(), 'StoredDataCorrupt');
        const reason = `attachment ${id} is not stored as one`;
        const { mime, byteLength, putAt } = { ...sound, ...fault };
        const read = {
          ref: { id, mime: mime === 1 ? '' : mime, byteLength: Math.max(0, byteLength) },
          putAt: putAt === 0.5 ? 0 : putAt,
        };
        expect((await bench.store.list()).items).toEqual([{ ...read, adopted: false, damage: reason }]);
        expect(await bench.store.totalBytes()).toBe(read.ref.byteLength);
      }
    }));

  test('[ST19] 24 MiB: one chunk at a time in memory and in a transaction; lists read none of it', () =>
    AttachmentBench.run(async (bench) => {
      const content = bytes(24 * MIB);
      const { database, counts } = watched(bench);
      const store = bench.storeBehind(database);
      const sizes: number[] = [];
      const read = vi.spyOn(Blob.prototype, 'arrayBuffer').mockImplementation(function (this: Blob) {
        sizes.push(this.size);
        return new Response(this).arrayBuffer();
      });
      try {
        const { id } = await store.put(content, META);
        expect(Math.max(...sizes)).toBe(CHUNK);
        expect(sizes).toHaveLength(2 * 96);
        expect(counts).toHaveLength(98);
        expect(Math.max(...counts.map((count) => count.bytesWritten))).toBeLessThan(CHUNK + 1024);
        counts.length = 0;
        expect((await store.get(id)).size).toBe(24 * MIB);
        expect(Math.max(...counts.map((count) => count.rowsRead))).toBe(2);
        counts.length = 0;
        expect((await store.list()).items).toHaveLength(1);
        expect(await store.totalBytes()).toBe(24 * MIB);
        expect(counts.map((count) => count.rowsRead)).toEqual([1, 1]);
        read.mockRestore();
        await holds(bench, id, content);
      } finally {
        read.mockRestore();
      }
    }));

  test('[AT3] the default limit is 100 MB', () =>
    AttachmentBench.run(async ({ database }) => {
      expect(new IndexedDbAttachmentStore(database).maxBytes).toBe(100 * MIB);
      expect(DEFAULT_MAX_BYTES).toBe(100 * MIB);
    }));

  test('[ST11] two puts at once write each chunk once', () =>
    AttachmentBench.run(async (bench) => {
      const { database, counts } = watched(bench);
      const stores = [bench.storeBehind(database), bench.storeBehind(database)];
      const content = bytes(8 * CHUNK);
      const [first, second] = await Promise.all(stores.map((store) => store.put(content, META)));
      expect(first).toEqual(second);
      const chunks = counts.filter((count) => count.bytesWritten > CHUNK / 2);
      expect(chunks).toHaveLength(8);
      await holds(bench, first?.id ?? '', content);
    }));

  test('[AT6] a put for a session notes its epoch, also while it is being imported, and not when it is deleted', () =>
    AttachmentBench.run(async (bench) => {
      await bench.head({ sessionId: 'live', kind: 'live', epoch: 3 });
      await bench.head({ sessionId: 'import', kind: 'live', epoch: 1, pending: 1 });
      await bench.head({ sessionId: 'deleted', kind: 'deleted' });
      let id = '';
      for (const sessionId of ['live', 'import', 'deleted', 'nobody']) {
        ({ id } = await bench.store.put(bytes(3), META, { sessionId }));
      }
      expect(await bench.rows('intents')).toEqual([
        { id, sessionId: 'import', epoch: 1 },
        { id, sessionId: 'live', epoch: 3 },
      ]);
      expect(await bench.commit([id], 'live')).toBe(true);
      expect(await bench.rows('intents')).toEqual([{ id, sessionId: 'import', epoch: 1 }]);
      expect(await bench.rows('references')).toEqual([{ id, sessionId: 'live', operationId: 'op-0' }]);
    }));

  test('[ST11] a commit adopts all or nothing', () =>
    AttachmentBench.run(async (bench) => {
      const { id } = await bench.store.put(bytes(3), META);
      expect(await bench.commit([id, 'missing'])).toBe(false);
      expect(await bench.rows('references')).toEqual([]);
    }));
});
