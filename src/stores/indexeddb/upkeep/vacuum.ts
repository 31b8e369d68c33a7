import type { VacuumOptions } from '../../../contract/store.ts';
import { toWireError } from '../../../core/error.ts';
import { nodeIdOf } from '../../../core/id.ts';
import type { MaintenanceStatus, VacuumReport } from '../../../core/maintenance.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { decodeReceipt, decodeSegmentKey, decodeTomb, type LiveHead } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import {
  BY_FORK,
  type ChainRow,
  keysOf,
  type ReceiptRow,
  type StoreName,
  type TombRow,
} from '../rows/schema.ts';
import { inSession, isGone, type SessionAccess, SLICE_ROWS } from '../session-access.ts';
import { readRoots, type Root } from './root-reach.ts';
import { readTombs } from './tomb-rows.ts';

const STORES: readonly StoreName[] = [
  'tombs',
  'pins',
  'chains',
  'segments',
  'receipts',
  'references',
  'checkpoints',
];

/** Rows that go with an operation's last node: its segment and receipt, and its chain's fork and tombstones. */
const ROWS_AT_ONCE = 4;

/** What was done so far. */
type Progress = {
  -readonly [Name in 'removedNodes' | 'removedRows' | 'removedBytes' | 'keptNodes']: number;
} & {
  /** The chain to go on with; nothing is left below 0. */
  next: number;
  /** Whether something was left for the next call. */
  left: boolean;
};

/**
 * Removes what is tombstoned, as `SessionStore.vacuum` promises: chain by chain, greatest number first, each from its
 * end. Whatever it is stopped by, what is left is as sound as before, and the next call finds it by the tombstones.
 */
export async function vacuum(access: SessionAccess, { signal }: VacuumOptions): Promise<VacuumReport> {
  let done: Progress = {
    removedNodes: 0,
    removedRows: 0,
    removedBytes: 0,
    keptNodes: 0,
    next: Number.MAX_SAFE_INTEGER,
    left: false,
  };
  const report = (status: MaintenanceStatus): VacuumReport => {
    const { removedNodes, removedRows, removedBytes, keptNodes } = done;
    return { status, removedNodes, removedRows, removedBytes, keptNodes };
  };
  try {
    while (done.next >= 0) {
      if (signal?.aborted === true) return report('Incomplete');
      const before = done;
      done = await inSession(access, 'readwrite', STORES, (rows, head) => vacuumSlice(rows, head, before));
    }
  } catch (error) {
    if (isGone(error)) throw error;
    return { ...report('Failed'), error: toWireError(error) };
  }
  if (done.left) return report('Incomplete');
  return report(done.removedRows === 0 ? 'NothingToDo' : 'Swept');
}

/** Removes at most {@link SLICE_ROWS} rows. */
async function vacuumSlice(rows: RowTransaction, head: LiveHead, before: Progress): Promise<Progress> {
  const done = { ...before };
  const full = before.removedRows + SLICE_ROWS - ROWS_AT_ONCE;
  const roots = await readRoots(rows, head.sessionId, head);
  while (done.next >= 0 && done.removedRows <= full) {
    const tomb = await readLastTomb(rows, head.sessionId, done.next);
    if (tomb !== undefined) checkRoots(roots, tomb);
    done.next = tomb === undefined ? -1 : await vacuumChain(rows, tomb, done, full);
  }
  const removedBytes = done.removedBytes - before.removedBytes;
  if (removedBytes > 0) rows.put('heads', { ...head, bytes: Math.max(0, head.bytes - removedBytes) });
  return done;
}

/** The tombstones of the chain with the greatest number that is not above `chain`. */
async function readLastTomb(
  rows: RowTransaction,
  sessionId: string,
  chain: number,
): Promise<TombRow | undefined> {
  const key = await rows.lastKey('tombs', keysOf([sessionId], chain));
  if (key === undefined) return undefined;
  const row = await rows.get('tombs', key);
  const from = decodeTomb(sessionId, row);
  return { ...(row as TombRow), from };
}

/** Removes the dead nodes of a chain, as far as there is room; the chain to go on with. */
async function vacuumChain(
  rows: RowTransaction,
  tomb: TombRow,
  done: Progress,
  full: number,
): Promise<number> {
  const { sessionId, chain, from } = tomb;
  if (await hasBranches(rows, tomb)) {
    done.left = true;
    return chain - 1;
  }
  const room = full + ROWS_AT_ONCE - done.removedRows;
  const [checkpoints, { segments, rest }] = await Promise.all([
    rows.getKeys('checkpoints', IDBKeyRange.bound([sessionId, chain, from], [sessionId, chain, []]), {
      limit: room,
    }),
    readDeadSegments(rows, tomb, room),
  ]);
  for (const key of checkpoints) remove(rows, done, 'checkpoints', key);
  const receipts = await Promise.all(segments.map((segment) => readReceipt(rows, sessionId, segment)));
  for (const [index, { firstSeq, count, operationId }] of segments.entries()) {
    const receipt = receipts[index];
    if (receipt === undefined || done.removedRows > full) return chain;
    await removeReferences(rows, done, receipt, full);
    if (done.removedRows > full) return chain;
    remove(rows, done, 'segments', [sessionId, chain, firstSeq, count, operationId]);
    remove(rows, done, 'receipts', [sessionId, operationId]);
    done.removedNodes += count;
    done.removedBytes += receipt.bytes;
  }
  if (rest === 'unknown' || checkpoints.length === room) return chain;
  if (rest > from) done.keptNodes += rest - from;
  else remove(rows, done, 'tombs', [sessionId, chain]);
  if (rest === 0 && chain > 0) remove(rows, done, 'chains', [sessionId, chain]);
  return chain - 1;
}

/**
 * Whether chains hang below the dead nodes: dead ones, that were tombstoned since this vacuum passed them.
 *
 * @throws `StoredDataCorrupt` if one of them lives
 */
async function hasBranches(rows: RowTransaction, { sessionId, chain, from }: TombRow): Promise<boolean> {
  const range = IDBKeyRange.bound([sessionId, chain, from], [sessionId, chain, []]);
  const branches = (await rows.getAll('chains', range, { index: BY_FORK, limit: SLICE_ROWS })) as ChainRow[];
  const deadFrom = await readTombs(rows, sessionId, branches);
  for (const { chain: branch, forkSeq } of branches) {
    if (deadFrom(branch) <= forkSeq + 1) continue;
    throw corrupt(sessionId, null, `chain ${branch} hangs below a tombstoned node`);
  }
  return branches.length > 0;
}

/**
 * The last segments of a chain that are dead as a whole, last one first, and where the nodes before them end: 0 if there
 * are none, `unknown` if there are more segments than there is room for.
 */
async function readDeadSegments(
  rows: RowTransaction,
  { sessionId, chain, from }: TombRow,
  room: number,
): Promise<{ readonly segments: readonly SegmentKey[]; readonly rest: number | 'unknown' }> {
  const segments: SegmentKey[] = [];
  let rest: number | 'unknown' = 0;
  await rows.walkBack('segments', keysOf([sessionId, chain]), (key) => {
    const segment = decodeSegmentKey(sessionId, key);
    if (segment.firstSeq < from) rest = segment.firstSeq + segment.count;
    else if (segments.length * 2 >= room) rest = 'unknown';
    else return segments.push(segment) > 0;
    return false;
  });
  return { segments, rest };
}

async function readReceipt(
  rows: RowTransaction,
  sessionId: string,
  segment: SegmentKey,
): Promise<ReceiptRow> {
  const { chain, firstSeq, count, operationId } = segment;
  const receipt = decodeReceipt(sessionId, await rows.get('receipts', [sessionId, operationId]));
  if (receipt?.chain === chain && receipt.firstSeq === firstSeq && receipt.count === count) return receipt;
  throw corrupt(sessionId, nodeIdOf(operationId, 0), 'its receipt is missing');
}

/** Removes what an operation refers to, as far as there is room. */
async function removeReferences(
  rows: RowTransaction,
  done: Progress,
  { sessionId, operationId, attachments }: ReceiptRow,
  full: number,
): Promise<void> {
  const keys = attachments.map((id) => [sessionId, id, operationId]);
  const found = await Promise.all(keys.map((key) => rows.get('references', key)));
  for (const key of keys.filter((_, index) => found[index] !== undefined)) {
    if (done.removedRows > full) return;
    remove(rows, done, 'references', key);
  }
}

/** What a root reaches is never removed, whatever the tombstones say. @throws `StoredDataCorrupt` */
function checkRoots(roots: readonly Root[], { sessionId, chain, from }: TombRow): void {
  for (const { nodeId, place } of roots) {
    if (place.chain === chain && place.seq >= from) throw corrupt(sessionId, nodeId, 'it is tombstoned');
  }
}

function remove(rows: RowTransaction, done: Progress, store: StoreName, key: IDBValidKey): void {
  rows.remove(store, key);
  done.removedRows++;
}

type SegmentKey = ReturnType<typeof decodeSegmentKey>;
