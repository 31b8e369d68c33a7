import type { PendingTurn } from '../core/pending-turn.ts';

/** The inputs of a session that wait for their turn, whoever queued them (law TU10). */
export interface TurnQueue {
  /** In their order. */
  list(): Promise<readonly PendingTurn[]>;
  /** Puts one before another one, or behind all (`null`). @throws `InputNotQueued`, for either of them */
  move(turnId: string, before: string | null): Promise<void>;
  /** Takes one out; its turn ends as withdrawn. One that has begun meanwhile is stopped. @throws `TurnNotFound` */
  cancel(turnId: string): Promise<void>;
}
