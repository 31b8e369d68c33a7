import { LashError } from '../../core/error.ts';
import {
  checkQueued,
  endedAs,
  inputNotQueued,
  type KeptTurn,
  RUNNING_PLACE,
  type RunningTurn,
  turnNotFound,
} from './kept-turn.ts';
import type { PlannedTurnChange } from './turn-plan.ts';
import { checkHash } from './turn-queue.ts';

/** What a store found of the turns that a commit is about. */
export interface FoundTurns {
  /** The turn of the session that has begun and not ended. */
  readonly running: RunningTurn | undefined;
  /** Those of {@link namedTurns} that are kept, by id. */
  readonly named: ReadonlyMap<string, KeptTurn>;
}

/** The turns that have to be looked up for a change, besides the one that has begun. */
export function namedTurns(change: PlannedTurnChange): readonly string[] {
  switch (change.kind) {
    case 'begin':
      return [change.turnId];
    case 'progress':
      return change.settles;
    case 'end':
      return [];
    default:
      return change satisfies never;
  }
}

/**
 * The turns that a commit changes, the one that it is about first, then the inputs that it settles. `leaf` is the leaf
 * that the commit leaves behind.
 *
 * @throws `OperationConflict`, `InputNotQueued`, `TurnRunning`, `TurnNotFound`
 */
export function changeTurns(
  sessionId: string,
  change: PlannedTurnChange,
  found: FoundTurns,
  leaf: string | null,
): readonly KeptTurn[] {
  if (change.kind === 'begin') return [beginTurn(sessionId, change, found, leaf)];
  const { running } = found;
  if (running?.turnId !== change.turnId) throw turnNotFound(sessionId, change.turnId);
  if (change.kind === 'end') return [endedAs(running, change.result, { leaf })];
  const { state, settles, settledAs } = change;
  const settled = settles.map((id) => endedAs(checkQueued(id, found.named.get(id)), settledAs, { leaf }));
  return [{ ...running, state, waits: null, leaf }, ...settled];
}

function beginTurn(
  sessionId: string,
  { turnId, hash, state, at }: Extract<PlannedTurnChange, { readonly kind: 'begin' }>,
  { running, named }: FoundTurns,
  leaf: string | null,
): RunningTurn {
  const kept = named.get(turnId);
  if (kept !== undefined) checkHash(kept, hash);
  if (kept?.status === 'ended') throw inputNotQueued(turnId, kept.status);
  if (running !== undefined) {
    const message = `Turn ${running.turnId} of session ${sessionId} is running`;
    throw new LashError('TurnRunning', message, { sessionId, turnId: running.turnId });
  }
  const begun = { status: 'running', place: RUNNING_PLACE, state, waits: null, leaf } as const;
  return { turnId, hash, at: kept?.at ?? at, ...begun };
}
