import type { AttachmentStore } from '../contract/attachments.ts';
import { equal, ok, rejects } from './assert.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What a case of the attachment store's suite runs on. */
export interface AttachmentStoreContext {
  /** An empty store whose limit is 3 MiB. */
  readonly store: AttachmentStore;
  /** A store that leads to the same bytes as another tab's would. For bytes in memory: the same store. */
  readonly reopen: () => Promise<AttachmentStore>;
}

const MIB = 1024 * 1024;
const SHA_256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SHA_256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const TEXT = { mime: 'text/plain' };

/** Bytes without a pattern that a compression would find, the same ones each time. */
function noise(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = 0x9e3779b9;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[index] = state & 0xff;
  }
  return bytes;
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** What any attachment store must keep: laws AT1–AT4 of its contract, and law ST11 as far as a store shows it. */
export const attachmentStoreConformance: readonly ConformanceCase<AttachmentStoreContext>[] = [
  {
    name: '[AT1] what was put is returned byte for byte, from nothing up to the limit',
    run: async ({ store, reopen }) => {
      const again = await reopen();
      for (const length of [0, 1, 255, MIB / 4 - 1, MIB / 4, MIB / 4 + 1, MIB, 3 * MIB]) {
        const bytes = noise(length);
        const { id, byteLength } = await store.put(bytes, TEXT);
        equal(byteLength, length);
        for (const one of [store, again])
          ok(same(await bytesOf(await one.get(id)), bytes), `${length} bytes differ`);
      }
    },
  },
  {
    name: '[AT1] a Blob is put as its bytes are, and keeps the MIME type of the first put',
    run: async ({ store }) => {
      const blob = new Blob([noise(MIB), 'end'], { type: 'image/gif' });
      const { id, mime } = await store.put(blob, { mime: 'Image/PNG' });
      await store.put(blob, TEXT);
      const stored = await store.get(id);
      equal([mime, stored.type, stored.size], ['image/png', 'image/png', MIB + 3]);
      ok(same(await bytesOf(stored), await bytesOf(blob)), 'the bytes differ');
    },
  },
  {
    name: '[AT1] what a caller changes in the bytes after the call is not stored',
    run: async ({ store }) => {
      const bytes = noise(MIB);
      const pending = store.put(bytes, TEXT);
      bytes.fill(0);
      const { id } = await pending;
      ok(same(await bytesOf(await store.get(id)), noise(MIB)), 'the bytes were changed');
    },
  },
  {
    name: '[AT2] the id is the lowercase hex SHA-256 of the bytes',
    run: async ({ store }) => {
      equal((await store.put(new Uint8Array(0), TEXT)).id, SHA_256_OF_NOTHING);
      equal((await store.put(new TextEncoder().encode('abc'), TEXT)).id, SHA_256_OF_ABC);
      equal((await store.put(new Blob(['a', 'bc']), TEXT)).id, SHA_256_OF_ABC);
    },
  },
  {
    name: '[AT2] a reference says what was given, and nothing else',
    run: async ({ store }) => {
      const bytes = new TextEncoder().encode('abc');
      const meta = { mime: 'image/png', name: 'a picture.png', width: 3, height: 4 };
      equal(await store.put(bytes, meta), { ...meta, id: SHA_256_OF_ABC, byteLength: 3 });
      equal(await store.put(bytes, TEXT), { ...TEXT, id: SHA_256_OF_ABC, byteLength: 3 });
    },
  },
  {
    name: '[AT2] the same bytes are stored once, also when they are put at once',
    run: async ({ store, reopen }) => {
      const again = await reopen();
      const bytes = noise(MIB);
      const refs = await Promise.all([store, again, store].map((one) => one.put(bytes, TEXT)));
      ok(new Set(refs.map((ref) => ref.id)).size === 1, 'the ids differ');
      await store.put(noise(10), TEXT);
      equal([await store.totalBytes(), await again.totalBytes()], [MIB + 10, MIB + 10]);
      ok(same(await bytesOf(await store.get(refs[0]?.id ?? '')), bytes), 'the bytes differ');
    },
  },
  {
    name: '[AT3] more bytes than the limit are AttachmentTooLarge, and nothing is stored',
    run: async ({ store }) => {
      const data = { byteLength: 3 * MIB + 1, maxBytes: store.maxBytes };
      await rejects(store.put(new Uint8Array(3 * MIB + 1), TEXT), 'AttachmentTooLarge', data);
      await rejects(store.put(new Blob([new Uint8Array(3 * MIB + 1)]), TEXT), 'AttachmentTooLarge', data);
      equal(await store.totalBytes(), 0);
    },
  },
  {
    name: '[AT3] no MIME type, or a meta that is not data, is refused, and nothing is stored',
    run: async ({ store }) => {
      await rejects(store.put(noise(3), { mime: '' }), 'InvalidInput');
      await rejects(store.put(noise(3), { mime: undefined as never }), 'InvalidInput');
      await rejects(store.put(noise(3), { mime: 'text/plain', name: (() => 'x') as never }), 'NotData');
      equal(await store.totalBytes(), 0);
    },
  },
  {
    name: '[AT4] an unknown id is AttachmentNotFound',
    run: async ({ store }) => {
      for (const attachmentId of ['', 'x', SHA_256_OF_NOTHING]) {
        await rejects(store.get(attachmentId), 'AttachmentNotFound', { attachmentId });
      }
    },
  },
];
