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

/** The queue of a runtime; `refuse` throws where nothing may be changed. */
export function sessionQueue(
  runtime: {
    pendingTurns(): Promise<readonly PendingTurn[]>;
    cancelTurn(turnId: string, reason: string): Promise<void>;
  },
  turns: { move(turnId: string, before: string | null): Promise<void> },
  refuse: () => void,
): SessionQueue {
  return {
    list: async () => (await runtime.pendingTurns()).filter(({ status }) => status === 'queued'),
    move: async (turnId, before) => {
      refuse();
      await turns.move(turnId, before);
    },
    cancel: async (turnId) => await runtime.cancelTurn(turnId, 'taken out of the queue'),
  };
}
