import type { LashError } from '../../../core/error.ts';
import { nodeIdOf } from '../../../core/id.ts';
import type { NodeDraft } from '../../../core/node.ts';
import type { SessionMeta } from '../../../core/policy.ts';
import type { UsageEntry } from '../../../core/usage.ts';
import { bodyFault, isCount, isFields, isUsage } from '../../rules/node-fault.ts';
import { parentFault } from '../../rules/session-parent.ts';
import { sessionDeleted, sessionNotFound } from '../../rules/session-state.ts';
import { corrupt } from '../../rules/storage-error.ts';
import {
  type ChainRow,
  type HeadRow,
  type MetaRow,
  NO_PARENT,
  type Position,
  type ReceiptRow,
  type SegmentRow,
} from '../rows/schema.ts';

/** The head row of a session that can be used. */
export type LiveHead = Extract<HeadRow, { readonly kind: 'live' }>;

const COUNTERS = ['revision', 'epoch', 'nodeCount', 'bytes', 'chains', 'checkpoints'] as const;

/** A counter that stands here was not counted up to it; below, the next one is still exact. */
const COUNTER_END = 2 ** 52;

/** Strict readers of stored rows (law ST6): what is not as it was written is `StoredDataCorrupt`. */

/**
 * `importing` is the handle of an import: to all others, a session that is being imported is not there.
 *
 * @throws `SessionNotFound` when there is no row, `SessionDeleted`, `StoredDataCorrupt`
 */
export function decodeHead(sessionId: string, row: unknown, importing = false): LiveHead {
  if (row === undefined) throw sessionNotFound(sessionId);
  if (!isFields(row)) throw corrupt(sessionId, null, 'its head is not a record');
  if (row['kind'] === 'deleted') throw sessionDeleted(sessionId);
  const leaf = row['leaf'];
  const sound =
    row['kind'] === 'live' &&
    isLeaf(leaf, row['place']) &&
    isLedger(row['ledger']) &&
    isCount(row['updatedAt']) &&
    typeof row['atTip'] === 'boolean' &&
    (row['pending'] === undefined || row['pending'] === 1) &&
    (row['ordinary'] === undefined || row['ordinary'] === 1) &&
    (row['parentId'] === undefined || typeof row['parentId'] === 'string') &&
    COUNTERS.every((name) => isCount(row[name]) && row[name] < COUNTER_END);
  if (!sound) throw corrupt(sessionId, typeof leaf === 'string' ? leaf : null, 'its head is not complete');
  if (row['pending'] !== undefined && !importing) throw sessionNotFound(sessionId);
  return row as unknown as LiveHead;
}

/** What to say of a session that has no head, where its meta is there: both come and go together. */
export function headMissing(sessionId: string): LashError<'StoredDataCorrupt'> {
  return corrupt(sessionId, null, 'its head is missing');
}

/** @throws `StoredDataCorrupt`, also when there is no row */
export function decodeMeta(sessionId: string, row: unknown): MetaRow {
  const sound =
    isFields(row) &&
    typeof row['token'] === 'string' &&
    typeof row['title'] === 'string' &&
    isCount(row['createdAt']) &&
    isFields(row['policy']) &&
    (row['parent'] === undefined || parentFault(row['parent']) === undefined);
  if (!sound) throw corrupt(sessionId, null, 'its title and policy are missing or not complete');
  return row as unknown as MetaRow;
}

/** Meta as the rest of the package sees it. */
export function metaOf({ token: _token, ...meta }: MetaRow, updatedAt: number): SessionMeta {
  return { ...meta, updatedAt };
}

/** @throws `StoredDataCorrupt`, but returns `undefined` when there is no row */
export function decodeReceipt(sessionId: string, row: unknown): ReceiptRow | undefined {
  if (row === undefined) return undefined;
  const sound =
    isFields(row) &&
    typeof row['hash'] === 'string' &&
    isCount(row['revision']) &&
    (row['leaf'] === null || typeof row['leaf'] === 'string') &&
    isCount(row['count']) &&
    isCount(row['chain']) &&
    isCount(row['firstSeq']) &&
    isCount(row['bytes']) &&
    isCount(row['at']) &&
    isTextList(row['attachments']);
  if (!sound) throw corrupt(sessionId, null, 'a receipt is not complete');
  return row as unknown as ReceiptRow;
}

/** A chain's parent has a smaller number, so that following parents ends. @throws `StoredDataCorrupt` */
export function decodeChain(sessionId: string, chain: number, row: unknown): ChainRow {
  if (!isFields(row) || row['chain'] !== chain) throw corrupt(sessionId, null, `chain ${chain} is missing`);
  const parent = row['parentChain'];
  const forkSeq = row['forkSeq'];
  const sound =
    parent === NO_PARENT ? forkSeq === NO_PARENT : isCount(parent) && parent < chain && isCount(forkSeq);
  if (!sound) throw corrupt(sessionId, null, `chain ${chain} does not fork from an earlier one`);
  return row as unknown as ChainRow;
}

/** The depth from which on the nodes of a chain are tombstoned; past all depths if none is. @throws `StoredDataCorrupt` */
export function decodeTomb(sessionId: string, row: unknown): number {
  if (row === undefined) return Infinity;
  if (isFields(row) && isCount(row['from'])) return row['from'];
  throw corrupt(sessionId, null, 'a tombstone is not complete');
}

/** A segment whose nodes were read. */
export interface Segment extends Omit<SegmentRow, 'nodes'> {
  readonly nodes: readonly NodeDraft[];
}

/** @throws `StoredDataCorrupt` naming the first node that is not sound, also when there is no row */
export function decodeSegment(sessionId: string, row: unknown): Segment {
  if (!isFields(row)) throw corrupt(sessionId, null, 'nodes are missing');
  const { operationId, firstSeq, count, parentId, nodes: text } = row as unknown as SegmentRow;
  const first = nodeIdOf(operationId, 0);
  if ((firstSeq === 0) !== (parentId === null) || (parentId !== null && typeof parentId !== 'string')) {
    throw corrupt(sessionId, first, 'the link to its parent is not sound');
  }
  const nodes = parseList(text);
  if (nodes === undefined) throw corrupt(sessionId, first, 'it is not stored as a node');
  for (let ordinal = 0; ordinal < count; ordinal++) {
    if (isNode(nodes[ordinal])) continue;
    throw corrupt(sessionId, nodeIdOf(operationId, ordinal), 'it is not stored as a node');
  }
  if (nodes.length !== count)
    throw corrupt(sessionId, nodeIdOf(operationId, count), 'its operation did not write it');
  return { ...(row as unknown as SegmentRow), nodes: nodes as readonly NodeDraft[] };
}

/** What the key of a segment says. @throws `StoredDataCorrupt` */
export function decodeSegmentKey(
  sessionId: string,
  key: IDBValidKey | undefined,
): Pick<SegmentRow, 'chain' | 'firstSeq' | 'count' | 'operationId'> {
  if (Array.isArray(key)) {
    const [, chain, firstSeq, count, operationId] = key;
    if (isCount(chain) && isCount(firstSeq) && isCount(count) && typeof operationId === 'string') {
      return { chain, firstSeq, count, operationId };
    }
  }
  throw corrupt(sessionId, null, 'nodes are missing');
}

function parseList(text: unknown): readonly unknown[] | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isNode(value: unknown): value is NodeDraft {
  return isFields(value) && isCount(value['createdAt']) && bodyFault(value['body']) === undefined;
}

function isLeaf(leaf: unknown, place: unknown): boolean {
  if (leaf === null) return place === null;
  return typeof leaf === 'string' && isPosition(place);
}

function isPosition(place: unknown): place is Position {
  return isFields(place) && isCount(place['chain']) && isCount(place['seq']);
}

function isTextList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isLedger(ledger: unknown): ledger is readonly UsageEntry[] {
  if (!Array.isArray(ledger)) return false;
  return ledger.every(
    (row: unknown) =>
      isFields(row) &&
      typeof row['source'] === 'string' &&
      typeof row['model'] === 'string' &&
      isUsage(row['usage']),
  );
}
