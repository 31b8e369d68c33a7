import type { PendingTurn } from '../core/pending-turn.ts';

/** The inputs of a session that wait for their turn (law TU10). */
export interface SessionQueue {
  /** In their order. */
  list(): Promise<readonly PendingTurn[]>;
  /** Puts one before another one, or behind all. @throws `InputNotQueued` */
  move(turnId: string, before: string | null): Promise<void>;
  /** Takes one out. What has begun meanwhile is stopped. @throws `TurnNotFound` */
  cancel(turnId: string): Promise<void>;
}
