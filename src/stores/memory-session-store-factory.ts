import type { CommitBudget, SessionStore, SessionStoreFactory, StoreOpenMode } from '../contract/store.ts';
import { checkId } from '../core/id.ts';
import type { Page, SessionSummary } from '../core/policy.ts';
import { DEFAULT_COMMIT_BUDGET } from './commit-budget.ts';
import { InMemorySessionStore } from './memory-session-store.ts';
import { MemorySession } from './memory-session.ts';
import { decodePage, encodePosition, type ListPosition } from './session-list.ts';
import { checkCreate, sessionDeleted, sessionExists, sessionNotFound } from './session-state.ts';

/** Options of an {@link InMemorySessionStoreFactory}. */
export interface InMemorySessionStoreOptions {
  readonly commitBudget?: CommitBudget;
}

/** Sessions that live as long as this object does. */
export class InMemorySessionStoreFactory implements SessionStoreFactory {
  readonly persistent = false;
  readonly database = null;
  readonly commitBudget: CommitBudget;
  readonly #sessions = new Map<string, MemorySession>();

  constructor(options: InMemorySessionStoreOptions = {}) {
    this.commitBudget = options.commitBudget ?? DEFAULT_COMMIT_BUDGET;
  }

  async open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore> {
    checkId(sessionId, 'sessionId');
    const session = mode.kind === 'create' ? this.#create(sessionId, mode) : this.#find(sessionId);
    return new InMemorySessionStore(session, this.commitBudget);
  }

  async list(page: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>> {
    const { after, limit } = decodePage(page);
    const sessions = [...this.#sessions.values()].filter((session) => !session.deleted);
    const behind = sessions
      .map((session) => session.summary())
      .toSorted(compare)
      .filter((summary) => after === undefined || compare(summary, after) > 0);
    const items = behind.slice(0, limit);
    const last = items.at(-1);
    return {
      items,
      next: last === undefined || behind.length === items.length ? null : encodePosition(last),
    };
  }

  async delete(sessionId: string): Promise<void> {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw sessionNotFound(sessionId);
    session.delete();
  }

  #create(sessionId: string, mode: Extract<StoreOpenMode, { readonly kind: 'create' }>): MemorySession {
    checkCreate(mode);
    const taken = this.#sessions.get(sessionId);
    if (taken !== undefined) throw taken.deleted ? sessionDeleted(sessionId) : sessionExists(sessionId);
    const session = new MemorySession(sessionId, mode.title, mode.policy, mode.at);
    this.#sessions.set(sessionId, session);
    return session;
  }

  #find(sessionId: string): MemorySession {
    const session = this.#sessions.get(sessionId);
    if (session === undefined) throw sessionNotFound(sessionId);
    if (session.deleted) throw sessionDeleted(sessionId);
    return session;
  }
}

/** Newest change first; of the same time, the greater id first. */
function compare(a: ListPosition, b: ListPosition): number {
  if (a.updatedAt !== b.updatedAt) return b.updatedAt - a.updatedAt;
  if (a.sessionId === b.sessionId) return 0;
  return a.sessionId < b.sessionId ? 1 : -1;
}
