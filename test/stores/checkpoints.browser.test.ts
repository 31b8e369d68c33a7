import { describe, expect, test, vi } from 'vitest';

import type { Checkpoint, CheckpointChange } from '../../src/contract/checkpoint.ts';
import type { CommitReceipt, GraphChange, SessionStore } from '../../src/contract/store.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author } from '../../src/testing/author.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

type StoredRow = Readonly<Record<string, unknown>>;

async function rowsOf(name: string, store: string): Promise<readonly StoredRow[]> {
  const rows = JSON.parse(await dumpRows(name)) as [string, StoredRow[]][];
  return rows.find(([one]) => one === store)?.[1] ?? [];
}

async function checkpointOf(
  store: SessionStore,
  leaf?: string | null,
): Promise<Checkpoint | null | undefined> {
  const scope = {
    kind: 'path',
    limit: 1,
    checkpoint: true,
    ...(leaf === undefined ? {} : { leaf }),
  } as const;
  return (await store.load(scope)).checkpoint;
}

function save(author: Author, change: GraphChange, checkpoint: CheckpointChange): Promise<CommitReceipt> {
  return author.commit(change, { checkpoint });
}

const plan = { version: 1, body: { steps: ['a', 'b'] } };

describe('checkpoints in IndexedDB', () => {
  test('[ST10] a damaged one may name any component: a sweep keeps them all, and fails by its place', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      const put = (body: string): CheckpointChange => ({ plan: { version: 1, body } });
      await save(author, appends(null, ['a']), put('replaced'));
      await save(author, { kind: 'unchanged' }, put('kept'));
      await save(author, appends('op-1.0', ['b']), put('unknown'));
      await damage(name, (store) => {
        editRow(store('checkpoints'), ['session', 0, 1, 3], (row) => ({ ...row, components: { plan: 7 } }));
      });
      const { components } = await author.store.gcUnreachable({ only: 'components' });
      expect(components).toMatchObject({ status: 'Failed', roots: 1, kept: 3, removed: 0 });
      expect(components.error?.message).toContain('the checkpoint at depth 1 of chain 0');
      await damage(name, (store) => store('checkpoints').delete(['session', 0, 1, 3]));
      const { components: again } = await author.store.gcUnreachable({ only: 'components' });
      expect(again).toMatchObject({ status: 'Swept', roots: 1, kept: 1, removed: 2 });
    }));

  test('[CP1] a body is stored once in a session, under whatever names and however often', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await save(author, appends(null, ['a']), { plan, copy: { version: 1, body: { steps: ['a', 'b'] } } });
      await save(author, appends('op-1.0', ['b']), { plan, other: { version: 2, body: plan.body } });
      expect(await rowsOf(name, 'components')).toHaveLength(2);
      expect(await rowsOf(name, 'checkpoints')).toHaveLength(2);
      const found = await checkpointOf(author.store);
      expect(found).toMatchObject({ nodeId: 'op-2.0', components: { plan, other: { version: 2 } } });
      const { id } = found!.components['plan']!;
      await save(author, { kind: 'unchanged' }, { again: { id } });
      expect(await checkpointOf(author.store)).toEqual({
        nodeId: 'op-2.0',
        components: { again: { id, ...plan } },
      });
      expect(await rowsOf(name, 'components')).toHaveLength(2);
    }));

  test('[CP2] a component that is not stored is refused, and nothing is written', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const before = await dumpRows(name);
      const componentId = '0'.repeat(64);
      await rejects(
        save(author, appends('op-1.0', ['b']), { plan, other: { id: componentId } }),
        'ComponentNotFound',
        { sessionId: 'session', componentId },
      );
      await rejects(save(author, { kind: 'branch', leaf: null }, { plan }), 'InvalidInput');
      expect(await dumpRows(name)).toBe(before);
    }));

  test('[CP3] what holds at a node is the last checkpoint on its path, across chains and not beside it', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      const at = (mark: string): CheckpointChange => ({ mark: { version: 0, body: mark } });
      const markAt = async (leaf: string | null): Promise<unknown> =>
        (await checkpointOf(author.store, leaf))?.components['mark']?.body ?? null;
      await author.say('a', 'b');
      await save(author, appends('op-1.1', ['c']), at('c'));
      await author.sayBelow('op-2.0', 'd', 'e');
      await save(author, appends('op-3.0', ['x']), at('x'));
      await author.sayBelow('op-4.0', 'y');
      await author.sayBelow('op-2.0', 'z');
      await save(author, { kind: 'branch', leaf: 'op-1.0' }, at('late'));
      const leaves = ['op-1.0', 'op-1.1', 'op-2.0', 'op-3.1', 'op-4.0', 'op-5.0', 'op-6.0'];
      const marks = await Promise.all(leaves.map(markAt));
      expect(marks).toEqual(['late', 'late', 'c', 'c', 'x', 'x', 'c']);
      expect(await markAt(null)).toBeNull();
    }));

  test('[ST19] a session without checkpoints pays one row for being asked', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      for (let fork = 0; fork < 9; fork++) await author.sayBelow(`op-${fork + 1}.0`, 'b', 'c');
      const cost = async (checkpoint: boolean): Promise<number> => {
        const before = factory.counters.rowsRead;
        await author.store.load({ kind: 'path', limit: 1, checkpoint });
        return factory.counters.rowsRead - before;
      };
      expect(await cost(true)).toBe(await cost(false));
      expect(await checkpointOf(author.store)).toBeNull();
    }));

  test('[ST4] the same checkpoint is the same operation, by body or by id; another one is a conflict', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']), { checkpoint: { plan } });
      await author.store.commit(request);
      const before = await dumpRows(name);
      const id = (await checkpointOf(author.store))!.components['plan']!.id;
      expect((await author.store.commit(request)).replayed).toBe(true);
      expect((await author.store.commit({ ...request, checkpoint: { plan: { id } } })).replayed).toBe(true);
      const other = { ...request, checkpoint: { plan: { ...plan, version: 2 } } };
      await rejects(author.store.commit(other), 'OperationConflict');
      const { checkpoint: _checkpoint, ...without } = request;
      await rejects(author.store.commit(without), 'OperationConflict');
      expect(await dumpRows(name)).toBe(before);
    }));

  test('[ST6] a checkpoint that cannot be read whole is corrupt, and the path without it is not', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await save(author, appends(null, ['a']), { plan });
      const [component] = await rowsOf(name, 'components');
      const [row] = await rowsOf(name, 'checkpoints');
      const key = ['session', String(component?.['id'])];
      const data = { sessionId: 'session', nodeId: 'op-1.0' };
      const corrupt = async (): Promise<unknown> =>
        (await rejects(checkpointOf(author.store), 'StoredDataCorrupt')).data;
      await damage(name, (store) =>
        editRow(store('components'), key, (one) => ({ ...one, body: '{"steps' })),
      );
      expect(await corrupt()).toMatchObject(data);
      await damage(name, (store) => store('components').delete(key));
      expect(await corrupt()).toMatchObject(data);
      await damage(name, (store) => store('checkpoints').put({ ...row, components: { plan: 7 } }));
      expect(await corrupt()).toMatchObject({ ...data, nodeId: null });
      expect(await author.texts()).toEqual(['a']);
    }));
});

describe('[ST11] attachments are adopted in the transaction of the commit', () => {
  const image = (attachment: {
    readonly id: string;
    readonly mime: string;
    readonly byteLength: number;
  }): NodeDraft => ({
    createdAt: 5,
    body: { kind: 'conversation', message: { role: 'user', parts: [{ type: 'image', attachment }] } },
  });

  test('a reference is written with the nodes, and bytes that are not there refuse the commit whole', () =>
    withDatabase(async ({ name, database, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const attachments = new IndexedDbAttachmentStore(database);
      const ref = await attachments.put(
        new Uint8Array([1, 2, 3]),
        { mime: 'image/png' },
        { sessionId: 'session' },
      );
      const nodes = [image(ref), image(ref)];
      await author.commit({ kind: 'append', parentId: 'op-1.0', nodes });
      expect(await rowsOf(name, 'references')).toEqual([
        { id: ref.id, sessionId: 'session', operationId: 'op-2' },
      ]);
      const receipts = await rowsOf(name, 'receipts');
      expect(receipts).toMatchObject([
        { attachments: [], at: 1 },
        { attachments: [ref.id], at: 5 },
      ]);
      const before = await dumpRows(name);
      const lost = { id: 'f'.repeat(64), mime: 'image/png', byteLength: 9 };
      const change = { kind: 'append', parentId: 'op-2.1', nodes: [image(ref), image(lost)] } as const;
      await rejects(author.commit(change), 'AttachmentNotFound', { attachmentId: lost.id });
      expect(await dumpRows(name)).toBe(before);
    }));

  test('a commit that names none opens no more than it writes', () =>
    withDatabase(async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const request = await author.request(appends('op-1.0', ['b']));
      const opened = vi.spyOn(IDBDatabase.prototype, 'transaction');
      await author.store.commit(request);
      expect(opened.mock.calls.map(([stores]) => stores)).toEqual([['heads', 'receipts', 'segments']]);
      opened.mockRestore();
    }));
});
