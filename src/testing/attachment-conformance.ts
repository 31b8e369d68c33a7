import { equal, ok, rejects } from './assert.ts';
import { attachmentAdoptionCases } from './attachment-adoption-cases.ts';
import { type AttachmentCase, bytesOf, holds, MIB, noise, same, TEXT } from './attachment-context.ts';
import { attachmentDamageCases } from './attachment-damage-cases.ts';
import { attachmentListCases } from './attachment-list-cases.ts';
import { attachmentOrderCases } from './attachment-order-cases.ts';

const SHA_256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SHA_256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

const BYTE_CASES: readonly AttachmentCase[] = [
  {
    name: '[AT1] what was put is returned byte for byte, from nothing up to the limit',
    run: async ({ store, reopen }) => {
      const again = await reopen();
      for (const length of [0, 1, 255, MIB / 4 - 1, MIB / 4, MIB / 4 + 1, MIB, 5 * MIB]) {
        const bytes = noise(length);
        const { id, byteLength } = await store.put(bytes, TEXT);
        equal(byteLength, length);
        for (const one of [store, again]) await holds(one, id, bytes);
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
      const data = { byteLength: 5 * MIB + 1, maxBytes: store.maxBytes };
      await rejects(store.put(new Uint8Array(5 * MIB + 1), TEXT), 'AttachmentTooLarge', data);
      await rejects(store.put(new Blob([new Uint8Array(5 * MIB + 1)]), TEXT), 'AttachmentTooLarge', data);
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

/** What any attachment store must keep: laws AT1–AT7 of its contract. */
export const attachmentStoreConformance: readonly AttachmentCase[] = [
  ...BYTE_CASES,
  ...attachmentListCases,
  ...attachmentDamageCases,
  ...attachmentAdoptionCases,
  ...attachmentOrderCases,
];
