import type { CommitReceipt } from '../../../contract/store.ts';
import { LashError } from '../../../core/error.ts';
import {
  checkCurrent,
  headAfter,
  isReplay,
  type PlannedChange,
  type PlannedCommit,
  receiptOf,
  targetOf,
  toCommitReceipt,
} from '../../rules/commit-plan.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { rowSize } from '../rows/row-size.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import {
  BY_FORK,
  type ChainRow,
  keysOf,
  NO_PARENT,
  type Position,
  type ReceiptRow,
  type StoreName,
} from '../rows/schema.ts';
import { decodeHead, decodeReceipt, type LiveHead } from './decode.ts';
import { depthOf, findPlace, isActive, lastSegment, readTomb } from './node-places.ts';

/** What a commit did, and the head row that it left, or found if it was done before. */
export interface WrittenCommit {
  readonly receipt: CommitReceipt;
  readonly head: LiveHead;
}

/** Where an append goes. `fork` is set when it begins a chain. */
interface Destination {
  readonly chain: number;
  readonly firstSeq: number;
  readonly fork?: Pick<ChainRow, 'parentChain' | 'forkSeq'>;
}

/** An append below the leaf of `head`, which is at `place` and the last node of its chain. */
interface AppendBehind {
  readonly change: PlannedAppend;
  readonly head: LiveHead;
  readonly place: Position;
}

type PlannedAppend = Extract<PlannedChange, { readonly kind: 'append' }>;

/** The object stores that {@link writeAhead} needs. */
export const AHEAD_STORES: readonly StoreName[] = ['heads', 'receipts', 'segments'];

/**
 * Writes a commit within its transaction: a segment, a receipt and the head; a chain row only where it forks (law ST19).
 * The checks come in the order of law ST4.
 */
export async function writeCommit(
  rows: RowTransaction,
  sessionId: string,
  commit: PlannedCommit,
  importing = false,
): Promise<WrittenCommit> {
  const { operationId, change } = commit;
  const [headRow, receiptRow] = await Promise.all([
    rows.get('heads', sessionId),
    rows.get('receipts', [sessionId, operationId]),
  ]);
  const head = decodeHead(sessionId, headRow, importing);
  const done = decodeReceipt(sessionId, receiptRow);
  if (isReplay(commit, head, done) && done !== undefined) {
    return { receipt: toCommitReceipt(done, head, depthOf(head.place), true), head };
  }
  const target = targetOf(change);
  const place =
    target === head.leaf ? await liveLeaf(rows, sessionId, head) : await find(rows, sessionId, target);
  checkCurrent(sessionId, commit, head, {
    targetLives: place !== undefined,
    requiredIsActive: await isRequiredActive(rows, sessionId, change, head),
  });
  if (change.kind === 'append') {
    const destination = await destinationOf(rows, sessionId, head, place ?? null);
    return writeAppend(rows, commit, change, head, destination);
  }
  const moved = change.kind === 'branch' ? { place: place ?? null, atTip: false } : {};
  return writeHead(rows, commit, { ...head, ...headAfter(head, commit), ...moved });
}

/**
 * The same for an append that goes on from `head`, where that is what the head should be: a handle knows it from its
 * own last commit. Everything is asked of the database at once, which saves one of three round trips, and the head is
 * looked at before the transaction may complete. Another head, like a receipt that is there already, undoes all.
 *
 * @throws `HeadRevisionConflict` if the head is another one, whatever it is; {@link writeCommit} then says more
 */
export async function writeAhead(
  rows: RowTransaction,
  commit: PlannedCommit,
  append: AppendBehind,
): Promise<WrittenCommit> {
  const { change, head, place } = append;
  const { sessionId, revision } = head;
  const write = async (): Promise<WrittenCommit> =>
    writeAppend(rows, commit, change, head, { chain: place.chain, firstSeq: place.seq + 1 });
  const [row, written] = await Promise.all([rows.get('heads', sessionId), write()]);
  const found = decodeHead(sessionId, row, head.pending !== undefined);
  if (JSON.stringify(found) === JSON.stringify(head)) return written;
  const data = { expected: revision, actual: found.revision };
  throw new LashError('HeadRevisionConflict', 'The head is not the one that this handle wrote', data);
}

/** `commit` as an append that none of the checks of law ST4 would refuse if `head` is the head and the operation is new. */
export function appendBehind(commit: PlannedCommit, head: LiveHead | undefined): AppendBehind | undefined {
  const { change, epoch, expectedRevision } = commit;
  if (head === undefined || head.place === null || !head.atTip || change.kind !== 'append') return undefined;
  if (needsMore(commit)) return undefined;
  const { leaf, place, revision } = head;
  if (change.parentId !== leaf || (change.requires !== undefined && change.requires !== leaf))
    return undefined;
  return epoch === head.epoch && expectedRevision === revision ? { change, head, place } : undefined;
}

/** Whether a commit writes more than its nodes: a checkpoint, or that its nodes refer to attachments. */
export function needsMore({ checkpoint, attachments }: PlannedCommit): boolean {
  return checkpoint !== undefined || attachments.length > 0;
}

function writeAppend(
  rows: RowTransaction,
  commit: PlannedCommit,
  { parentId, count, nodes, createdAt }: PlannedAppend,
  head: LiveHead,
  { chain, firstSeq, fork }: Destination,
): WrittenCommit {
  const { sessionId } = head;
  const { operationId } = commit;
  if (fork !== undefined) rows.add('chains', { sessionId, chain, ...fork });
  const segment = { sessionId, chain, firstSeq, count, operationId, parentId };
  rows.add('segments', { ...segment, nodes }, rowSize(segment) + commit.bytes);
  const place = { chain, seq: firstSeq + count - 1 };
  const chains = Math.max(head.chains, chain + 1);
  const after = { ...head, ...headAfter(head, commit), place, atTip: true, chains };
  return writeHead(rows, commit, after, { chain, firstSeq, at: createdAt });
}

function writeHead(
  rows: RowTransaction,
  commit: PlannedCommit,
  after: LiveHead,
  written: Pick<ReceiptRow, 'chain' | 'firstSeq' | 'at'> = { chain: 0, firstSeq: 0, at: 0 },
): WrittenCommit {
  const receipt = receiptOf(commit, after);
  const { bytes, attachments } = commit;
  rows.add('receipts', { ...receipt, sessionId: after.sessionId, ...written, bytes, attachments });
  rows.put('heads', after);
  return { receipt: toCommitReceipt(receipt, after, depthOf(after.place), false), head: after };
}

async function find(
  rows: RowTransaction,
  sessionId: string,
  nodeId: string | null,
): Promise<Position | null | undefined> {
  return nodeId === null ? null : findPlace(rows, sessionId, nodeId);
}

/** The place of the leaf. It is a root, so that only damage can have tombstoned it. @throws `StoredDataCorrupt` */
async function liveLeaf(
  rows: RowTransaction,
  sessionId: string,
  { leaf, place }: LiveHead,
): Promise<Position | null> {
  if (place === null || place.seq < (await readTomb(rows, sessionId, place.chain))) return place;
  throw corrupt(sessionId, leaf, 'it is tombstoned');
}

/**
 * An append below the last node of a chain goes on there; any other one begins a chain. So does one where vacuum made that
 * node the last one and a chain leaves it: what goes on with a chain must be older than what leaves it (`walk` says why).
 */
async function destinationOf(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  parent: Position | null,
): Promise<Destination> {
  const newChain = head.chains;
  if (parent === null) {
    return {
      chain: newChain,
      firstSeq: 0,
      ...(newChain > 0 && { fork: { parentChain: NO_PARENT, forkSeq: NO_PARENT } }),
    };
  }
  const { chain, seq } = parent;
  const firstSeq = seq + 1;
  if (parent === head.place && head.atTip) return { chain, firstSeq };
  const last = await lastSegment(rows, sessionId, chain);
  if (last.firstSeq + last.count === firstSeq && !(await hasForks(rows, sessionId, parent))) {
    return { chain, firstSeq };
  }
  return { chain: newChain, firstSeq, fork: { parentChain: chain, forkSeq: seq } };
}

/** Whether a chain leaves this place. Reads one row, if there is one. */
async function hasForks(rows: RowTransaction, sessionId: string, { chain, seq }: Position): Promise<boolean> {
  const range = keysOf([sessionId, chain, seq]);
  return (await rows.getAll('chains', range, { index: BY_FORK, limit: 1 })).length > 0;
}

async function isRequiredActive(
  rows: RowTransaction,
  sessionId: string,
  change: PlannedChange,
  head: LiveHead,
): Promise<boolean> {
  if (change.kind !== 'append' || change.requires === undefined || change.requires === head.leaf) return true;
  const required = await findPlace(rows, sessionId, change.requires);
  return required !== undefined && (await isActive(rows, sessionId, head, required));
}
