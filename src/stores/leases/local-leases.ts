import type { SessionLease, SessionLeases, SessionNotice } from '../../contract/lease.ts';

type Listener = (notice: SessionNotice) => void;

/** Leases and notices among the sessions of one worker: for stores in memory, and for platforms without Web Locks. */
export class LocalSessionLeases implements SessionLeases {
  readonly #held = new Map<string, AbortController>();
  readonly #listeners = new Map<string, Set<Listener>>();

  async acquire(sessionId: string, options: { readonly force?: boolean } = {}): Promise<SessionLease | null> {
    const held = this.#held.get(sessionId);
    if (held !== undefined && options.force !== true) return null;
    const lost = new AbortController();
    this.#held.set(sessionId, lost);
    held?.abort();
    return {
      lost: lost.signal,
      release: async () => {
        if (this.#held.get(sessionId) === lost) this.#held.delete(sessionId);
      },
    };
  }

  async isHeld(sessionId: string): Promise<boolean> {
    return this.#held.has(sessionId);
  }

  publish(sessionId: string, notice: SessionNotice, except?: Listener): void {
    const listeners = this.#listeners.get(sessionId);
    for (const listener of listeners ?? []) {
      if (listener === except) continue;
      queueMicrotask(() => {
        if (listeners?.has(listener) === true) listener(notice);
      });
    }
  }

  subscribe(sessionId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(sessionId) ?? new Set();
    this.#listeners.set(sessionId, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(sessionId) === listeners)
        this.#listeners.delete(sessionId);
    };
  }
}
