import type { StoredTurn, TurnSignal } from '../../../contract/turn-store.ts';
import type { LashError } from '../../../core/error.ts';
import type { JsonValue } from '../../../core/json.ts';
import { type KeptTurn, type PendingTurn, RUNNING_PLACE, toStoredTurn } from '../../rules/kept-turn.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_PLACE, keysOf } from '../rows/schema.ts';

/** No queue gets this far; below, places are apart by at least a half where nothing was moved. */
const PLACE_END = 2 ** 52;

/** Strict readers of what is stored of turns: what is not as it was written is `StoredDataCorrupt`. */

/** @throws `StoredDataCorrupt`, but returns `undefined` when there is no row */
export function decodeTurn(sessionId: string, row: unknown): KeptTurn | undefined {
  if (row === undefined) return undefined;
  const sound =
    isFields(row) &&
    typeof row['turnId'] === 'string' &&
    typeof row['hash'] === 'string' &&
    isCount(row['at']) &&
    isStatusSound(row);
  if (!sound) throw corrupt(sessionId, null, 'what is kept of a turn is not complete');
  return row as unknown as KeptTurn;
}

/** The rows of turns that have not ended, in order. @throws `StoredDataCorrupt` */
export function decodePending(sessionId: string, rows: readonly unknown[]): readonly PendingTurn[] {
  const turns = rows
    .map((row) => decodeTurn(sessionId, row))
    .filter((turn) => turn !== undefined && turn.status !== 'ended');
  if (turns.filter((turn) => turn.status === 'running').length < 2) return turns;
  throw corrupt(sessionId, null, 'two turns have begun');
}

/** The rows of the turns that have not ended; with `running`, only of the one that has begun. */
export function pendingRows(
  rows: RowTransaction,
  sessionId: string,
  { running = false }: { readonly running?: boolean } = {},
): Promise<readonly unknown[]> {
  const range = keysOf(running ? [sessionId, RUNNING_PLACE] : [sessionId]);
  return rows.getAll('turns', range, { index: BY_PLACE });
}

/** The texts of a turn's recording, its plan first. @throws `StoredDataCorrupt` */
export function decodeRecording(
  sessionId: string,
  turnId: string,
  rows: readonly unknown[],
  from = 0,
): readonly string[] {
  const texts = rows.map((row, index) => {
    if (isFields(row) && row['seq'] === from + index && typeof row['text'] === 'string') return row['text'];
    throw journalFault(sessionId, turnId);
  });
  if (texts.length === 0) throw journalFault(sessionId, turnId);
  return texts;
}

/** How many entries a journal has, by its last key. @throws `StoredDataCorrupt` */
export function decodeLength(sessionId: string, turnId: string, lastKey: IDBValidKey | undefined): number {
  const seq: unknown = Array.isArray(lastKey) ? lastKey[2] : undefined;
  if (isCount(seq)) return seq;
  throw journalFault(sessionId, turnId);
}

/** @throws `StoredDataCorrupt` */
export function decodeSignal(sessionId: string, row: unknown): TurnSignal {
  if (isFields(row)) {
    const { turnId, signalId, value } = row;
    if (typeof turnId === 'string' && typeof signalId === 'string' && typeof value === 'string')
      return { turnId, signalId, value: parseJson(sessionId, value) };
  }
  throw corrupt(sessionId, null, 'a signal is not complete');
}

/** @throws `StoredDataCorrupt` */
export function showTurn(sessionId: string, turn: KeptTurn): StoredTurn {
  return toStoredTurn(turn, (text) => parseJson(sessionId, text));
}

/** @throws `StoredDataCorrupt` */
export function parseJson(sessionId: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) throw corrupt(sessionId, null, 'what is kept of a turn is no JSON');
    throw error;
  }
}

function isStatusSound(row: Readonly<Record<string, unknown>>): boolean {
  const { status, place, request, state, waits, result, leaf } = row;
  const isLeaf = leaf === null || typeof leaf === 'string';
  switch (status) {
    case 'queued':
      return isPlace(place) && typeof request === 'string';
    case 'running': {
      const isWait = waits === null || typeof waits === 'string';
      return place === RUNNING_PLACE && typeof state === 'string' && isWait && isLeaf;
    }
    case 'ended':
      return place === undefined && typeof result === 'string' && isLeaf;
    default:
      return false;
  }
}

function isPlace(place: unknown): boolean {
  return typeof place === 'number' && place > RUNNING_PLACE && place < PLACE_END;
}

function journalFault(sessionId: string, turnId: string): LashError<'StoredDataCorrupt'> {
  return corrupt(sessionId, null, `the journal of turn ${turnId} is not complete`);
}
