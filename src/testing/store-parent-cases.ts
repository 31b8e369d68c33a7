import type { SessionStoreFactory } from '../contract/store.ts';
import type { SessionSummary } from '../core/policy.ts';
import type { SessionParent } from '../core/session-parent.ts';
import { equal, ok, rejects } from './assert.ts';
import { Author, createMode, says } from './author.ts';
import type { SessionStoreContext, StoreCase } from './store-context.ts';

type Relation = SessionParent['relation'];

function childOf(sessionId: string, relation: Relation = 'child', depth = 1): SessionParent {
  return { sessionId, relation, source: 'research', depth };
}

/** Makes sessions, each at its time. */
async function make(
  factory: SessionStoreFactory,
  ...sessions: readonly (readonly [sessionId: string, at: number, parent?: SessionParent])[]
): Promise<void> {
  for (const [sessionId, at, parent] of sessions)
    await factory.open(sessionId, { ...createMode('t', at), ...(parent && { parent }) });
}

/** A family: ordinary sessions between children of two of them, a grandchild and a successor. */
async function makeFamily(factory: SessionStoreFactory): Promise<void> {
  await make(
    factory,
    ['a', 1],
    ['b', 2],
    ['a.1', 3, childOf('a')],
    ['c', 4],
    ['b.1', 5, childOf('b')],
    ['a.2', 6, childOf('a')],
    ['a.1.1', 7, childOf('a.1', 'child', 2)],
    ['a.next', 8, childOf('a', 'handoff')],
    ['a.3', 9, childOf('a')],
    ['d', 10],
  );
}

const FAMILY: readonly (readonly [parent: string | null | undefined, ids: readonly string[]])[] = [
  [undefined, ['d', 'a.3', 'a.next', 'a.1.1', 'a.2', 'b.1', 'c', 'a.1', 'b', 'a']],
  [null, ['d', 'a.next', 'c', 'b', 'a']],
  ['a', ['a.3', 'a.next', 'a.2', 'a.1']],
  ['a.1', ['a.1.1']],
  ['b', ['b.1']],
  ['c', []],
  ['nobody', []],
];

async function listed(
  factory: SessionStoreFactory,
  parent: string | null | undefined,
  limit = 500,
): Promise<readonly SessionSummary[]> {
  const items: SessionSummary[] = [];
  const asked = parent === undefined ? { limit } : { limit, parent };
  for (let after: string | null | undefined; after !== null;) {
    const page = await factory.list(after === undefined ? asked : { ...asked, after });
    ok(page.items.length <= limit, 'a page is too long');
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

async function ids(
  factory: SessionStoreFactory,
  parent: string | null | undefined,
  limit?: number,
): Promise<readonly string[]> {
  return (await listed(factory, parent, limit)).map((item) => item.sessionId);
}

/** A family of which one child of `a` cannot be read; nothing where storage cannot be damaged. */
async function broken({ factory, damageHead }: SessionStoreContext): Promise<boolean> {
  if (damageHead === undefined) return false;
  await makeFamily(factory);
  await damageHead('a.2');
  return true;
}

/** Whose child a session is, and lists by that: laws ST3, ST6, ST12 and ST19. */
export const storeParentCases: readonly StoreCase[] = [
  {
    name: '[ST3] a session tells its parent as it was created with it: in its meta, in lists, and opened again',
    run: async ({ factory, reopen }) => {
      const parent = childOf('not there', 'handoff', 3);
      const made = await factory.open('s', { ...createMode(), parent });
      const again = await (await reopen()).open('s', { kind: 'open' });
      for (const store of [made, again]) equal((await store.loadSessionMeta()).parent, parent);
      equal((await factory.list({})).items[0]?.parent, parent);
      await Author.create(factory, 'other');
      equal(
        (await listed(factory, null)).map((item) => item.parent ?? null),
        [parent, null],
      );
    },
  },
  {
    name: '[ST3] a parent never changes: not with title and policy, a commit or a lease, nor by what a caller holds',
    run: async ({ factory }) => {
      const parent = { ...childOf('p') };
      const author = new Author(await factory.open('s', { ...createMode(), parent }));
      const { store } = author;
      parent.sessionId = 'changed';
      Reflect.set((await store.loadSessionMeta()).parent ?? {}, 'source', 'changed');
      const policy = { provider: { id: 'other', model: 'm' } };
      const change = { title: 'Renamed', policy, at: 5000, parent: childOf('elsewhere') };
      equal((await store.saveSessionMeta(change)).parent, childOf('p'));
      await store.takeLease();
      await author.say('a', 'b');
      await author.branch('op-1.0');
      await store.tombstoneNodes(['op-1.1']);
      await store.vacuum();
      equal((await store.loadSessionMeta()).parent, childOf('p'));
      equal(
        [await ids(factory, 'p'), await ids(factory, 'elsewhere'), await ids(factory, null)],
        [['s'], [], []],
      );
    },
  },
  {
    name: '[ST3] a parent that is none is InvalidInput, one that is not data NotData, and nothing is made',
    run: async ({ factory }) => {
      const sound = childOf('p');
      const { relation: _relation, ...unrelated } = sound;
      const wrong: readonly unknown[] = [
        null,
        'p',
        5,
        [],
        {},
        unrelated,
        ...[null, '', 5, 'x'.repeat(129), '\u20ac'.repeat(43)].flatMap((text) => [
          { ...sound, sessionId: text },
          { ...sound, source: text },
        ]),
        ...['sibling', 1].map((relation) => ({ ...sound, relation })),
        ...[0, -1, 1.5, Number.MAX_VALUE, '1'].map((depth) => ({ ...sound, depth })),
      ];
      for (const parent of wrong) {
        const mode = { ...createMode(), parent: parent as SessionParent };
        await rejects(factory.open('s', mode), 'InvalidInput');
        await rejects(factory.beginImport('s', mode), 'InvalidInput');
      }
      const odd = { ...sound, more: (() => 1) as never };
      await rejects(factory.open('s', { ...createMode(), parent: odd }), 'NotData');
      equal(await factory.list({}), { items: [], next: null });
    },
  },
  {
    name: '[ST19] the list of a parent holds its children and successors, that of none all sessions that are no child',
    run: async ({ factory, reopen }) => {
      await makeFamily(factory);
      for (const one of [factory, await reopen()]) {
        for (const [parent, expected] of FAMILY) {
          for (const limit of [1, 2, 3, 4, 5, 500]) equal(await ids(one, parent, limit), expected);
        }
      }
    },
  },
  {
    name: '[ST19] a child moves up among its siblings when it changes, and no other list knows',
    run: async ({ factory }) => {
      await makeFamily(factory);
      const author = new Author(await factory.open('a.1', { kind: 'open' }));
      await author.commit({ kind: 'append', parentId: null, nodes: [says('a', 50)] });
      equal(await ids(factory, 'a'), ['a.1', 'a.3', 'a.next', 'a.2']);
      await (await factory.open('a.2', { kind: 'open' })).saveSessionMeta({ title: 'x', at: 60 });
      equal(await ids(factory, 'a', 2), ['a.2', 'a.1', 'a.3', 'a.next']);
      equal([await ids(factory, null), await ids(factory, 'b')], [FAMILY[1]?.[1], ['b.1']]);
    },
  },
  {
    name: '[ST19] parents of any name do not mix',
    run: async ({ factory }) => {
      const parents = ['p', 'p\u0000', 'pa', 'P', '[]', '__proto__', '1', '\ud83d\ude00', 'x'.repeat(128)];
      for (const parent of parents) await make(factory, [`of ${parent}`.slice(0, 128), 1, childOf(parent)]);
      for (const parent of parents) equal(await ids(factory, parent), [`of ${parent}`.slice(0, 128)]);
      equal(await ids(factory, null), []);
    },
  },
  {
    name: '[ST19] a list of a parent that no session can be is InvalidInput',
    run: async ({ factory }) => {
      for (const parent of ['', 'x'.repeat(129), 5 as never, {} as never])
        await rejects(factory.list({ parent }), 'InvalidInput');
    },
  },
  {
    name: '[ST12] a deleted child is in no list, a deleted parent takes no child along, and what hides it hides it there',
    run: async ({ factory, reopen }) => {
      await makeFamily(factory);
      await factory.delete('a.3');
      await factory.delete('a');
      const failing = factory.delete('a.1', { alsoDelete: () => Promise.reject(new Error('not now')) });
      await Promise.allSettled([failing]);
      for (const one of [factory, await reopen()]) {
        equal(await ids(one, 'a'), ['a.next', 'a.2']);
        equal(await ids(one, null), ['d', 'a.next', 'c', 'b']);
        equal(await ids(one, 'a.1'), ['a.1.1']);
      }
      equal(await factory.finishDeletions(), ['a.1']);
      const left = await (await factory.open('a.2', { kind: 'open' })).loadSessionMeta();
      equal(left.parent, childOf('a'));
    },
  },
  {
    name: '[ST13] an import with a parent is in no list until it is published, and keeps it; one that is removed is in none',
    run: async ({ factory, reopen }) => {
      const begun = await factory.beginImport('s', { ...createMode(), parent: childOf('p') });
      const abandoned = await factory.beginImport('gone', { ...createMode(), parent: childOf('p') });
      for (const parent of [undefined, null, 'p']) equal(await ids(factory, parent), []);
      await begun.publish(null);
      await abandoned.abandon();
      const again = await reopen();
      equal([await ids(again, undefined), await ids(again, null), await ids(again, 'p')], [['s'], [], ['s']]);
      const meta = await (await again.open('s', { kind: 'open' })).loadSessionMeta();
      equal(meta.parent, childOf('p'));
      equal(await again.finishDeletions(), []);
    },
  },
  {
    name: '[ST6] where storage can be damaged: a child whose head cannot be read stays in the lists it is in, behind the others',
    run: async (context) => {
      if (!(await broken(context))) return;
      for (const factory of [context.factory, await context.reopen()]) {
        for (const [parent, expected] of FAMILY) {
          const sound = expected.filter((id) => id !== 'a.2');
          const all = sound.length < expected.length ? [...sound, 'a.2'] : sound;
          for (const limit of [1, 2, 3, 4, 500]) equal(await ids(factory, parent, limit), all);
        }
        const child = (await listed(factory, 'a')).at(-1);
        ok((child?.damage ?? '').length > 0, 'the damage is not said');
        equal(child?.parent, childOf('a'));
      }
      await context.factory.delete('a.2');
      equal(await ids(context.factory, 'a'), ['a.3', 'a.next', 'a.1']);
    },
  },
  {
    name: '[ST6] where storage can be damaged: a parent whose head cannot be read keeps its children listed',
    run: async ({ factory, damageHead }) => {
      if (damageHead === undefined) return;
      await makeFamily(factory);
      await damageHead('a');
      equal(await ids(factory, 'a'), ['a.3', 'a.next', 'a.2', 'a.1']);
      equal(await ids(factory, null, 2), ['d', 'a.next', 'c', 'b', 'a']);
    },
  },
];
