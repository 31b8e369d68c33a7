import type { AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import type { SweepReport } from '../core/maintenance.ts';
import type { NodeDraft } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import {
  type AttachmentCase,
  type AttachmentStoreContext,
  holds,
  noise,
  shows,
  TEXT,
} from './attachment-context.ts';
import { Author } from './author.ts';
import { unchangedBy } from './store-context.ts';

const DAY = 24 * 60 * 60 * 1000;
const YEAR = 365 * DAY;

/** Commits nodes below the leaf. */
async function commit(author: Author, ...nodes: readonly NodeDraft[]): Promise<void> {
  const { head } = await author.store.load({ kind: 'head' });
  await author.commit({ kind: 'append', parentId: head.leaf, nodes });
}

/** An attachment that a session of its own refers to, so that a sweep is not blind. */
async function anchor({ factory, store }: AttachmentStoreContext): Promise<AttachmentRef> {
  const ref = await store.put(noise(9, 99), TEXT);
  await commit(await Author.create(factory, 'anchor'), shows(ref));
  return ref;
}

async function adoptedIds(store: AttachmentStore): Promise<readonly string[]> {
  const { items } = await store.list();
  return items.filter((item) => item.adopted).map((item) => item.ref.id);
}

function counts({ status, roots, kept, removed, removedBytes }: SweepReport): readonly unknown[] {
  return [status, roots, kept, removed, removedBytes];
}

function overflowing(refs: readonly AttachmentRef[]): readonly NodeDraft[] {
  const [image, file, part, call, result] = refs;
  if (!image || !file || !part || !call || !result) throw new Error('five attachments are needed');
  return [
    {
      createdAt: 1,
      body: {
        kind: 'conversation',
        message: {
          role: 'user',
          parts: [
            { type: 'image', attachment: image },
            { type: 'file', attachment: file },
            { type: 'text', text: 'preview', overflow: part },
          ],
        },
      },
    },
    {
      createdAt: 2,
      body: {
        kind: 'tool',
        invocation: {
          callId: 'call',
          tool: 'tool',
          args: {},
          overflow: call,
          outcome: { status: 'success', value: 'preview', overflow: result },
          durationMs: 1,
        },
      },
    },
  ];
}

/** Who keeps bytes: law AT6. */
export const attachmentAdoptionCases: readonly AttachmentCase[] = [
  {
    name: '[AT6] a commit adopts every attachment that its nodes name',
    run: async ({ store, factory }) => {
      const refs = await Promise.all([1, 2, 3, 4, 5].map((seed) => store.put(noise(10, seed), TEXT)));
      equal(await adoptedIds(store), []);
      const author = await Author.create(factory);
      await commit(author, ...overflowing(refs));
      equal(await adoptedIds(store), refs.map((ref) => ref.id).toSorted());
    },
  },
  {
    name: '[AT6] a commit that names bytes which are not stored is AttachmentNotFound, and changes nothing',
    run: async ({ store, factory }) => {
      const ref = await store.put(noise(3), TEXT);
      const author = await Author.create(factory);
      const attachmentId = 'f'.repeat(64);
      await unchangedBy(author.store, () =>
        rejects(commit(author, shows(ref, { ...ref, id: attachmentId })), 'AttachmentNotFound', {
          attachmentId,
        }),
      );
      equal(await adoptedIds(store), []);
      await commit(author, shows(ref));
      equal(await adoptedIds(store), [ref.id]);
    },
  },
  {
    name: '[AT6] a commit that is made again adopts nothing again, and needs nothing',
    run: async ({ store, factory }) => {
      const ref = await store.put(noise(3), TEXT);
      const author = await Author.create(factory);
      const change = { kind: 'append' as const, parentId: null, nodes: [shows(ref, ref)] };
      const request = await author.request(change);
      await author.store.commit(request);
      ok((await author.store.commit(request)).replayed, 'it was not replayed');
      equal(await adoptedIds(store), [ref.id]);
    },
  },
  {
    name: '[AT6] what a session put and never committed stays as long as its epoch does, and then a day',
    run: async (context) => {
      const { store, factory, sweep, pass } = context;
      await anchor(context);
      const session = await Author.create(factory);
      await session.store.takeLease();
      const { id } = await store.put(noise(100), TEXT, { sessionId: 'session' });
      equal(
        (await store.list()).items.filter((item) => !item.adopted).map((item) => item.ref.id),
        [id],
      );
      await pass(YEAR);
      equal(counts(await sweep(DAY)), ['NothingToDo', 2, 2, 0, 0]);
      equal(counts(await sweep(0)), ['NothingToDo', 2, 2, 0, 0]);
      await store.put(noise(100), TEXT, { sessionId: 'session' });
      await session.store.takeLease();
      equal(counts(await sweep(DAY)), ['NothingToDo', 1, 2, 0, 0]);
      await pass(DAY - 1);
      equal(counts(await sweep(DAY)), ['NothingToDo', 1, 2, 0, 0]);
      await pass(1);
      equal(counts(await sweep(DAY)), ['Swept', 1, 1, 1, 100]);
      await rejects(store.get(id), 'AttachmentNotFound');
      equal(await store.find(id), null);
      equal((await store.list()).items.length, 1);
    },
  },
  {
    name: '[AT6] an intent that is taken up by a commit ends, and the reference stays at any age',
    run: async ({ store, factory, sweep, pass }) => {
      const session = await Author.create(factory);
      const { id, ...rest } = await store.put(noise(100), TEXT, { sessionId: 'session' });
      await commit(session, shows({ id, ...rest }));
      await session.store.takeLease();
      await pass(YEAR);
      equal(counts(await sweep(0)), ['NothingToDo', 1, 1, 0, 0]);
      await holds(store, id, noise(100));
    },
  },
  {
    name: '[AT6] bytes without an owner, or with one that is not there, are kept by their age alone',
    run: async (context) => {
      const { store, sweep, pass } = context;
      await anchor(context);
      await store.put(noise(100, 1), TEXT);
      await store.put(noise(200, 2), TEXT, { sessionId: 'nobody' });
      equal(counts(await sweep(1)), ['NothingToDo', 1, 3, 0, 0]);
      await pass(1);
      equal(counts(await sweep(1)), ['Swept', 1, 1, 2, 300]);
      equal(counts(await sweep(1)), ['NothingToDo', 1, 1, 0, 0]);
    },
  },
  {
    name: '[AT6] the same bytes again wait for the sweep anew',
    run: async (context) => {
      const { store, sweep, pass } = context;
      await anchor(context);
      const { id } = await store.put(noise(100), TEXT);
      await pass(DAY);
      await store.put(noise(100), TEXT);
      equal((await sweep(DAY)).removed, 0);
      await holds(store, id, noise(100));
    },
  },
  {
    name: '[AT6] a sweep that finds no root at all refuses, and removes nothing',
    run: async ({ store, factory, sweep, pass }) => {
      equal(counts(await sweep(0)), ['NothingToDo', 0, 0, 0, 0]);
      const session = await Author.create(factory);
      const { id } = await store.put(noise(100), TEXT, { sessionId: 'session' });
      equal(counts(await sweep(0)), ['NothingToDo', 1, 1, 0, 0]);
      await session.store.takeLease();
      await pass(YEAR);
      equal(counts(await sweep(0)), ['Refused', 0, 1, 0, 0]);
      await holds(store, id, noise(100));
    },
  },
  {
    name: '[AT6] deleting a session takes the bytes that only it referred to, at any age',
    run: async (context) => {
      const { store, factory } = context;
      const shared = await anchor(context);
      const [own, wanted, loose] = await Promise.all(
        [1, 2, 3].map((seed) => store.put(noise(9, seed), TEXT)),
      );
      ok(own !== undefined && wanted !== undefined && loose !== undefined, 'three were put');
      await commit(await Author.create(factory, 'deleted'), shows(shared, own, wanted));
      await Author.create(factory, 'other');
      await store.put(noise(9, 2), TEXT, { sessionId: 'other' });
      await factory.delete('deleted');
      await rejects(store.get(own.id), 'AttachmentNotFound');
      const left = (await store.list()).items.map((item) => [item.ref.id, item.adopted]);
      equal(Object.fromEntries(left), { [shared.id]: true, [wanted.id]: false, [loose.id]: false });
      await factory.delete('anchor');
      await rejects(store.get(shared.id), 'AttachmentNotFound');
    },
  },
];
