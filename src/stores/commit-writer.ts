import type { CommitReceipt } from '../contract/store.ts';
import { LashError } from '../core/error.ts';
import {
  checkCurrent,
  headAfter,
  isReplay,
  type PlannedChange,
  type PlannedCommit,
  receiptOf,
  targetOf,
  toCommitReceipt,
} from './commit-plan.ts';
import { decodeHead, decodeReceipt, type LiveHead } from './decode.ts';
import { findPlace, lastSegment, readFork } from './node-places.ts';
import { rowSize } from './row-size.ts';
import type { RowTransaction } from './row-transaction.ts';
import type { ChainRow, Position, StoreName } from './schema.ts';

/** What a commit did, and the head row that it left. */
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

/** The object stores that {@link writeCommit} needs. */
export const COMMIT_STORES: readonly StoreName[] = ['heads', 'receipts', 'segments', 'chains'];

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
): Promise<WrittenCommit> {
  const { operationId, change } = commit;
  const [headRow, receiptRow] = await Promise.all([
    rows.get('heads', [sessionId]),
    rows.get('receipts', [sessionId, operationId]),
  ]);
  const head = decodeHead(sessionId, headRow);
  const done = decodeReceipt(sessionId, receiptRow);
  if (isReplay(commit, head, done) && done !== undefined) {
    return { receipt: toCommitReceipt(done, head, true), head };
  }
  const target = targetOf(change);
  const place = target === head.leaf ? head.place : await find(rows, sessionId, target);
  checkCurrent(sessionId, commit, head, {
    targetLives: place !== undefined,
    requiredIsActive: await isRequiredActive(rows, sessionId, change, head),
  });
  if (change.kind === 'append') {
    const destination = await destinationOf(rows, sessionId, head, place ?? null);
    return writeAppend(rows, commit, change, head, destination);
  }
  const moved = change.kind === 'branch' ? { place: place ?? null, atTip: false } : {};
  return writeHead(rows, commit, head, { ...head, ...headAfter(head, commit), ...moved });
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
  const { sessionId, revision, epoch, updatedAt } = head;
  const write = async (): Promise<WrittenCommit> =>
    writeAppend(rows, commit, change, head, { chain: place.chain, firstSeq: place.seq + 1 });
  const [row, written] = await Promise.all([rows.get('heads', [sessionId]), write()]);
  const found = decodeHead(sessionId, row);
  if (found.revision === revision && found.epoch === epoch && found.updatedAt === updatedAt) return written;
  const data = { expected: revision, actual: found.revision };
  throw new LashError('HeadRevisionConflict', 'The head is not the one that this handle wrote', data);
}

/** `commit` as an append that none of the checks of law ST4 would refuse if `head` is the head and the operation is new. */
export function appendBehind(commit: PlannedCommit, head: LiveHead | undefined): AppendBehind | undefined {
  const { change, epoch, expectedRevision } = commit;
  if (head === undefined || head.place === null || !head.atTip || change.kind !== 'append') return undefined;
  const { leaf, place, revision } = head;
  if (change.parentId !== leaf || (change.requires !== undefined && change.requires !== leaf))
    return undefined;
  return epoch === head.epoch && expectedRevision === revision ? { change, head, place } : undefined;
}

function writeAppend(
  rows: RowTransaction,
  commit: PlannedCommit,
  { parentId, count, nodes }: PlannedAppend,
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
  return writeHead(rows, commit, head, after, { chain, firstSeq });
}

function writeHead(
  rows: RowTransaction,
  commit: PlannedCommit,
  { sessionId }: LiveHead,
  after: LiveHead,
  { chain, firstSeq }: Destination = { chain: 0, firstSeq: 0 },
): WrittenCommit {
  const receipt = receiptOf(commit, after);
  rows.add('receipts', { ...receipt, sessionId, chain, firstSeq });
  rows.put('heads', after);
  return { receipt: toCommitReceipt(receipt, after, false), head: after };
}

async function find(
  rows: RowTransaction,
  sessionId: string,
  nodeId: string | null,
): Promise<Position | null | undefined> {
  return nodeId === null ? null : findPlace(rows, sessionId, nodeId);
}

/** An append below the last node of a chain goes on there; any other one begins a chain. */
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
      ...(newChain > 0 && { fork: { parentChain: null, forkSeq: -1 } }),
    };
  }
  const { chain, seq } = parent;
  const firstSeq = seq + 1;
  if (parent === head.place && head.atTip) return { chain, firstSeq };
  const last = await lastSegment(rows, sessionId, chain);
  if (last.firstSeq + last.count === firstSeq) return { chain, firstSeq };
  return { chain: newChain, firstSeq, fork: { parentChain: chain, forkSeq: seq } };
}

async function isRequiredActive(
  rows: RowTransaction,
  sessionId: string,
  change: PlannedChange,
  head: LiveHead,
): Promise<boolean> {
  if (change.kind !== 'append' || change.requires === undefined || change.requires === head.leaf) return true;
  if (head.place === null) return false;
  const required = await findPlace(rows, sessionId, change.requires);
  if (required === undefined) return false;
  let { chain, seq } = head.place;
  while (chain > required.chain) {
    const { parentChain, forkSeq } = await readFork(rows, sessionId, chain);
    if (parentChain === null) return false;
    chain = parentChain;
    seq = forkSeq;
  }
  return chain === required.chain && required.seq <= seq;
}
