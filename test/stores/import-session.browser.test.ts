import { afterEach, describe, expect, test, vi } from 'vitest';

import type { StoreOpenMode } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { rejects } from '../../src/testing/assert.ts';
import { putText } from '../../src/testing/attached.ts';
import { Author, says, TEST_POLICY } from '../../src/testing/author.ts';
import { abortTransaction, forEachTransaction } from './maintenance-bench.ts';
import { dumpRows, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

const MODE: Extract<StoreOpenMode, { readonly kind: 'create' }> = {
  kind: 'create',
  title: 'Imported',
  policy: TEST_POLICY,
  at: 1000,
};

describe('[ST13] an import', () => {
  test('that is published by its last transaction shows with the leaf that was asked for, and not before', () =>
    withDatabase(async ({ factory, connect }) => {
      const other = new IndexedDbSessionStoreFactory(connect());
      await Author.create(factory, 'another');
      const { store, publish } = await bind(factory);
      const author = new Author(store);
      await author.say('a', 'b', 'c');
      await author.say('d');
      for (const one of [factory, other]) {
        await rejects(one.open('session', { kind: 'open' }), 'SessionNotFound');
        await rejects(one.open('session', MODE), 'SessionExists');
        await rejects(one.beginImport('session', MODE), 'SessionExists');
        await rejects(one.delete('session'), 'SessionNotFound');
        expect((await one.list({})).items.map(({ sessionId }) => sessionId)).toEqual(['another']);
        expect(await one.finishDeletions()).toEqual([]);
      }
      await rejects(publish('op-9.0'), 'NodeNotFound');
      await rejects(other.open('session', { kind: 'open' }), 'SessionNotFound');
      await publish('op-1.1');
      const published = new Author(await other.open('session', { kind: 'open' }));
      expect(await published.texts()).toEqual(['a', 'b']);
      expect((await other.list({})).items).toHaveLength(2);
      await rejects(publish(null), 'SessionExists');
      expect(await other.leases.isHeld('session')).toBe(false);
    }));

  test('stays shown whatever its own handle writes after it was published', () =>
    withDatabase(async ({ factory }) => {
      const { store, publish } = await bind(factory);
      const author = new Author(store);
      await author.say('a');
      const [leaf = ''] = await author.say('b');
      const late = await author.request({ kind: 'append', parentId: leaf, nodes: [says('late')] });
      await publish(leaf);
      await rejects(store.commit(late), 'HeadRevisionConflict');
      await author.say('c');
      const found = new Author(await factory.open('session', { kind: 'open' }));
      expect(await found.texts()).toEqual(['a', 'b', 'c']);
      await author.say('d');
      expect(await found.texts()).toEqual(['a', 'b', 'c', 'd']);
    }));

  test('keeps the attachments that it put from a sweep until it has committed them', () =>
    withDatabase(async ({ database, factory }) => {
      const attachments = new IndexedDbAttachmentStore(database);
      const owner = await Author.create(factory, 'another');
      const { store } = await bind(factory);
      const ref = await putText(attachments, 'imported', 'session');
      const { attachments: swept } = await owner.store.gcUnreachable({ keepYoungerThanMs: 0 });
      expect([swept.roots, swept.removed]).toEqual([1, 0]);
      const message = { role: 'user', parts: [{ type: 'file', attachment: ref }] } as const;
      await new Author(store).commit({
        kind: 'append',
        parentId: null,
        nodes: [{ createdAt: 1, body: { kind: 'conversation', message } }],
      });
      await rejects(owner.store.loadNode('op-1.0'), 'NodeNotFound');
    }));

  test('that is abandoned leaves nothing but a used id, also when the worker ended', () =>
    withDatabase(async ({ database, name, factory, connect }) => {
      const attachments = new IndexedDbAttachmentStore(database);
      const expected: string[] = [];
      for (const sessionId of ['a', 'b']) {
        const { store, abandon } = await bind(factory, sessionId);
        await putText(attachments, sessionId, sessionId);
        await new Author(store).say('x', 'y');
        const lost = vi.spyOn(factory.leases, 'isHeld').mockResolvedValue(false);
        const finished = sessionId === 'a' ? await abandon() : await factory.finishDeletions();
        expect(finished).toEqual(sessionId === 'a' ? undefined : ['b']);
        lost.mockRestore();
        await rejects(store.load({ kind: 'head' }), 'SessionDeleted');
        expected.push(sessionId);
        const rows = JSON.parse(await dumpRows(name)) as readonly [string, readonly unknown[]][];
        const left = rows.filter(([at, found]) => at !== 'database' && found.length > 0);
        expect(left).toEqual([['heads', expected.map((id) => ({ sessionId: id, kind: 'deleted' }))]]);
      }
      await rejects(
        new IndexedDbSessionStoreFactory(connect()).open('a', { kind: 'open' }),
        'SessionDeleted',
      );
    }));

  test('whose worker ended at any transaction is removed, or was published whole', async () => {
    const outcomes: string[] = [];
    await forEachTransaction(async (number) => {
      let more = false;
      await withDatabase(async ({ factory, connect }) => {
        await factory.list({});
        const run = async (): Promise<void> => {
          const { store, publish } = await bind(factory);
          const author = new Author(store);
          await author.say('a');
          await author.say('b');
          await author.say('c');
          await publish('op-2.0');
        };
        let ended = '';
        more = await abortTransaction(number, async () => {
          ended = await run().then(() => 'done', codeOf);
        });
        expect(ended).toBe(more ? 'StorageUnavailable' : 'done');
        const other = new IndexedDbSessionStoreFactory(connect());
        vi.spyOn(other.leases, 'isHeld').mockResolvedValue(false);
        const finished = await other.finishDeletions();
        const opening = other.open('session', { kind: 'open' });
        const found = await opening.then(async (store) => (await new Author(store).texts()).join(), codeOf);
        expect((await other.list({})).items).toHaveLength(more ? 0 : 1);
        outcomes.push(`${finished.join()} ${found}`);
      });
      return more;
    });
    const [first, ...rest] = outcomes;
    expect(first).toBe(' SessionNotFound');
    expect(rest.pop()).toBe(' a,b');
    expect(rest.length).toBeGreaterThan(4);
    expect(new Set(rest)).toEqual(new Set(['session SessionDeleted']));
  });
});

function codeOf(error: unknown): string {
  return isLashError(error) ? error.code : String(error);
}

/** An import with its methods taken off it. */
async function bind(
  factory: IndexedDbSessionStoreFactory,
  sessionId = 'session',
): Promise<{
  readonly store: Awaited<ReturnType<IndexedDbSessionStoreFactory['beginImport']>>['store'];
  readonly publish: (leaf: string | null) => Promise<void>;
  readonly abandon: () => Promise<void>;
}> {
  const hidden = await factory.beginImport(sessionId, MODE);
  return {
    store: hidden.store,
    publish: (leaf) => hidden.publish(leaf),
    abandon: () => hidden.abandon(),
  };
}
