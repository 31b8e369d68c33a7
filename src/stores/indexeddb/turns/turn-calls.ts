import type { Durability } from '../../../contract/durability.ts';
import type { QueuedInput, StoredTurn, TurnRecord, TurnSignal } from '../../../contract/turn-store.ts';
import type { JsonValue } from '../../../core/json.ts';
import { checkQueued, endedAs, type KeptTurn, RUNNING_PLACE, turnNotFound } from '../../rules/kept-turn.ts';
import { checkEpoch } from '../../rules/refusal.ts';
import { entriesToAdd, isLatest } from '../../rules/turn-journal.ts';
import { planInput, planRecord, planSignal, toText } from '../../rules/turn-plan.ts';
import { acceptInput, moveInput } from '../../rules/turn-queue.ts';
import { decodeHead } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_PLACE, keysOf, type StoreName } from '../rows/schema.ts';
import type { SessionAccess } from '../session-access.ts';
import {
  decodeLength,
  decodePending,
  decodeRecording,
  decodeSignal,
  decodeTurn,
  parseJson,
  pendingRows,
  showTurn,
} from './turn-rows.ts';

/** Each of these is one transaction that may run again when its outcome is not known: it finds what it did (law ST16). */

/** Queues an input, as `TurnStore.accept` promises. An input that is acknowledged is on the disk (law ST20). */
export async function acceptTurn(access: SessionAccess, given: QueuedInput): Promise<StoredTurn> {
  const { sessionId } = access;
  const input = planInput(given);
  return write({ ...access, durability: 'strict' }, ['turns'], async (rows) => {
    const [found, behind] = await Promise.all([
      readTurn(rows, sessionId, input.turnId),
      rows.getLast('turns', BY_PLACE, keysOf([sessionId]), 1),
    ]);
    const [last] = decodePending(sessionId, behind);
    const turn = acceptInput(found, input, last?.place ?? RUNNING_PLACE);
    if (turn !== found) rows.add('turns', { ...turn, sessionId });
    return showTurn(sessionId, turn);
  });
}

/** Adds to a journal, as `TurnStore.record` promises. */
export async function recordTurn(access: SessionAccess, given: TurnRecord): Promise<void> {
  const { sessionId } = access;
  const record = planRecord(given);
  const { turnId, epoch, first, waits, durability = access.durability } = record;
  await write({ ...access, durability }, ['turns', 'journal'], async (rows, actual) => {
    const [turn, lastKey] = await Promise.all([
      readTurn(rows, sessionId, turnId),
      rows.lastKey('journal', keysOf([sessionId, turnId])),
    ]);
    checkEpoch(epoch, actual);
    if (turn?.status !== 'running') throw turnNotFound(sessionId, turnId);
    const length = decodeLength(sessionId, turnId, lastKey);
    const standing = first < length ? await readEntries(rows, sessionId, turnId, first) : [];
    const added = entriesToAdd(record, length, standing);
    for (const [index, text] of added.entries())
      rows.add('journal', { sessionId, turnId, seq: length + index + 1, text });
    if (isLatest(record, length) && turn.waits !== waits) rows.put('turns', { ...turn, sessionId, waits });
  });
}

/** Gives a signal, as `TurnStore.signal` promises. */
export async function signalTurn(access: SessionAccess, given: TurnSignal): Promise<TurnSignal> {
  const { sessionId } = access;
  const { turnId, signalId, value } = planSignal(given);
  return write(access, ['turns', 'signals'], async (rows) => {
    const [turn, standing] = await Promise.all([
      readTurn(rows, sessionId, turnId),
      rows.get('signals', [sessionId, turnId, signalId]),
    ]);
    if (turn === undefined || turn.status === 'ended') throw turnNotFound(sessionId, turnId);
    if (standing !== undefined) return decodeSignal(sessionId, standing);
    rows.add('signals', { sessionId, turnId, signalId, value });
    return { turnId, signalId, value: parseJson(sessionId, value) };
  });
}

/**
 * Moves a queued input, as `TurnStore.move` promises. A repetition that finds it where the call put it leaves it there,
 * whatever has become of the one that it went before.
 */
export async function moveTurn(access: SessionAccess, turnId: string, before: string | null): Promise<void> {
  const { sessionId } = access;
  let placed: number | undefined;
  await write(access, ['turns'], async (rows) => {
    const pending = decodePending(sessionId, await pendingRows(rows, sessionId));
    const queue = pending.filter((turn) => turn.status === 'queued');
    if (placed !== undefined && queue.find((turn) => turn.turnId === turnId)?.place === placed) return;
    const others = await readTurns(rows, sessionId, before === null ? [turnId] : [turnId, before]);
    const moved = moveInput(queue, turnId, before, (id) => others.get(id));
    for (const turn of moved) rows.put('turns', { ...turn, sessionId });
    placed = moved.find((turn) => turn.turnId === turnId)?.place;
  });
}

/** Ends a queued input, as `TurnStore.withdraw` promises. */
export async function withdrawTurn(
  access: SessionAccess,
  turnId: string,
  given: JsonValue,
): Promise<StoredTurn> {
  const { sessionId } = access;
  const result = toText(given, 'result');
  const token = crypto.randomUUID();
  return write(access, ['turns', 'signals'], async (rows) => {
    const found = await readTurn(rows, sessionId, turnId);
    if (found?.status === 'ended' && found.token === token) return showTurn(sessionId, found);
    const turn = endedAs(checkQueued(turnId, found), result, { leaf: null, token });
    rows.put('turns', { ...turn, sessionId });
    rows.delete('signals', keysOf([sessionId, turnId]));
    return showTurn(sessionId, turn);
  });
}

/** Runs `body` in one transaction on a session that lives; it is told the session's epoch. */
async function write<T>(
  { sessionId, importing, database, durability, counts }: SessionAccess & { readonly durability: Durability },
  stores: readonly StoreName[],
  body: (rows: RowTransaction, epoch: number) => Promise<T>,
): Promise<T> {
  const options = { mode: 'readwrite', durability, counts, repeatable: true } as const;
  return database.transaction({ ...options, stores: ['heads', ...stores] }, async (rows) => {
    const { epoch } = decodeHead(sessionId, await rows.get('heads', sessionId), importing);
    return body(rows, epoch);
  });
}

async function readTurn(
  rows: RowTransaction,
  sessionId: string,
  turnId: string,
): Promise<KeptTurn | undefined> {
  return decodeTurn(sessionId, await rows.get('turns', [sessionId, turnId]));
}

async function readTurns(
  rows: RowTransaction,
  sessionId: string,
  turnIds: readonly string[],
): Promise<ReadonlyMap<string, KeptTurn>> {
  const turns = await Promise.all(turnIds.map((turnId) => readTurn(rows, sessionId, turnId)));
  return new Map(turns.flatMap((turn) => (turn === undefined ? [] : [[turn.turnId, turn]])));
}

/** The entries of a journal from this place on; the plan is before the first of them. */
async function readEntries(
  rows: RowTransaction,
  sessionId: string,
  turnId: string,
  first: number,
): Promise<readonly string[]> {
  const range = IDBKeyRange.bound([sessionId, turnId, first + 1], [sessionId, turnId, []]);
  const texts = decodeRecording(sessionId, turnId, await rows.getAll('journal', range), first + 1);
  for (const text of texts) parseJson(sessionId, text);
  return texts;
}
