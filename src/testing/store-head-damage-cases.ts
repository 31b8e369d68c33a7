import type { SessionStore, SessionStoreFactory } from '../contract/store.ts';
import type { SessionSummary } from '../core/policy.ts';
import { equal, ok, rejects } from './assert.ts';
import { Author, createMode } from './author.ts';
import { everyCall, type SessionStoreContext, type StoreCase } from './store-context.ts';

/** What there was before two of four sessions were broken. */
interface Broken {
  readonly before: readonly SessionSummary[];
  /** A handle of `b` that was opened before. */
  readonly held: SessionStore;
}

/** Four sessions, of which `b`, the one that was changed last, and `d` are broken; nothing where that cannot be done. */
async function broken({ factory, damageHead }: SessionStoreContext): Promise<Broken | undefined> {
  if (damageHead === undefined) return undefined;
  for (const [id, at] of [
    ['a', 2000],
    ['b', 9000],
    ['c', 3000],
    ['d', 1000],
  ] as const) {
    await new Author(await factory.open(id, createMode(`Title ${id}`, at))).say(`in ${id}`);
  }
  const before = await listed(factory, 10);
  const held = await factory.open('b', { kind: 'open' });
  for (const id of ['d', 'b']) await damageHead(id);
  return { before, held };
}

async function listed(factory: SessionStoreFactory, limit: number): Promise<readonly SessionSummary[]> {
  const items: SessionSummary[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const page = await factory.list(after === undefined ? { limit } : { limit, after });
    ok(page.items.length <= limit, 'a page is too long');
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

/** What a head that cannot be read leaves of a session, and of the others: law ST6. */
export const storeHeadDamageCases: readonly StoreCase[] = [
  {
    name: '[ST6] where storage can be damaged: a session whose head cannot be read is listed as damaged, behind the others',
    run: async (context) => {
      const { before } = (await broken(context)) ?? {};
      if (before === undefined) return;
      for (const factory of [context.factory, await context.reopen()]) {
        for (const limit of [1, 2, 3, 4, 10]) {
          const items = await listed(factory, limit);
          equal(
            items.map((item) => item.sessionId),
            ['c', 'a', 'b', 'd'],
            `pages of ${limit}`,
          );
          equal(items.slice(0, 2), [before[1], before[2]], 'a sound session is listed as before');
          for (const { sessionId, title, damage } of items.slice(2)) {
            equal(title, `Title ${sessionId}`);
            ok(damage !== undefined && damage.length > 0, 'the damage is not said');
          }
        }
      }
    },
  },
  {
    name: '[ST6] where storage can be damaged: a session whose head cannot be read fails every call but deleting',
    run: async (context) => {
      const { held } = (await broken(context)) ?? {};
      if (held === undefined) return;
      const { factory } = context;
      await rejects(factory.open('b', { kind: 'open' }), 'StoredDataCorrupt');
      for (const call of everyCall(held)) {
        const [outcome] = await Promise.allSettled([call()]);
        const isReport = outcome.status === 'fulfilled' && hasFailed(outcome.value);
        if (!isReport) await rejects(call(), 'StoredDataCorrupt');
      }
      await factory.delete('b');
      await rejects(factory.open('b', { kind: 'open' }), 'SessionDeleted');
      await rejects(factory.open('b', createMode()), 'SessionDeleted');
      const ids = (await listed(await context.reopen(), 10)).map((item) => item.sessionId);
      equal(ids, ['c', 'a', 'd']);
      equal(await new Author(await factory.open('a', { kind: 'open' })).texts(), ['in a']);
      equal(await factory.finishDeletions(), []);
    },
  },
];

/** Whether it is a report of upkeep that says so. */
function hasFailed(value: unknown): boolean {
  return (value as { readonly status?: unknown } | undefined)?.status === 'Failed';
}
