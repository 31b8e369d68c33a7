import type { StoredTurn } from '../../contract/turn-store.ts';
import type { PendingTurn } from '../../core/pending-turn.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import { askOf } from './queued-input.ts';

/** The turns that are not over, as a page is told of them. `isHeld`: somebody holds the writer's lease. */
export function pendingTurns(stored: readonly StoredTurn[], isHeld: boolean): readonly PendingTurn[] {
  const begun = stored.find(({ status }) => status === 'running')?.turnId;
  return stored.map((turn) => pendingTurn(turn, isHeld, begun));
}

function pendingTurn(turn: StoredTurn, isHeld: boolean, begun: string | undefined): PendingTurn {
  const { turnId } = turn;
  if (turn.status === 'queued') {
    const { parts, into } = askOf(turn);
    const inject = into !== undefined && into === begun;
    return { turnId, status: 'queued', waits: [], input: parts === null ? null : { parts }, inject };
  }
  const waits = waitsOfStored(turn);
  return { turnId, status: waits.length > 0 ? 'waiting' : isHeld ? 'running' : 'interrupted', waits };
}

/** What a turn was left waiting for. */
export function waitsOfStored({ waits }: StoredTurn): readonly TurnWait[] {
  return (waits ?? []) as unknown as readonly TurnWait[];
}

/** How a turn ended. */
export function resultOf({ result, leaf }: StoredTurn): TurnResult {
  return { leaf, ...(result as unknown as Omit<TurnResult, 'leaf'>) };
}
