import { sha256Of } from '../contract/digest.ts';
import { isLashError } from '../core/error.ts';
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

const STEPS = ['put', 'commit', 'sweep', 'put again', 'commit again'] as const;

type Step = (typeof STEPS)[number];

/** Every order of these. */
function ordersOf<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => {
    const others = ordersOf(items.filter((_, other) => other !== at));
    return others.map((order) => [item, ...order]);
  });
}

/** Two sessions, and bytes that one of them refers to, so that a sweep is not blind. */
async function authors({ factory, store }: AttachmentStoreContext): Promise<readonly [Author, Author]> {
  const two = [await Author.create(factory, 'one'), await Author.create(factory, 'two')] as const;
  const ref = await store.put(noise(1), TEXT);
  await two[0].commit({ kind: 'append', parentId: null, nodes: [shows(ref)] });
  return two;
}

/** A commit of a new root that shows these bytes, whether or not they are stored. */
async function commit(author: Author, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const id = await sha256Of(bytes);
  const nodes = [shows({ ...TEXT, id, byteLength: bytes.length })];
  await author.commit({ kind: 'append', parentId: null, nodes });
}

/** One order, with a model of two facts: whether the bytes are stored, and whether something refers to them. */
async function runOrder(
  { store, sweep }: AttachmentStoreContext,
  [one, two]: readonly [Author, Author],
  order: readonly Step[],
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  let stored: string | undefined;
  let adopted = false;
  for (const step of order) {
    if (step === 'put' || step === 'put again') {
      stored = (await store.put(bytes, TEXT)).id;
    } else if (step === 'sweep') {
      const { removed } = await sweep(0);
      equal(removed, stored !== undefined && !adopted ? 1 : 0, `removed in ${order.join()}`);
      if (!adopted) stored = undefined;
    } else {
      const committing = commit(step === 'commit' ? one : two, bytes);
      if (stored === undefined) await rejects(committing, 'AttachmentNotFound');
      else await committing;
      adopted ||= stored !== undefined;
    }
    if (stored !== undefined) await holds(store, stored, bytes);
  }
}

/** Whether a commit went through; anything but a refusal for want of the bytes is an error. */
async function goesThrough(committing: Promise<void>): Promise<boolean> {
  try {
    await committing;
    return true;
  } catch (error) {
    if (isLashError(error, 'AttachmentNotFound')) return false;
    throw error;
  }
}

/** Whatever the order of put, commit and sweep: law AT7. */
export const attachmentOrderCases: readonly AttachmentCase[] = [
  {
    name: '[AT7] in each order of put, commit, sweep, put again, commit again: a reference has its bytes',
    run: async (context) => {
      const both = await authors(context);
      let seed = 1;
      for (const order of ordersOf(STEPS)) {
        await runOrder(context, both, order, noise(50, seed++));
        await context.sweep(0);
      }
    },
  },
  {
    name: '[AT7] when put, commit and sweep run at once, a commit has its bytes or is AttachmentNotFound',
    run: async (context) => {
      const { store, sweep, reopen } = context;
      const [one, two] = await authors(context);
      const again = await reopen();
      let seed = 1000;
      for (let round = 0; round < 20; round++) {
        const bytes = noise(50, seed++);
        const early = round % 2 === 0 ? [await store.put(bytes, TEXT)] : [];
        const [first, second, ref] = await Promise.all([
          goesThrough(commit(one, bytes)),
          goesThrough(commit(two, bytes)),
          again.put(bytes, TEXT),
          sweep(0),
          store.put(bytes, TEXT),
        ]);
        ok(
          early.every(({ id }) => id === ref.id),
          'the ids differ',
        );
        const third = await goesThrough(commit(one, bytes));
        const { items } = await store.list({ limit: 1000 });
        const shown = items.find((item) => item.ref.id === ref.id);
        equal(shown?.adopted ?? false, first || second || third);
        if (shown !== undefined) await holds(again, ref.id, bytes);
      }
    },
  },
  {
    name: '[AT7] a put for a session is safe from every sweep until its commit',
    run: async (context) => {
      const { store, sweep } = context;
      const [one] = await authors(context);
      let seed = 2000;
      for (let round = 0; round < 10; round++) {
        const bytes = noise(50, seed++);
        const [ref] = await Promise.all([store.put(bytes, TEXT, { sessionId: 'one' }), sweep(0)]);
        await Promise.all([commit(one, bytes), sweep(0)]);
        await sweep(0);
        await holds(store, ref.id, bytes);
      }
    },
  },
];
