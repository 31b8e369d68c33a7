import type { SessionLease, SessionLeases } from '../../contract/lease.ts';
import type { SessionImport, SessionStore } from '../../contract/store.ts';
import { type CreateMode, sessionExists } from '../rules/session-state.ts';
import { decodeHead } from './graph/decode.ts';
import { placeOf } from './graph/node-places.ts';
import type { StoreName } from './rows/schema.ts';
import type { DatabaseAccess } from './session-access.ts';
import { checkFree, createSession } from './session-creation.ts';
import { removeImport } from './upkeep/session-deletion.ts';

/**
 * Begins an import, as `SessionStoreFactory.beginImport` promises. The session's lease comes first, so that a hidden
 * session without one is always abandoned. `store` is a handle that sees the hidden session.
 */
export async function beginImport(
  access: DatabaseAccess,
  leases: SessionLeases,
  store: SessionStore,
  mode: CreateMode,
): Promise<SessionImport> {
  const { sessionId } = store;
  const lease = await leases.acquire(sessionId);
  if (lease === null) {
    await checkFree(access, sessionId);
    throw sessionExists(sessionId);
  }
  try {
    await createSession(access, sessionId, mode, { pending: 1 });
  } catch (error) {
    await lease.release();
    throw error;
  }
  return new HiddenSession(access, lease, store);
}

class HiddenSession implements SessionImport {
  readonly store: SessionStore;
  readonly #access: DatabaseAccess;
  readonly #lease: SessionLease;
  /** The leaf of the last attempt to publish: nobody else can, so it is the one if the session shows (law ST16). */
  #attempted: { readonly leaf: string | null } | undefined;
  #published = false;

  constructor(access: DatabaseAccess, lease: SessionLease, store: SessionStore) {
    this.store = store;
    this.#access = access;
    this.#lease = lease;
  }

  /** A new revision, so that whatever the writing handle remembers of the hidden head is outdated. */
  async publish(leaf: string | null): Promise<void> {
    const { sessionId } = this.store;
    if (this.#published) throw sessionExists(sessionId);
    const { database, durability, counts } = this.#access;
    const stores: readonly StoreName[] = ['heads', 'receipts', 'tombs'];
    const options = { stores, mode: 'readwrite', durability, counts, repeatable: true } as const;
    await database.transaction(options, async (rows) => {
      const { pending, ...head } = decodeHead(sessionId, await rows.get('heads', sessionId), true);
      if (pending === undefined) {
        if (this.#attempted?.leaf === leaf) return;
        throw sessionExists(sessionId);
      }
      const place = await placeOf(rows, sessionId, head, leaf);
      rows.put('heads', { ...head, leaf, place, atTip: false, revision: head.revision + 1 });
      this.#attempted = { leaf };
    });
    this.#published = true;
    await this.#lease.release();
  }

  async abandon(): Promise<void> {
    try {
      await removeImport(this.#access, this.store.sessionId);
    } finally {
      await this.#lease.release();
    }
  }
}
