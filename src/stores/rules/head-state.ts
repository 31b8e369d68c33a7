import type { SessionHead } from '../../core/event.ts';
import { totalUsage, type UsageEntry } from '../../core/usage.ts';

/** The head of a session as a store keeps it. */
export interface HeadState {
  readonly revision: number;
  readonly epoch: number;
  readonly leaf: string | null;
  readonly ledger: readonly UsageEntry[];
  readonly nodeCount: number;
  readonly bytes: number;
  /** How many checkpoints were ever written: without one, a reader has not to look. */
  readonly checkpoints: number;
  /**
   * Unix milliseconds, the session's place in the list: what creating and `saveSessionMeta` were told, or the
   * `createdAt` of the newest node if that is later. A store reads no clock.
   */
  readonly updatedAt: number;
}

/** The head of a new session. */
export function initialHead(at: number): HeadState {
  const nothing = { ledger: [], nodeCount: 0, bytes: 0, checkpoints: 0 };
  return { revision: 0, epoch: 0, leaf: null, ...nothing, updatedAt: at };
}

/** A stored head as the rest of the package sees it. `depth` is how many nodes its path has. */
export function toSessionHead(head: HeadState, depth: number): SessionHead {
  const { revision, leaf, nodeCount, bytes } = head;
  return { revision, leaf, usage: totalUsage(head.ledger), depth, nodeCount, bytes };
}
