import type { AttachmentStore, StoredAttachment } from '../contract/attachments.ts';
import { equal, ok, rejects } from './assert.ts';
import { type AttachmentCase, bytesOf, noise, TEXT } from './attachment-context.ts';

async function all(store: AttachmentStore, limit: number): Promise<readonly StoredAttachment[]> {
  const items: StoredAttachment[] = [];
  for (let after: string | null = ''; after !== null;) {
    const page: Awaited<ReturnType<AttachmentStore['list']>> = await store.list({ after, limit });
    ok(page.items.length <= limit, 'a page is longer than asked for');
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

async function put(store: AttachmentStore, count: number): Promise<readonly string[]> {
  const refs = await Promise.all(
    Array.from({ length: count }, (_, seed) => store.put(noise(seed + 1, seed), TEXT)),
  );
  return refs.map((ref) => ref.id).toSorted();
}

/** What `find`, `list` and `totalBytes` say: law AT5. */
export const attachmentListCases: readonly AttachmentCase[] = [
  {
    name: '[AT5] an empty store finds and lists nothing',
    run: async ({ store }) => {
      equal(await store.list(), { items: [], next: null });
      equal([await store.find('x'), await store.find(''), await store.totalBytes()], [null, null, 0]);
    },
  },
  {
    name: '[AT5] what find and list show is what get returns, in another tab too',
    run: async ({ store, reopen }) => {
      await store.put(noise(0), { mime: 'image/png', name: 'a picture.png', width: 3, height: 4 });
      await put(store, 5);
      const again = await reopen();
      for (const one of [store, again]) {
        const items = await all(one, 100);
        equal(items.length, 6);
        for (const { ref, adopted } of items) {
          const blob = await one.get(ref.id);
          equal([blob.size, blob.type, adopted], [ref.byteLength, ref.mime, false]);
          equal((await bytesOf(blob)).length, ref.byteLength);
          equal(await one.find(ref.id), ref);
        }
        equal(
          await one.totalBytes(),
          items.reduce((sum, { ref }) => sum + ref.byteLength, 0),
        );
      }
    },
  },
  {
    name: '[AT5] find tells what the first put said of the bytes',
    run: async ({ store }) => {
      const first = await store.put(noise(3), { mime: 'image/png', name: 'one.png' });
      await store.put(noise(3), { ...TEXT, name: 'two.txt' });
      equal(await store.find(first.id), first);
    },
  },
  {
    name: '[AT5] pages show every attachment once, by id',
    run: async ({ store }) => {
      const ids = await put(store, 7);
      for (const limit of [1, 2, 3, 6, 7, 8, 1000]) {
        equal(
          (await all(store, limit)).map(({ ref }) => ref.id),
          ids,
        );
      }
    },
  },
  {
    name: '[AT5] a page has 100 attachments by default, and 1,000 at most',
    run: async ({ store }) => {
      const ids = await put(store, 101);
      const page = await store.list();
      equal([page.items.length, page.next], [100, ids[99]]);
      for (const limit of [0, -1, 1.5, 1001, NaN]) await rejects(store.list({ limit }), 'InvalidInput');
      await rejects(store.list({ after: 1 as never }), 'InvalidInput');
    },
  },
  {
    name: '[AT5] the same bytes again refresh the time of the last put',
    run: async ({ store, pass }) => {
      await store.put(noise(3), TEXT);
      const [before] = (await store.list()).items;
      await pass(5000);
      equal((await store.list()).items, [before]);
      await store.put(noise(3), TEXT);
      equal((await store.list()).items, [{ ...before, putAt: (before?.putAt ?? 0) + 5000 }]);
    },
  },
];
