import type { StoredTurn, TurnStatus } from '../../contract/turn-store.ts';
import { LashError } from '../../core/error.ts';
import type { JsonValue } from '../../core/json.ts';

interface TurnIdentity {
  readonly turnId: string;
  readonly hash: string;
  /** When it was accepted. */
  readonly at: number;
}

/** An input that waits for its turn. */
export interface QueuedTurn extends TurnIdentity {
  readonly status: 'queued';
  /** Its place among what has not ended: above {@link RUNNING_PLACE}, and not necessarily a whole number. */
  readonly place: number;
  /** JSON text. */
  readonly request: string;
}

/** A turn that has begun. */
export interface RunningTurn extends TurnIdentity {
  readonly status: 'running';
  readonly place: typeof RUNNING_PLACE;
  /** JSON text: what its last commit said. */
  readonly state: string;
  /** JSON text: what it was left waiting for. */
  readonly waits: string | null;
  /** The node that its last commit left behind. */
  readonly leaf: string | null;
}

/** A turn that ended, or an input that was withdrawn or settled. It has no place, so that no list of places holds it. */
export interface EndedTurn extends TurnIdentity {
  readonly status: 'ended';
  /** JSON text. */
  readonly result: string;
  readonly leaf: string | null;
  /** Of the call that withdrew it: one that has to ask again knows by that whether it was the one. */
  readonly token?: string;
}

/** A turn that has not ended. */
export type PendingTurn = QueuedTurn | RunningTurn;

/** What a store keeps of a turn besides plan, journal and signals. */
export type KeptTurn = PendingTurn | EndedTurn;

/** The place of the turn that has begun: before all that are queued. */
export const RUNNING_PLACE = 0;

/** A kept turn as the contract shows it; `parse` reads the JSON texts in it. */
export function toStoredTurn(turn: KeptTurn, parse: (text: string) => JsonValue): StoredTurn {
  const { turnId, hash, status, at } = turn;
  const shown = { turnId, hash, status, at, request: null, waits: null, result: null, leaf: null };
  switch (turn.status) {
    case 'queued':
      return { ...shown, request: parse(turn.request) };
    case 'running':
      return { ...shown, waits: turn.waits === null ? null : parse(turn.waits), leaf: turn.leaf };
    case 'ended':
      return { ...shown, result: parse(turn.result), leaf: turn.leaf };
    default:
      return turn satisfies never;
  }
}

/** `turn`, ended with this result. */
export function endedAs(
  { turnId, hash, at }: KeptTurn,
  result: string,
  rest: Pick<EndedTurn, 'leaf' | 'token'>,
): EndedTurn {
  return { turnId, hash, at, status: 'ended', result, ...rest };
}

/** No turn of this id has begun and not ended. */
export function turnNotFound(sessionId: string, turnId: string): LashError<'TurnNotFound'> {
  const message = `Session ${sessionId} has no turn ${turnId} that goes on`;
  return new LashError('TurnNotFound', message, { sessionId, turnId });
}

/** The input is not queued (any more). `status` is absent where it never was. */
export function inputNotQueued(
  inputId: string,
  status: TurnStatus | 'unknown' = 'unknown',
): LashError<'InputNotQueued'> {
  return new LashError('InputNotQueued', `Input ${inputId} is not queued: ${status}`, { inputId, status });
}

/** The id was used before, for something else. */
export function turnConflict(turnId: string, reason: string): LashError<'OperationConflict'> {
  return new LashError('OperationConflict', `Turn ${turnId} ${reason}`, { operationId: turnId });
}

/** @throws `InputNotQueued` */
export function checkQueued(inputId: string, turn: KeptTurn | undefined): QueuedTurn {
  if (turn?.status !== 'queued') throw inputNotQueued(inputId, turn?.status);
  return turn;
}
