import type { AttachmentStore } from '../contract/attachments.ts';
import type { OrphanPage, SessionStore, SessionStoreFactory } from '../contract/store.ts';
import { equal, ok } from './assert.ts';
import { appends } from './author.ts';
import type { ConformanceCase } from './conformance-case.ts';

/**
 * What a case does to a stored node from below: it is gone, names a parent that does not exist, or is tombstoned though
 * the active path needs it.
 */
export type StoreDamage = 'missing' | 'dangling' | 'tombstoned';

/** What a case of the session store's suite runs on. */
export interface SessionStoreContext {
  /** An empty factory with the default commit budget. */
  readonly factory: SessionStoreFactory;
  /** An empty attachment store of the same database. */
  readonly attachments: AttachmentStore;
  /** A factory that leads to the same sessions as another tab's would, on a connection of its own. */
  readonly reopen: () => Promise<SessionStoreFactory>;
  /**
   * Breaks a node that is alone in its commit, past the store. Cases whose title says *where storage can be damaged*
   * check nothing without it.
   */
  readonly damage?: (kind: StoreDamage, sessionId: string, nodeId: string) => Promise<void>;
  /** Makes a session's head unreadable, with the time of its last change. */
  readonly damageHead?: (sessionId: string) => Promise<void>;
}

/** A case of the session store's suite. */
export type StoreCase = ConformanceCase<SessionStoreContext>;

/** All that a session holds, as far as a store shows it. */
export async function dump(store: SessionStore): Promise<unknown> {
  const [graph, meta, inventory, orphans, turns, tasks] = await Promise.all([
    store.load({ kind: 'all' }),
    store.loadSessionMeta(),
    store.inventory(),
    orphansOf(store),
    store.turns.pending(),
    store.tasks.list(),
  ]);
  return { ...graph, meta, inventory, orphans, turns, tasks };
}

/** Runs `action` and checks that the session holds the same after it. */
export async function unchangedBy(store: SessionStore, action: () => Promise<unknown>): Promise<void> {
  const before = await dump(store);
  await action();
  equal(await dump(store), before, 'the session was changed');
}

/** All orphans, page by page. */
export async function orphansOf(
  store: SessionStore,
  page: Omit<OrphanPage, 'after'> = {},
): Promise<readonly string[]> {
  const found: string[] = [];
  for (let after: string | null | undefined; after !== null;) {
    const { items, next } = await store.orphanedNodeIds(after === undefined ? page : { ...page, after });
    ok(items.length <= (page.limit ?? 100), 'a page is too long');
    found.push(...items);
    after = next;
  }
  return found;
}

/** Every call of a store, for states in which each is refused alike. */
export function everyCall(store: SessionStore): readonly (() => Promise<unknown>)[] {
  const commit = {
    operationId: 'late',
    expectedRevision: 0,
    epoch: 0,
    change: appends(null, ['late']),
    usage: [],
  };
  return [
    () => store.load({ kind: 'head' }),
    () => store.load({ kind: 'path' }),
    () => store.load({ kind: 'all' }),
    () => store.loadNode('op-1.0'),
    () => store.walk(),
    () => store.siblings(['op-1.0']),
    () => store.locate('op-1.0'),
    () => store.findSoundPath(),
    () => store.takeLease(),
    () => store.commit(commit),
    () => store.pin('op-1.0'),
    () => store.unpin('op-1.0'),
    () => store.orphanedNodeIds(),
    () => store.tombstoneNodes(['op-1.0']),
    () => store.vacuum(),
    () => store.gcUnreachable(),
    () => store.inventory(),
    () => store.saveSessionMeta({ title: 'late', at: 1 }),
    () => store.loadSessionMeta(),
    ...everyTurnCall(store),
    ...everyTaskCall(store),
  ];
}

/** Every call of what a store keeps of turns. */
export function everyTurnCall({ turns }: SessionStore): readonly (() => Promise<unknown>)[] {
  return [
    () => turns.accept({ turnId: 'late', hash: 'late', request: null, at: 1 }),
    () => turns.find('turn'),
    () => turns.pending(),
    () => turns.load('turn'),
    () => turns.record({ turnId: 'turn', epoch: 0, first: 0, entries: [] }),
    () => turns.signal({ turnId: 'turn', signalId: 'late', value: null }),
    () => turns.signals('turn'),
    () => turns.move('turn', null),
    () => turns.withdraw('turn', null),
  ];
}

/** Every call of what a store keeps of background tasks. */
export function everyTaskCall({ tasks }: SessionStore): readonly (() => Promise<unknown>)[] {
  return [
    () => tasks.write({ taskId: 'late', expected: 0, body: null }),
    () => tasks.find('task'),
    () => tasks.list(),
    () => tasks.remove(['task']),
  ];
}
