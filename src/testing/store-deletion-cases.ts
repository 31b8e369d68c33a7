import type { SessionStoreFactory } from '../contract/store.ts';
import { LashError } from '../core/error.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, createMode } from './author.ts';
import { everyCall, orphansOf, type StoreCase, unchangedBy } from './store-context.ts';

async function listed(factory: SessionStoreFactory): Promise<readonly string[]> {
  return (await factory.list({})).items.map((item) => item.sessionId);
}

/** A session with everything that a session can have besides attachments. */
async function full(factory: SessionStoreFactory, sessionId: string): Promise<Author> {
  const author = await Author.create(factory, sessionId);
  await author.commit(appends(null, ['a', 'b']), { checkpoint: { state: { version: 1, body: 'state' } } });
  for (let branch = 0; branch < 4; branch++) await author.sayBelow('op-1.0', `branch ${branch}`);
  await author.store.pin('op-1.1');
  await author.store.tombstoneNodes(['op-2.0']);
  return author;
}

/** Law ST12: deletion is permanent, fences every handle, and can be gone on with. */
export const storeDeletionCases: readonly StoreCase[] = [
  {
    name: '[ST12] a deleted session refuses every call of every handle, also after the deletion is finished',
    run: async ({ factory, reopen }) => {
      const author = await full(factory, 'session');
      const tab = await reopen();
      const other = await tab.open('session', { kind: 'open' });
      await tab.delete('session');
      for (const finish of [false, true]) {
        if (finish) await factory.finishDeletions();
        for (const store of [author.store, other]) {
          for (const call of everyCall(store))
            await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
        }
        await rejects(factory.beginImport('session', createMode()), 'SessionDeleted');
      }
    },
  },
  {
    name: '[ST12] a session with everything in it is deleted, and others like it stay as they are',
    run: async ({ factory }) => {
      const authors = [await full(factory, 's'), await full(factory, 's\u0000'), await full(factory, 'sa')];
      const [doomed, ...others] = authors;
      if (doomed === undefined) return;
      await unchangedBy(others[0]?.store ?? doomed.store, () =>
        unchangedBy(others[1]?.store ?? doomed.store, () => factory.delete('s')),
      );
      for (const { store } of others) {
        equal((await orphansOf(store)).length, 2);
        equal((await store.inventory()).pins, ['op-1.1']);
      }
      equal((await listed(factory)).toSorted(), ['s\u0000', 'sa']);
      equal(await factory.finishDeletions(), []);
    },
  },
  {
    name: '[ST12] a session of many rows is deleted whole',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      for (let commit = 0; commit < 130; commit++) await author.say(`message ${commit}`);
      await factory.delete('session');
      equal([await listed(factory), await (await reopen()).finishDeletions()], [[], []]);
    },
  },
  {
    name: '[ST12] what else is to be deleted comes after the fence, with the session hidden',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const seen: unknown[] = [];
      await factory.delete('session', {
        alsoDelete: async (sessionId) => {
          seen.push(sessionId, await listed(factory));
          await rejects(author.say('late'), 'SessionDeleted');
          await rejects(factory.open('session', { kind: 'open' }), 'SessionDeleted');
        },
      });
      equal(seen, ['session', []]);
      equal(await factory.finishDeletions(), []);
    },
  },
  {
    name: '[ST12] a deletion that could not end is hidden all the same, and is gone on with',
    run: async ({ factory, reopen }) => {
      const author = await full(factory, 'session');
      const fails = async (): Promise<void> => {
        throw new LashError('StorageUnavailable', 'not now', { database: 'other', reason: 'not now' });
      };
      await rejects(factory.delete('session', { alsoDelete: fails }), 'StorageUnavailable');
      equal(await listed(factory), []);
      for (const call of everyCall(author.store))
        await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
      await rejects(factory.open('session', createMode()), 'SessionDeleted');
      const tab = await reopen();
      const asked: string[] = [];
      const alsoDelete = async (sessionId: string): Promise<void> => void asked.push(sessionId);
      equal(await tab.finishDeletions({ alsoDelete }), ['session']);
      equal(await tab.finishDeletions({ alsoDelete }), []);
      equal(asked, ['session']);
      await rejects(factory.open('session', createMode()), 'SessionDeleted');
    },
  },
  {
    name: '[ST12] deleting a session twice, also at once, is fine, and its id stays used',
    run: async ({ factory, reopen }) => {
      await full(factory, 'session');
      const tab = await reopen();
      await Promise.all([factory.delete('session'), tab.delete('session')]);
      await tab.delete('session');
      for (const one of [factory, tab]) {
        await rejects(one.open('session', createMode()), 'SessionDeleted', { sessionId: 'session' });
        await rejects(one.open('session', { kind: 'open' }), 'SessionDeleted', { sessionId: 'session' });
      }
      equal(await tab.finishDeletions(), []);
    },
  },
  {
    name: '[ST12] a deletion is gone on with, whoever still holds the lease of the session',
    run: async ({ factory, reopen }) => {
      await full(factory, 'session');
      const lease = await factory.leases.acquire('session');
      const fails = async (): Promise<void> => {
        throw new LashError('StorageUnavailable', 'not now', { database: 'other', reason: 'not now' });
      };
      await rejects(factory.delete('session', { alsoDelete: fails }), 'StorageUnavailable');
      await rejects(factory.beginImport('session', createMode()), 'SessionDeleted');
      equal(await (await reopen()).finishDeletions(), ['session']);
      await lease?.release();
    },
  },
  {
    name: '[ST12] of maintenance and a deletion at once, the deletion wins',
    run: async ({ factory, reopen }) => {
      const author = await full(factory, 'session');
      const other = await (await reopen()).open('session', { kind: 'open' });
      const others = [other.vacuum(), other.pin('op-1.0'), other.gcUnreachable(), other.takeLease()];
      const results = await Promise.allSettled([factory.delete('session'), ...others]);
      equal(results[0].status, 'fulfilled');
      for (const result of results) {
        if (result.status === 'rejected')
          await rejects(Promise.reject(result.reason as Error), 'SessionDeleted');
      }
      await rejects(author.store.inventory(), 'SessionDeleted');
      equal(await factory.finishDeletions(), []);
    },
  },
];

/** Law ST13: an import shows when it is complete, or never. */
export const storeImportCases: readonly StoreCase[] = [
  {
    name: '[ST13] a session that is being imported is hidden, and its id is taken',
    run: async ({ factory, reopen }) => {
      const { store } = await factory.beginImport('session', createMode());
      await new Author(store).say('a', 'b');
      for (const one of [factory, await reopen()]) {
        equal(await listed(one), []);
        await rejects(one.open('session', { kind: 'open' }), 'SessionNotFound', { sessionId: 'session' });
        await rejects(one.delete('session'), 'SessionNotFound', { sessionId: 'session' });
        await rejects(one.open('session', createMode()), 'SessionExists', { sessionId: 'session' });
        await rejects(one.beginImport('session', createMode()), 'SessionExists', { sessionId: 'session' });
      }
      equal(await new Author(store).texts(), ['a', 'b']);
    },
  },
  {
    name: '[ST13] publishing shows it whole, with the leaf that was asked for',
    run: async ({ factory, reopen }) => {
      const begun = await factory.beginImport('session', createMode('Imported', 7000));
      const author = new Author(begun.store);
      await author.say('a', 'b', 'c');
      await author.sayBelow('op-1.0', 'x');
      await author.store.pin('op-1.2');
      await begun.publish('op-1.1');
      const again = new Author(await (await reopen()).open('session', { kind: 'open' }));
      equal(await again.texts(), ['a', 'b']);
      equal(await again.texts('op-2.0'), ['a', 'x']);
      const { pins, nodes } = await again.store.inventory();
      equal([pins, nodes, await orphansOf(again.store)], [['op-1.2'], 4, ['op-2.0']]);
      const { head } = await again.store.load({ kind: 'head' });
      equal([head.leaf, head.depth], ['op-1.1', 2]);
      const { title, createdAt } = await again.store.loadSessionMeta();
      equal([title, createdAt, await listed(factory)], ['Imported', 7000, ['session']]);
      await again.commit(appends('op-1.1', ['d']), { operationId: 'after the import' });
      equal(await again.texts(), ['a', 'b', 'd']);
      equal(await factory.finishDeletions(), []);
    },
  },
  {
    name: '[ST13] an import can be published without a leaf',
    run: async ({ factory }) => {
      const begun = await factory.beginImport('session', createMode());
      await new Author(begun.store).say('a');
      await begun.publish(null);
      const author = new Author(await factory.open('session', { kind: 'open' }));
      equal([await author.texts(), await orphansOf(author.store)], [[], ['op-1.0']]);
    },
  },
  {
    name: '[ST5] publishing with a leaf that is not stored is NodeNotFound, and it stays hidden',
    run: async ({ factory }) => {
      const begun = await factory.beginImport('session', createMode());
      await new Author(begun.store).say('a');
      for (const nodeId of ['nobody.0', 'op-1.1', ''])
        await rejects(begun.publish(nodeId), 'NodeNotFound', { sessionId: 'session', nodeId });
      equal(await listed(factory), []);
      await begun.publish('op-1.0');
      equal(await listed(factory), ['session']);
    },
  },
  {
    name: '[ST13] an import that is abandoned leaves nothing that shows',
    run: async ({ factory, reopen }) => {
      const begun = await factory.beginImport('session', createMode());
      const author = new Author(begun.store);
      for (let commit = 0; commit < 5; commit++) await author.say(`message ${commit}`);
      await begun.abandon();
      const tab = await reopen();
      equal([await listed(tab), await tab.finishDeletions()], [[], []]);
      for (const call of everyCall(begun.store))
        await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
      const [opened] = await Promise.allSettled([tab.open('session', { kind: 'open' })]);
      ok(opened.status === 'rejected', 'it can be opened');
    },
  },
  {
    name: '[ST13] an import is published once: after that it is not abandoned, and what was abandoned is not published',
    run: async ({ factory }) => {
      const begun = await factory.beginImport('session', createMode());
      await begun.publish(null);
      await rejects(begun.publish(null), 'SessionExists', { sessionId: 'session' });
      await begun.abandon();
      equal(await listed(factory), ['session']);
      const other = await factory.beginImport('other', createMode());
      await other.abandon();
      await rejects(other.publish(null), 'SessionDeleted', { sessionId: 'other' });
      equal(await listed(factory), ['session']);
    },
  },
  {
    name: '[LE1] whoever imports a session holds its lease, and that of no other session, whatever that is called',
    run: async ({ factory, reopen }) => {
      const tab = await reopen();
      const writer = await tab.leases.acquire('import:session');
      const begun = await factory.beginImport('session', createMode());
      equal(await tab.leases.acquire('session'), null);
      await rejects(tab.beginImport('session', createMode()), 'SessionExists', { sessionId: 'session' });
      await begun.publish(null);
      const lease = await tab.leases.acquire('session');
      const other = await factory.beginImport('other', createMode());
      const third = await tab.leases.acquire('import:other');
      await other.abandon();
      const fourth = await tab.leases.acquire('other');
      for (const held of [writer, lease, third, fourth]) {
        ok(held !== null, 'a lease that no import should hold is to be had');
        await held.release();
      }
    },
  },
  {
    name: '[ST13] finishing what was interrupted leaves an import alone that goes on',
    run: async ({ factory, reopen }) => {
      const begun = await factory.beginImport('session', createMode());
      await new Author(begun.store).say('a');
      for (const one of [factory, await reopen()]) equal(await one.finishDeletions(), []);
      await begun.publish('op-1.0');
      equal(await listed(factory), ['session']);
    },
  },
  {
    name: '[ST13] an import takes no id that is used, and none that cannot be one',
    run: async ({ factory }) => {
      await Author.create(factory, 'here');
      await Author.create(factory, 'gone');
      await factory.delete('gone');
      await rejects(factory.beginImport('here', createMode()), 'SessionExists', { sessionId: 'here' });
      await rejects(factory.beginImport('gone', createMode()), 'SessionDeleted', { sessionId: 'gone' });
      for (const id of ['', 'x'.repeat(129)])
        await rejects(factory.beginImport(id, createMode()), 'InvalidInput');
      equal(await listed(factory), ['here']);
    },
  },
];
