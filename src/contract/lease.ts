import type { TurnActivity } from '../core/event.ts';
import type { LiveTurn } from '../core/live-turn.ts';

/**
 * The socket of what tabs of one database say to each other: who writes a session, and what happened in it. It is about
 * who should write, and quickly; who may is decided by epoch and revision in the store (laws ST3, ST4).
 *
 * - LE1 At most one lease of a session is held at a time, and it ends with the worker that holds it. Whoever imports a
 *   session holds its lease until it is published: nobody else can see the session before.
 * - LE2 A lease that was taken away by force says so by `lost`; its holder may still run, and is fenced by the epoch.
 * - LE3 A notice is a hint: it may come late, twice or not at all. Whoever hears one reads the store.
 */
export interface SessionLeases {
  /**
   * Becomes the one who holds the session's lease; `null` if somebody else keeps it. With `force` it is taken away.
   * Never waits for the other one.
   */
  acquire(sessionId: string, options?: { readonly force?: boolean }): Promise<SessionLease | null>;
  /** Whether anybody holds it, here or in another tab. */
  isHeld(sessionId: string): Promise<boolean>;
  /** Tells every subscriber of this session, here and in other tabs, but `except`: the publisher's own listener. */
  publish(sessionId: string, notice: SessionNotice, except?: (notice: SessionNotice) => void): void;
  /** Calls `listener` with what others publish. The returned function ends that. */
  subscribe(sessionId: string, listener: (notice: SessionNotice) => void): () => void;
}

/** The right to write a session, as between tabs. */
export interface SessionLease {
  /** Aborts when the lease was taken away. */
  readonly lost: AbortSignal;
  /** Gives it up. Idempotent; resolves when another one can have it. */
  release(): Promise<void>;
}

/** What one tab tells the others about a session. */
export type SessionNotice =
  /** The head moved, or what it counts changed. */
  | { readonly kind: 'changed' }
  /** Title or policy changed. */
  | { readonly kind: 'meta-changed' }
  | { readonly kind: 'deleted' }
  /** Something was stored for the session's turns: an input was queued, or a turn was given a signal. */
  | { readonly kind: 'turns-changed' }
  /** The record of a background task changed. */
  | { readonly kind: 'tasks-changed' }
  /** Somebody wants to write: whoever holds the lease and is idle releases it, else it answers `busy`. */
  | { readonly kind: 'wanted' }
  | { readonly kind: 'released' }
  /** The holder is alive and will not release now; `turnId` is the turn that runs. */
  | { readonly kind: 'busy'; readonly turnId: string }
  /** Somebody wants to see the running turn: whoever runs it answers with `turn`, and publishes its activity. */
  | { readonly kind: 'following' }
  /** What the running turn shows so far. */
  | { readonly kind: 'turn'; readonly turn: LiveTurn }
  /** What the running turn shows from there on, in order; committed facts come as `changed`. */
  | { readonly kind: 'activity'; readonly activity: readonly TurnActivity[] };
