import type { AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import { equal, ok, rejects } from './assert.ts';
import {
  type AttachmentCase,
  type AttachmentStoreContext,
  holds,
  noise,
  shows,
  TEXT,
} from './attachment-context.ts';
import { Author, createMode } from './author.ts';

/** Ten attachments that nobody refers to, of which the fifth by id is broken, and one that a session refers to. */
async function broken(
  context: AttachmentStoreContext,
): Promise<
  { readonly id: string; readonly loose: readonly AttachmentRef[]; readonly kept: AttachmentRef } | undefined
> {
  const { store, factory, damage } = context;
  if (damage === undefined) return undefined;
  const kept = await put(store, 99, 'session');
  await commit(await Author.create(factory), kept);
  const refs: AttachmentRef[] = [];
  for (let seed = 0; seed < 10; seed++) refs.push(await put(store, seed));
  const { id } = refs.toSorted((a, b) => (a.id < b.id ? -1 : 1))[4] ?? kept;
  await damage(id);
  return { id, loose: refs.filter((ref) => ref.id !== id), kept };
}

async function put(store: AttachmentStore, seed: number, sessionId?: string): Promise<AttachmentRef> {
  return store.put(noise(seed + 1, seed), TEXT, sessionId === undefined ? undefined : { sessionId });
}

async function commit(author: Author, ref: AttachmentRef): Promise<void> {
  const { head } = await author.store.load({ kind: 'head' });
  await author.commit({ kind: 'append', parentId: head.leaf, nodes: [shows(ref)] });
}

/** What one damaged attachment leaves of the others: laws AT5 and AT6. */
export const attachmentDamageCases: readonly AttachmentCase[] = [
  {
    name: '[AT5] where storage can be damaged: an attachment that is damaged is listed as that, and hides no other',
    run: async (context) => {
      const found = await broken(context);
      if (found === undefined) return;
      const { id, loose, kept } = found;
      const sound = [...loose, kept];
      for (const store of [context.store, await context.reopen()]) {
        for (const limit of [1, 4, 100]) {
          const items = [];
          for (let after: string | null = ''; after !== null;) {
            const page: Awaited<ReturnType<AttachmentStore['list']>> = await store.list({ after, limit });
            items.push(...page.items);
            after = page.next;
          }
          equal(
            items.map(({ ref }) => ref.id),
            [id, ...sound.map((ref) => ref.id)].toSorted(),
          );
          const damaged = items.filter(({ damage }) => damage !== undefined);
          equal(
            damaged.map(({ ref }) => ref.id),
            [id],
          );
          ok(damaged[0]?.damage?.includes(id) === true, 'the damage does not name it');
        }
        const bytes = sound.reduce((sum, { byteLength }) => sum + byteLength, 0);
        ok((await store.totalBytes()) >= bytes, 'bytes of others are not counted');
        await rejects(store.get(id), 'StoredDataCorrupt');
        await rejects(store.find(id), 'StoredDataCorrupt');
        await holds(store, kept.id, noise(100, 99));
      }
    },
  },
  {
    name: '[AT6] where storage can be damaged: a sweep goes on past what it cannot judge, leaves it, and ends as Failed',
    run: async (context) => {
      const found = await broken(context);
      if (found === undefined) return;
      const { id, loose, kept } = found;
      const report = await context.sweep(0);
      equal([report.status, report.roots, report.kept, report.removed], ['Failed', 1, 2, loose.length]);
      equal(report.error?.code, 'StoredDataCorrupt');
      ok(report.error?.message.includes(id) === true, 'the error does not name it');
      const { items } = await context.store.list();
      equal(
        items.map(({ ref }) => ref.id),
        [id, kept.id].toSorted(),
      );
      equal((await context.sweep(0)).status, 'Failed');
    },
  },
  {
    name: '[AT6] where storage can be damaged: a deletion goes on past an attachment that it cannot judge, and names it',
    run: async ({ store, factory, damage, reopen }) => {
      if (damage === undefined) return;
      const author = await Author.create(factory, 'doomed');
      const refs = [
        await put(store, 1, 'doomed'),
        await put(store, 2, 'doomed'),
        await put(store, 3, 'doomed'),
      ];
      for (const ref of refs) await commit(author, ref);
      const { id } = refs[1] ?? { id: '' };
      await damage(id);
      const error = await rejects(factory.delete('doomed'), 'StoredDataCorrupt');
      ok(error.message.includes(id), 'the error does not name it');
      await rejects(factory.open('doomed', createMode()), 'SessionDeleted');
      equal(await factory.finishDeletions(), []);
      await factory.delete('doomed');
      const { items } = await (await reopen()).list();
      equal(
        items.map((item) => [item.ref.id, item.adopted]),
        [[id, false]],
      );
    },
  },
];
