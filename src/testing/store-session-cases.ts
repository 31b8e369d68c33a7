import type { SessionStoreFactory } from '../contract/store.ts';
import type { SessionSummary } from '../core/policy.ts';
import { equal, ok, rejects } from './assert.ts';
import { appends, Author, createMode, says, TEST_POLICY, used } from './author.ts';
import { everyCall, type StoreCase, unchangedBy } from './store-context.ts';

const ODD_IDS: readonly string[] = [
  'x'.repeat(128),
  '\u20ac'.repeat(42),
  '\u0000',
  ' ',
  '../..',
  'a/b?c#d',
  '\ud83d\ude00',
  '[]',
  '__proto__',
  'constructor',
  '"quoted"',
  'line\nbreak',
];

async function listed(factory: SessionStoreFactory, limit?: number): Promise<readonly SessionSummary[]> {
  const items: SessionSummary[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const page = await factory.list({
      ...(after === undefined ? {} : { after }),
      ...(limit === undefined ? {} : { limit }),
    });
    ok(limit === undefined || page.items.length <= limit, 'a page is too long');
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

async function ids(factory: SessionStoreFactory, limit?: number): Promise<readonly string[]> {
  return (await listed(factory, limit)).map((item) => item.sessionId);
}

/** Sessions as a whole: opening, listing, meta, closing, and deletion (law ST12). */
export const storeSessionCases: readonly StoreCase[] = [
  {
    name: '[ST3] an unknown session is SessionNotFound, and opening does not make it',
    run: async ({ factory }) => {
      const data = { sessionId: 'nobody' };
      await rejects(factory.open('nobody', { kind: 'open' }), 'SessionNotFound', data);
      await rejects(factory.open('nobody', { kind: 'open' }), 'SessionNotFound', data);
      equal(await ids(factory), []);
    },
  },
  {
    name: '[ST3] a session is created once',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const other = await reopen();
      await unchangedBy(author.store, async () => {
        await rejects(other.open('session', createMode('other', 9)), 'SessionExists', {
          sessionId: 'session',
        });
      });
      const results = await Promise.allSettled(
        [factory, other, factory].map((one) => one.open('raced', createMode())),
      );
      equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    },
  },
  {
    name: '[ST3] session ids of up to 128 bytes may hold any character and do not mix',
    run: async ({ factory, reopen }) => {
      for (const sessionId of ODD_IDS) await (await Author.create(factory, sessionId)).say(sessionId);
      const again = await reopen();
      for (const sessionId of ODD_IDS) {
        const author = new Author(await again.open(sessionId, { kind: 'open' }));
        equal([author.store.sessionId, await author.texts()], [sessionId, [sessionId]]);
      }
      equal((await ids(factory)).toSorted(), ODD_IDS.toSorted());
    },
  },
  {
    name: '[ST3] a session id that is empty or over 128 bytes is InvalidInput',
    run: async ({ factory }) => {
      for (const sessionId of ['', 'x'.repeat(129), '\u20ac'.repeat(43)]) {
        await rejects(factory.open(sessionId, createMode()), 'InvalidInput');
        await rejects(factory.open(sessionId, { kind: 'open' }), 'InvalidInput');
      }
    },
  },
  {
    name: '[ST3] a session that is created with what is not data is refused',
    run: async ({ factory }) => {
      const policy = { provider: { id: 'test', model: 'm', options: { f: (() => 1) as never } } };
      await rejects(factory.open('s', { kind: 'create', title: 't', policy, at: 1 }), 'NotData');
      await rejects(factory.open('s', createMode('t', Number.NaN)), 'InvalidInput');
      await rejects(factory.open('s', createMode(5 as never)), 'InvalidInput');
      for (const field of ['title', 'policy']) {
        for (const value of [undefined, null, 5, []])
          await rejects(factory.open('s', { ...createMode(), [field]: value }), 'InvalidInput');
      }
      equal(await ids(factory), []);
    },
  },
  {
    name: '[ST14] everything is there after the database was opened again',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.commit(appends(null, ['a', 'b']), { usage: [used(3)] });
      await author.sayBelow('op-1.0', 'c');
      await author.store.takeLease();
      const before = [await author.store.load({ kind: 'all' }), await author.store.loadSessionMeta()];
      const again = await (await reopen()).open('session', { kind: 'open' });
      equal([await again.load({ kind: 'all' }), await again.loadSessionMeta()], before);
    },
  },
  {
    name: '[ST19] a session is listed before its first commit, with what it was created with',
    run: async ({ factory }) => {
      await Author.create(factory, 'new');
      const summary = {
        sessionId: 'new',
        title: 'A session',
        createdAt: 1000,
        updatedAt: 1000,
        nodeCount: 0,
        bytes: 0,
      };
      equal(await factory.list({}), { items: [summary], next: null });
    },
  },
  {
    name: '[ST19] sessions are listed by their last change, newest first, in pages of any size',
    run: async ({ factory }) => {
      const times = [5, 3, 9, 9, 1, 9, 2, 8];
      for (const [index, at] of times.entries()) await factory.open(`s${index}`, createMode('t', at));
      const order = ['s5', 's3', 's2', 's7', 's0', 's1', 's6', 's4'];
      for (const limit of [1, 2, 3, 4, 8, 9, 500, undefined]) equal(await ids(factory, limit), order);
    },
  },
  {
    name: '[ST19] a commit moves its session up in the list, and counts its nodes and bytes there',
    run: async ({ factory }) => {
      const author = await Author.create(factory, 'old');
      await factory.open('new', createMode('t', 2000));
      equal(await ids(factory), ['new', 'old']);
      await author.commit({ kind: 'append', parentId: null, nodes: [says('a', 2500), says('b', 3000)] });
      const [first] = await listed(factory);
      const { head } = await author.store.load({ kind: 'head' });
      equal([first?.sessionId, first?.updatedAt, first?.createdAt], ['old', 3000, 1000]);
      equal([first?.nodeCount, first?.bytes], [2, head.bytes]);
      equal((await author.store.loadSessionMeta()).updatedAt, 3000);
    },
  },
  {
    name: '[ST19] a commit of older nodes does not move its session down in the list',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      await author.say('written at 1');
      await author.commit({ kind: 'unchanged' });
      equal((await author.store.loadSessionMeta()).updatedAt, 1000);
    },
  },
  {
    name: '[ST19] a page of a list that cannot be meant is InvalidInput',
    run: async ({ factory }) => {
      for (const limit of [0, -1, 501, 1.5]) await rejects(factory.list({ limit }), 'InvalidInput');
      for (const after of ['', 'x', ':', '-1:x', 'NaN:x'])
        await rejects(factory.list({ after }), 'InvalidInput');
      equal(await factory.list({ after: '99:x' }), { items: [], next: null });
    },
  },
  {
    name: '[ST3] title and policy change apart from the head: no revision moves, and no commit conflicts',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']));
      const policy = { provider: { id: 'other', model: 'm' }, maxSteps: 3 };
      const saved = await author.store.saveSessionMeta({ title: 'Renamed', at: 5000 });
      equal(saved, {
        sessionId: 'session',
        title: 'Renamed',
        createdAt: 1000,
        updatedAt: 5000,
        policy: TEST_POLICY,
      });
      equal(await author.store.saveSessionMeta({ policy, at: 6000 }), { ...saved, policy, updatedAt: 6000 });
      equal((await author.store.commit(request)).revision, 1);
      const again = await (await reopen()).open('session', { kind: 'open' });
      equal(await again.loadSessionMeta(), { ...saved, policy, updatedAt: 6000 });
      equal((await listed(factory))[0]?.title, 'Renamed');
    },
  },
  {
    name: '[ST3] meta that is not data is refused, and nothing changes',
    run: async ({ factory }) => {
      const { store } = await Author.create(factory);
      await unchangedBy(store, async () => {
        const policy = { provider: { id: 'a', model: 'b', options: { f: (() => 1) as never } } };
        await rejects(store.saveSessionMeta({ policy, at: 1 }), 'NotData');
        await rejects(store.saveSessionMeta({ title: 5 as never, at: 1 }), 'InvalidInput');
        await rejects(store.saveSessionMeta({ policy: 'x' as never, at: 1 }), 'InvalidInput');
        await rejects(store.saveSessionMeta({ title: 'x', at: Number.NaN }), 'InvalidInput');
      });
    },
  },
  {
    name: '[ST1] what a caller changes in what a session is made with is not stored, not even right after the call',
    run: async ({ factory }) => {
      const make = [
        (mode: ReturnType<typeof createMode>) => factory.open('made', mode),
        async (mode: ReturnType<typeof createMode>) =>
          (await factory.beginImport('imported', mode)).publish(null),
      ];
      for (const call of make) {
        const mode = { ...createMode('As it was'), policy: structuredClone(TEST_POLICY) };
        const made = call(mode);
        mode.title = 'Changed';
        (mode.policy as { maxSteps?: number }).maxSteps = 7;
        await made;
      }
      for (const sessionId of ['made', 'imported']) {
        const meta = await (await factory.open(sessionId, { kind: 'open' })).loadSessionMeta();
        equal([meta.title, meta.policy], ['As it was', TEST_POLICY]);
      }
    },
  },
  {
    name: '[ST1] what a caller changes in a policy that was given or loaded is not stored',
    run: async ({ factory }) => {
      const policy = { provider: { id: 'test', model: 'as it was' } };
      const store = await factory.open('s', { kind: 'create', title: 't', policy, at: 1 });
      policy.provider.model = 'changed';
      Reflect.set((await store.loadSessionMeta()).policy.provider, 'model', 'changed');
      equal((await store.loadSessionMeta()).policy.provider.model, 'as it was');
    },
  },
  {
    name: '[ST12] open handles of a deleted session get SessionDeleted from every call',
    run: async ({ factory, reopen }) => {
      const author = await Author.create(factory);
      await author.say('a');
      const other = await (await reopen()).open('session', { kind: 'open' });
      await factory.delete('session');
      for (const store of [author.store, other]) {
        for (const call of everyCall(store))
          await rejects(call(), 'SessionDeleted', { sessionId: 'session' });
      }
    },
  },
  {
    name: '[ST12] the id of a deleted session is used up, and it is not listed',
    run: async ({ factory, reopen }) => {
      await Author.create(factory);
      await Author.create(factory, 'other');
      await factory.delete('session');
      for (const one of [factory, await reopen()]) {
        await rejects(one.open('session', createMode()), 'SessionDeleted', { sessionId: 'session' });
        await rejects(one.open('session', { kind: 'open' }), 'SessionDeleted', { sessionId: 'session' });
        equal(await ids(one), ['other']);
      }
      await factory.delete('session');
    },
  },
  {
    name: '[ST12] deleting an unknown session is SessionNotFound and uses no id',
    run: async ({ factory }) => {
      await rejects(factory.delete('session'), 'SessionNotFound', { sessionId: 'session' });
      await Author.create(factory);
    },
  },
  {
    name: '[ST12] deleting a session leaves the others whole, also those with a like name',
    run: async ({ factory }) => {
      const names = ['s', 's\u0000', 'sa', 'S', 'r'];
      const authors = await Promise.all(names.map((name) => Author.create(factory, name)));
      for (const author of authors) await author.say('a', 'b');
      for (const author of authors) await author.sayBelow('op-1.0', 'c');
      await factory.delete('s');
      for (const author of authors.slice(1)) {
        equal(await author.texts(), ['a', 'c']);
        equal(await author.texts('op-1.1'), ['a', 'b']);
      }
    },
  },
  {
    name: '[ST12] of a commit and a deletion at once, the commit is either refused or deleted with the rest',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const request = await author.request(appends(null, ['a']));
      const [committed] = await Promise.allSettled([author.store.commit(request), factory.delete('session')]);
      if (committed.status === 'rejected') {
        await rejects(Promise.reject(committed.reason as Error), 'SessionDeleted');
      }
      await rejects(author.store.load({ kind: 'head' }), 'SessionDeleted');
    },
  },
  {
    name: '[ST3] a closed handle answers SessionClosed, what was under way still settles, others go on',
    run: async ({ factory }) => {
      const author = await Author.create(factory);
      const other = await factory.open('session', { kind: 'open' });
      const pending = author.store.commit(await author.request(appends(null, ['a'])));
      await author.store.close();
      equal((await pending).revision, 1);
      for (const call of everyCall(author.store))
        await rejects(call(), 'SessionClosed', { sessionId: 'session' });
      await author.store.close();
      equal(await new Author(other).texts(), ['a']);
    },
  },
];
