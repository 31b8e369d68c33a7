import type { AttachmentRef } from '../core/attachment.ts';
import type { NodeBody } from '../core/node.ts';
import { equal, ok, rejects } from './assert.ts';
import { isStored, putText } from './attached.ts';
import { shows } from './attachment-context.ts';
import { Author } from './author.ts';
import { orphansOf, type StoreCase, unchangedBy } from './store-context.ts';

const NOW = { keepYoungerThanMs: 0 };

/** A body for each place that may name an attachment. */
function bodiesThatName(attachment: AttachmentRef): readonly NodeBody[] {
  const said = (part: object): NodeBody =>
    ({ kind: 'conversation', message: { role: 'user', parts: [part] } }) as NodeBody;
  const call = { callId: 'c', tool: 't', args: null, durationMs: 1 };
  const done = { status: 'success', value: null } as const;
  return [
    said({ type: 'image', attachment }),
    said({ type: 'file', attachment }),
    said({ type: 'text', text: '', overflow: attachment }),
    said({ type: 'reasoning', text: '', overflow: attachment }),
    said({ type: 'tool-call', callId: 'c', tool: 't', args: null, overflow: attachment }),
    { kind: 'tool', invocation: { ...call, outcome: done, overflow: attachment } },
    { kind: 'tool', invocation: { ...call, outcome: { ...done, overflow: attachment } } },
    { kind: 'tool', invocation: { ...call, outcome: { ...done, attachments: [attachment] } } },
  ];
}

/** Commits a message with these files below the leaf. */
async function show(author: Author, ...files: readonly AttachmentRef[]): Promise<void> {
  const { leaf } = (await author.store.load({ kind: 'head' })).head;
  await author.commit({ kind: 'append', parentId: leaf, nodes: [shows(...files)] });
}

/** Law ST11 at the session store: what a commit adopts, and what no sweep takes. */
export const storeAdoptionCases: readonly StoreCase[] = [
  {
    name: '[ST11] a commit that names bytes that are not stored is AttachmentNotFound, and nothing changes',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const stored = await putText(attachments, 'stored', 'session');
      const attachmentId = 'f'.repeat(64);
      const missing = { id: attachmentId, mime: 'text/plain', byteLength: 4 };
      await unchangedBy(author.store, async () => {
        for (const body of bodiesThatName(missing)) {
          const nodes = [shows(stored), { createdAt: 1, body }];
          const commit = author.commit({ kind: 'append', parentId: 'op-1.0', nodes });
          await rejects(commit, 'AttachmentNotFound', { attachmentId });
        }
      });
      equal(
        (await attachments.list()).items.map((item) => item.adopted),
        [false],
      );
    },
  },
  {
    name: '[ST11] a commit adopts what its nodes name, wherever they name it, and no sweep takes it',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const refs: AttachmentRef[] = [];
      for (const index of bodiesThatName({ id: '', mime: '', byteLength: 0 }).keys()) {
        const ref = await putText(attachments, `number ${index}`);
        const body = bodiesThatName(ref)[index];
        if (body === undefined) continue;
        refs.push(ref);
        const { leaf } = (await author.store.load({ kind: 'head' })).head;
        await author.commit({ kind: 'append', parentId: leaf, nodes: [{ createdAt: 1, body }] });
      }
      const { attachments: sweep } = await author.store.gcUnreachable(NOW);
      equal([sweep.status, sweep.kept, sweep.removed], ['NothingToDo', refs.length, 0]);
      for (const ref of refs) ok(await isStored(attachments, ref), `${ref.id} is gone`);
      const { items } = await attachments.list();
      equal([items.length, items.every((item) => item.adopted)], [refs.length, true]);
    },
  },
  {
    name: '[ST10] a sweep of one kind leaves the other kind alone, and asks whether the session lives',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const save = (body: string): Promise<unknown> =>
        author.commit({ kind: 'unchanged' }, { checkpoint: { state: { version: 1, body } } });
      const removedBy = async (only: 'components' | 'attachments'): Promise<readonly number[]> => {
        const { components, attachments: sweep } = await author.store.gcUnreachable({ ...NOW, only });
        return [components.removed, sweep.removed];
      };
      await show(author, await putText(attachments, 'shown', 'session'));
      const spare = await putText(attachments, 'spare');
      for (const body of ['old', 'new']) await save(body);
      equal(await removedBy('components'), [1, 0]);
      ok(await isStored(attachments, spare), 'the attachment was removed too');
      await save('newer');
      equal(await removedBy('attachments'), [0, 1]);
      equal(await removedBy('components'), [1, 0]);
      await factory.delete('session');
      for (const only of ['components', 'attachments'] as const)
        await rejects(author.store.gcUnreachable({ only }), 'SessionDeleted', { sessionId: 'session' });
    },
  },
  {
    name: '[ST11] an inventory counts what a session refers to, each attachment once',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const [one, two] = [await putText(attachments, '12345'), await putText(attachments, '123')];
      await show(author, one, two, one);
      await show(author, one);
      await putText(attachments, 'not referred to');
      const inventory = await author.store.inventory();
      equal([inventory.attachments, inventory.attachmentBytes], [2, 8]);
    },
  },
  {
    name: '[ST10] a sweep removes what nobody refers to, once it is old enough',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const [kept, loose] = [await putText(attachments, 'kept'), await putText(attachments, 'loose')];
      await show(author, kept);
      equal((await author.store.gcUnreachable()).status, 'NothingToDo');
      ok(await isStored(attachments, loose), 'age delays a deletion');
      const report = await author.store.gcUnreachable(NOW);
      equal(report.status, 'Swept');
      equal(report.attachments, { status: 'Swept', roots: 1, kept: 1, removed: 1, removedBytes: 5 });
      equal([await isStored(attachments, kept), await isStored(attachments, loose)], [true, false]);
      equal(await attachments.totalBytes(), 4);
      equal((await author.store.gcUnreachable(NOW)).status, 'NothingToDo');
    },
  },
  {
    name: '[ST10] a sweep that finds no reference while there are attachments refuses, and removes nothing',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      equal((await author.store.gcUnreachable(NOW)).status, 'NothingToDo');
      const ref = await putText(attachments, 'loose');
      const { status, attachments: sweep } = await author.store.gcUnreachable(NOW);
      equal([status, sweep.status, sweep.roots, sweep.removed], ['Refused', 'Refused', 0, 0]);
      ok(await isStored(attachments, ref), 'a sweep that sees nothing must not delete');
    },
  },
  {
    name: '[ST10] a sweep that was stopped is Incomplete and removes nothing, and the next one goes on',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      await show(author, await putText(attachments, 'a root'));
      const loose = await putText(attachments, 'loose');
      const stopped = await author.store.gcUnreachable({ ...NOW, signal: AbortSignal.abort() });
      equal([stopped.status, stopped.attachments.removed], ['Incomplete', 0]);
      ok(await isStored(attachments, loose), 'it was removed all the same');
      equal((await author.store.gcUnreachable(NOW)).status, 'Swept');
      equal(await isStored(attachments, loose), false);
    },
  },
  {
    name: '[AT6] [ST10] what was put for a session stays while its commit can still come, at any age',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      await show(author, await putText(attachments, 'a root'));
      const ref = await putText(attachments, 'on its way', 'session');
      equal((await author.store.gcUnreachable(NOW)).attachments.removed, 0);
      ok(await isStored(attachments, ref), 'the intent was ignored');
      await show(author, ref);
      await author.store.takeLease();
      equal((await author.store.gcUnreachable(NOW)).attachments.removed, 0);
      ok(await isStored(attachments, ref), 'a committed reference lost its bytes');
    },
  },
  {
    name: '[AT6] what was put for a session goes once another writer took over, or the session is deleted',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      await show(author, await putText(attachments, 'a root'));
      const fenced = await putText(attachments, 'fenced', 'session');
      const orphaned = await putText(attachments, 'orphaned', 'other');
      await author.store.takeLease();
      await author.store.gcUnreachable(NOW);
      equal([await isStored(attachments, fenced), await isStored(attachments, orphaned)], [false, true]);
      await factory.delete('other');
      await rejects(other.store.load({ kind: 'head' }), 'SessionDeleted');
      await author.store.gcUnreachable(NOW);
      equal(await isStored(attachments, orphaned), false);
    },
  },
  {
    name: '[AT7] put, commit and sweep at once: a committed reference has its bytes',
    run: async ({ factory, attachments, reopen }) => {
      const keeper = await Author.create(factory, 'keeper');
      await show(keeper, await putText(attachments, 'a root'));
      const sweeper = await (await reopen()).open('keeper', { kind: 'open' });
      for (let round = 0; round < 20; round++) {
        const author = await Author.create(factory, `session ${round}`);
        const ref = await putText(attachments, `bytes ${round}`);
        const [committed] = await Promise.all([
          tryShow(author, ref),
          sweeper.gcUnreachable(NOW),
          putText(attachments, `bytes ${round}`),
          sweeper.gcUnreachable(NOW),
        ]);
        if (committed) ok(await isStored(attachments, ref), `round ${round}: the bytes are gone`);
      }
    },
  },
  {
    name: '[ST9] vacuum gives up what the removed nodes referred to; what others refer to stays',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const [shared, own] = [await putText(attachments, 'shared'), await putText(attachments, 'own')];
      await author.say('a');
      await show(author, shared, own);
      await author.branch('op-1.0');
      await show(author, shared);
      await author.store.tombstoneNodes(await orphansOf(author.store));
      await author.store.gcUnreachable(NOW);
      ok(await isStored(attachments, own), 'tombstoned nodes are still on disk');
      await author.store.vacuum();
      equal((await author.store.gcUnreachable(NOW)).attachments.removed, 1);
      equal([await isStored(attachments, shared), await isStored(attachments, own)], [true, false]);
    },
  },
  {
    name: '[ST12] deleting a session takes the attachments along that only it referred to',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const other = await Author.create(factory, 'other');
      const [own, shared, meant] = [
        await putText(attachments, 'own', 'session'),
        await putText(attachments, 'shared', 'session'),
        await putText(attachments, 'meant', 'session'),
      ];
      await show(author, own, shared, meant);
      await show(other, shared);
      await putText(attachments, 'meant', 'other');
      await factory.delete('session');
      equal(await Promise.all([own, shared, meant].map((ref) => isStored(attachments, ref))), [
        false,
        true,
        true,
      ]);
      await show(other, meant);
      ok(await isStored(attachments, meant), 'the intent of another session was ignored');
    },
  },
  {
    name: '[ST4] a replayed operation adopts nothing again, and asks for no bytes',
    run: async ({ factory, attachments }) => {
      const author = await Author.create(factory);
      const ref = await putText(attachments, 'bytes');
      const request = await author.request({ kind: 'append', parentId: null, nodes: [shows(ref)] });
      await author.store.commit(request);
      equal((await author.store.commit(request)).replayed, true);
      await author.branch(null);
      await author.store.tombstoneNodes(['op-1.0']);
      await author.store.vacuum();
      await show(author, await putText(attachments, 'a root'));
      equal((await author.store.gcUnreachable(NOW)).attachments.removed, 1);
      equal(await isStored(attachments, ref), false);
    },
  },
];

/** Whether the message was committed. @throws whatever is not the refusal of bytes that are gone */
async function tryShow(author: Author, ref: AttachmentRef): Promise<boolean> {
  const [result] = await Promise.allSettled([show(author, ref)]);
  if (result.status === 'fulfilled') return true;
  await rejects(Promise.reject(result.reason as Error), 'AttachmentNotFound');
  return false;
}
