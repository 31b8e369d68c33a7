import { describe, expect, test } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import type { SessionSummary } from '../../src/core/policy.ts';
import { rejects } from '../../src/testing/assert.ts';
import { Author, createMode } from '../../src/testing/author.ts';
import { costOf } from './maintenance-bench.ts';
import { damage, dumpRows, editRow, withDatabase } from './raw-database.ts';

type Stores = (name: string) => IDBObjectStore;

interface Damage {
  readonly what: string;
  readonly change: (store: Stores) => void;
  readonly reason: RegExp;
  /** Whether the session stays at its place in the list. Default: it comes last. */
  readonly inPlace?: boolean;
  /** What can still be read. */
  readonly shows: Partial<SessionSummary>;
  /** Whether it can be opened, since only what it is called and run with is damaged. */
  readonly opens?: boolean;
}

const TITLE = 'The broken one';
const COUNTS = { nodeCount: 2, bytes: 218 };

function editHead(edit: (row: Record<string, unknown>) => unknown): (store: Stores) => void {
  return (store) => editRow(store('heads'), 'm', edit);
}

const damages: readonly Damage[] = [
  {
    what: 'the time of its last change is missing',
    change: editHead(({ updatedAt: _updatedAt, ...row }) => row),
    reason: /head is not complete/,
    shows: { title: TITLE, createdAt: 5000, updatedAt: 0, ...COUNTS },
  },
  ...(
    [
      ['null', null],
      ['text', 'yesterday'],
      ['before 1970', -5],
      ['a date', new Date(5000)],
      ['a list', [5000]],
      ['no number', Number.NaN],
      ['endless', Number.POSITIVE_INFINITY],
      ['true', true],
    ] as const
  ).map(([what, updatedAt]) => ({
    what: `the time of its last change is ${what}`,
    change: editHead((row) => ({ ...row, updatedAt })),
    reason: /head is not complete/,
    shows: { title: TITLE, createdAt: 5000, updatedAt: 0, ...COUNTS },
  })),
  {
    what: 'the time of its last change is a part of a millisecond',
    change: editHead((row) => ({ ...row, updatedAt: 5000.5 })),
    reason: /head is not complete/,
    inPlace: true,
    shows: { title: TITLE, createdAt: 5000, updatedAt: 0, ...COUNTS },
  },
  {
    what: 'a counter of its head is lost',
    change: editHead(({ nodeCount: _nodeCount, ...row }) => row),
    reason: /head is not complete/,
    inPlace: true,
    shows: { title: TITLE, updatedAt: 5000, nodeCount: 0, bytes: 218 },
  },
  {
    what: 'its head is of no known kind',
    change: editHead((row) => ({ ...row, kind: 'undead' })),
    reason: /head is not complete/,
    inPlace: true,
    shows: { title: TITLE, updatedAt: 5000, ...COUNTS },
  },
  {
    what: 'its head seems to be pending, and does not say so rightly',
    change: editHead((row) => ({ ...row, pending: 'perhaps' })),
    reason: /head is not complete/,
    inPlace: true,
    shows: { title: TITLE, updatedAt: 5000, ...COUNTS },
  },
  {
    what: 'its head is missing',
    change: (store) => store('heads').delete('m'),
    reason: /head is missing/,
    shows: { title: TITLE, createdAt: 5000, updatedAt: 0, nodeCount: 0, bytes: 0 },
  },
  {
    what: 'its title and policy are missing',
    change: (store) => store('meta').delete('m'),
    reason: /title and policy/,
    inPlace: true,
    shows: { title: '', createdAt: 0, updatedAt: 5000, ...COUNTS },
    opens: true,
  },
  {
    what: 'its title is a number',
    change: (store) => editRow(store('meta'), 'm', (row) => ({ ...row, title: 7 })),
    reason: /title and policy/,
    inPlace: true,
    shows: { title: '', createdAt: 5000, updatedAt: 5000, ...COUNTS },
    opens: true,
  },
];

async function listed(
  factory: SessionStoreFactory,
  limit: number,
  parent?: string | null,
): Promise<readonly SessionSummary[]> {
  const items: SessionSummary[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const asked = parent === undefined ? { limit } : { limit, parent };
    const page = await factory.list(after === undefined ? asked : { ...asked, after });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

function codeOf(error: unknown): string {
  return isLashError(error) ? error.code : String(error);
}

/** Sessions of which `m` is to be broken, and some that no list shows. */
async function plant(factory: SessionStoreFactory): Promise<void> {
  for (const [id, at] of [
    ['a', 9000],
    ['z', 4000],
  ] as const) {
    await new Author(await factory.open(id, createMode(id, at))).say('x', 'y');
  }
  await new Author(await factory.open('m', createMode(TITLE, 5000))).say('x', 'y');
  await Author.create(factory, 'gone');
  await factory.delete('gone');
  await factory.beginImport('import', createMode());
}

describe('[ST6] a session that is damaged', () => {
  for (const { what, change, reason, inPlace = false, shows, opens = false } of damages) {
    test(`is listed, hides nobody, and can be deleted: ${what}`, () =>
      withDatabase(async ({ name, factory }) => {
        await plant(factory);
        const before = await listed(factory, 50);
        await damage(name, change);
        const rows = await dumpRows(name);
        const order = inPlace ? ['a', 'm', 'z'] : ['a', 'z', 'm'];
        for (const limit of [1, 2, 3, 50]) {
          const items = await listed(factory, limit);
          expect(items.map(({ sessionId }) => sessionId)).toEqual(order);
          expect(items.filter(({ sessionId }) => sessionId !== 'm')).toEqual([before[0], before[2]]);
          const broken = items.find(({ sessionId }) => sessionId === 'm');
          expect(broken).toMatchObject(shows);
          expect(broken?.damage).toMatch(reason);
        }
        const opened = factory.open('m', { kind: 'open' });
        const texts = await opened.then(async (store) => (await new Author(store).texts()).join(), codeOf);
        expect(texts).toBe(opens ? 'x,y' : 'StoredDataCorrupt');
        const created = await factory.open('m', createMode()).then(() => 'created', codeOf);
        expect(created).toBe(opens ? 'SessionExists' : 'StoredDataCorrupt');
        expect(await dumpRows(name)).toBe(rows);
        await factory.delete('m');
        await rejects(factory.open('m', { kind: 'open' }), 'SessionDeleted');
        expect(await listed(factory, 2)).toEqual([before[0], before[2]]);
        expect(await factory.finishDeletions()).toEqual([]);
      }));
  }

  test('is one of many: every page is as long as asked for, and none comes twice', () =>
    withDatabase(async ({ name, factory }) => {
      const ids = Array.from({ length: 12 }, (_, index) => `s${String(index).padStart(2, '0')}`);
      for (const [at, id] of ids.entries()) await factory.open(id, createMode(id, 1000 + at));
      const broken = ids.filter((_, at) => at % 3 !== 0);
      await damage(name, (store) => {
        for (const [at, id] of broken.entries()) {
          const updatedAt = [undefined, 'never', -1][at % 3];
          editRow(store('heads'), id, (row) => ({ ...row, updatedAt }));
        }
      });
      const expected = [...ids.filter((_, at) => at % 3 === 0).toReversed(), ...broken];
      for (const limit of [1, 2, 3, 4, 5, 11, 12, 13, 50]) {
        const items = await listed(factory, limit);
        expect(items.map(({ sessionId }) => sessionId)).toEqual(expected);
      }
    }));

  test('that is being imported, or deleted, is not listed whatever its time is', () =>
    withDatabase(async ({ name, factory }) => {
      await plant(factory);
      await damage(name, (store) => {
        editRow(store('heads'), 'import', (row) => ({ ...row, updatedAt: null }));
        store('meta').put({ sessionId: 'gone', title: 'left over' });
      });
      expect((await listed(factory, 2)).map(({ sessionId }) => sessionId)).toEqual(['a', 'm', 'z']);
    }));

  for (const { what, edit, row } of [
    { what: 'its head names no parent', row: 'heads', edit: { parentId: undefined } },
    { what: 'its head names another parent', row: 'heads', edit: { parentId: 'z' } },
    { what: 'its head names no id as its parent', row: 'heads', edit: { parentId: 7 } },
    { what: 'its head says that it is ordinary', row: 'heads', edit: { ordinary: 1 } },
    { what: 'its meta says nothing of a parent', row: 'meta', edit: { parent: undefined } },
    {
      what: 'its meta has a parent that is none',
      row: 'meta',
      edit: { parent: { sessionId: 'a', depth: -1 } },
    },
    { what: 'its meta has text for a parent', row: 'meta', edit: { parent: 'a' } },
    { what: 'its meta is missing', row: 'meta', edit: null },
  ]) {
    test(`that is a child stays among its siblings, and hides nobody: ${what}`, () =>
      withDatabase(async ({ name, factory }) => {
        const parent = { sessionId: 'a', relation: 'child', source: 'x', depth: 1 } as const;
        await factory.open('a', createMode('a', 1));
        for (const [at, id] of ['k', 'm', 'n'].entries())
          await factory.open(id, { ...createMode(id, 10 + at), parent });
        await damage(name, (store) => {
          if (edit === null) store(row).delete('m');
          else editRow(store(row), 'm', (found) => ({ ...found, ...edit }));
        });
        for (const limit of [1, 2, 3, 50]) {
          const children = await listed(factory, limit, 'a');
          expect(children.map(({ sessionId }) => sessionId).toSorted()).toEqual(['k', 'm', 'n']);
          expect(children.find(({ sessionId }) => sessionId === 'm')?.damage).toBeDefined();
          const everybody = await listed(factory, limit);
          expect(everybody.map(({ sessionId }) => sessionId)).toEqual(['n', 'm', 'k', 'a']);
          const ordinary = await listed(factory, limit, null);
          expect(ordinary.filter(({ damage: broken }) => broken === undefined)).toEqual(everybody.slice(3));
        }
        await factory.delete('m');
        expect((await listed(factory, 2, 'a')).map(({ sessionId }) => sessionId)).toEqual(['n', 'k']);
      }));
  }

  test('[ST19] is looked for among its siblings alone: their list costs what it holds', () =>
    withDatabase(async ({ factory }) => {
      const parent = { sessionId: 'p', relation: 'child', source: 'x', depth: 1 } as const;
      for (let index = 0; index < 30; index++) {
        await factory.open(`s${index}`, createMode('x', index));
        await factory.open(`other${index}`, {
          ...createMode('x', index),
          parent: { ...parent, sessionId: `s${index}` },
        });
      }
      for (let index = 0; index < 3; index++)
        await factory.open(`child${index}`, { ...createMode('x', index), parent });
      expect((await costOf(factory, () => factory.list({ parent: 'p' }))).rowsRead).toBe(2 * 3 + 2 * 3);
      expect((await costOf(factory, () => factory.list({ parent: 'p', limit: 1 }))).rowsRead).toBe(3);
      const ordinary = await costOf(factory, () => factory.list({ parent: null, limit: 10 }));
      expect(ordinary.rowsRead).toBe(2 * 10 + 1);
    }));

  test('[ST19] is looked for on the last page only, and costs keys there', () =>
    withDatabase(async ({ factory }) => {
      for (let index = 0; index < 30; index++) await factory.open(`s${index}`, createMode('x', index));
      const page = await costOf(factory, () => factory.list({ limit: 10 }));
      expect(page.rowsRead).toBe(2 * 10 + 1);
      const all = await costOf(factory, () => factory.list({ limit: 30 }));
      expect(all.rowsRead).toBe(2 * 30 + 2 * 30);
    }));
});
