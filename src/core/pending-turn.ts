import type { TurnInput } from './turn-input.ts';
import type { TurnWait } from './turn-wait.ts';

/**
 * A turn whose input was accepted and that is not over. `queued`: it has not begun. `running`: a tab runs it.
 * `waiting`: nobody does, and `waits` says what it needs. `interrupted`: whoever ran it is gone.
 */
export interface PendingTurn {
  readonly turnId: string;
  readonly status: 'queued' | 'running' | 'waiting' | 'interrupted';
  readonly waits: readonly TurnWait[];
  /** Of a queued one: what it is to begin with. */
  readonly input?: TurnInput;
  /** Of a queued one: whether the running turn is to read it before its next model call. */
  readonly inject?: boolean;
}
