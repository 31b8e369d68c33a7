import type { SessionStore, SessionStoreFactory } from '../contract/store.ts';
import { equal } from './assert.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What a case of the session store's suite runs on. */
export interface SessionStoreContext {
  /** An empty factory with the default commit budget. */
  readonly factory: SessionStoreFactory;
  /**
   * A factory that leads to the same sessions as another tab's would, on a connection of its own. For sessions in
   * memory: the same factory.
   */
  readonly reopen: () => Promise<SessionStoreFactory>;
}

/** A case of the session store's suite. */
export type StoreCase = ConformanceCase<SessionStoreContext>;

/** All that a session holds, as far as a store shows it. */
export async function dump(store: SessionStore): Promise<unknown> {
  const [graph, meta] = await Promise.all([store.load({ kind: 'all' }), store.loadSessionMeta()]);
  return { ...graph, meta };
}

/** Runs `action` and checks that the session holds the same after it. */
export async function unchangedBy(store: SessionStore, action: () => Promise<unknown>): Promise<void> {
  const before = await dump(store);
  await action();
  equal(await dump(store), before, 'the session was changed');
}
