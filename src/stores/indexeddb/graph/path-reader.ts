import type { LashError } from '../../../core/error.ts';
import { nodeIdOf } from '../../../core/id.ts';
import type { SessionNode } from '../../../core/node.ts';
import type { PathRange } from '../../rules/path-range.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { NO_PARENT, type Position } from '../rows/schema.ts';
import { decodeSegment, type Segment } from './decode.ts';
import { readFork, readTomb, segmentAt } from './node-places.ts';

/** The part of a path that lies on one chain: depths `from` to `last`. `whole` says that it begins with the chain. */
export interface Span {
  readonly chain: number;
  readonly from: number;
  readonly last: number;
  readonly whole: boolean;
}

/** The rows of a span; nodes from depth `deadFrom` on are tombstoned. */
interface SpanRows {
  readonly span: Span;
  readonly segments: readonly Segment[];
  readonly deadFrom: number;
}

/** The node that a path ends at. */
export interface PathEnd {
  readonly id: string;
  readonly place: Position;
}

/**
 * The nodes of the path that ends at `leaf`, as far as they lie in `range`, root first. Costs a row for each chain that
 * is passed, and a row and a range read for each chain in the range (law ST19).
 *
 * @throws `StoredDataCorrupt` when one of them is missing, tombstoned, out of place or not sound (law ST6)
 */
export async function readPath(
  rows: RowTransaction,
  sessionId: string,
  leaf: PathEnd,
  range: PathRange,
): Promise<readonly SessionNode[]> {
  const read = (span: Span): Promise<SpanRows> => readSpan(rows, sessionId, span);
  return joinSpans(sessionId, leaf, await walkPath(rows, sessionId, leaf.place, range, read));
}

/** The nodes of one span of the path that ends at `leaf`. @throws as {@link readPath} */
export async function readSpanNodes(
  rows: RowTransaction,
  sessionId: string,
  leaf: PathEnd,
  span: Span,
): Promise<readonly SessionNode[]> {
  return joinSpans(sessionId, leaf, [await readSpan(rows, sessionId, span)]);
}

/**
 * What `visit` makes of each span of a range of the path that ends at `leaf`, root first. Visits go on while the next
 * chain is asked for. It ends, since the parent of a chain has a smaller number.
 *
 * @throws `StoredDataCorrupt` when a chain is missing or does not leave an earlier one
 */
export async function walkPath<T extends object>(
  rows: RowTransaction,
  sessionId: string,
  { chain, seq }: Position,
  range: PathRange,
  visit: (span: Span) => Promise<T>,
): Promise<Awaited<T>[]> {
  const { from, to } = range;
  const { parentChain, forkSeq } = await readFork(rows, sessionId, chain);
  const first = forkSeq + 1;
  if (first > seq) throw corrupt(sessionId, null, `chain ${chain} begins behind the place where it is left`);
  const span = { chain, from: Math.max(first, from), last: Math.min(seq, to - 1), whole: from <= first };
  const isFirst = parentChain === NO_PARENT || first <= from;
  const parent = { chain: parentChain, seq: forkSeq };
  const earlier: Promise<Awaited<T>[]> | Awaited<T>[] = isFirst
    ? []
    : walkPath(rows, sessionId, parent, range, visit);
  const [before, here] = await Promise.all([earlier, span.from <= span.last ? visit(span) : undefined]);
  if (here !== undefined) before.push(here);
  return before;
}

async function readSpan(rows: RowTransaction, sessionId: string, span: Span): Promise<SpanRows> {
  const [deadFrom, segments] = await Promise.all([
    readTomb(rows, sessionId, span.chain),
    readSegments(rows, sessionId, span),
  ]);
  return { span, segments, deadFrom };
}

async function readSegments(
  rows: RowTransaction,
  sessionId: string,
  { chain, from, last, whole }: Span,
): Promise<readonly Segment[]> {
  const first = whole ? from : (await segmentAt(rows, sessionId, { chain, seq: from })).firstSeq;
  const range = IDBKeyRange.bound([sessionId, chain, first], [sessionId, chain, last, []]);
  const segments = await rows.getAll('segments', range);
  return segments.map((row) => decodeSegment(sessionId, row));
}

function joinSpans(sessionId: string, leaf: PathEnd, parts: readonly SpanRows[]): readonly SessionNode[] {
  const { chain, seq } = leaf.place;
  const missing = (depth: number): LashError =>
    corrupt(sessionId, depth === seq ? leaf.id : null, `no node is stored at depth ${depth}`);
  checkOnce(sessionId, parts);
  const nodes: SessionNode[] = [];
  for (const part of parts) appendSpan(sessionId, nodes, part, missing);
  const end = parts.at(-1)?.span;
  if (end?.chain === chain && end.last === seq && nodes.at(-1)?.id !== leaf.id) {
    throw corrupt(sessionId, leaf.id, 'another node is at the place of the leaf');
  }
  return nodes;
}

/** An operation writes one segment, so that no two nodes have the same id. */
function checkOnce(sessionId: string, parts: readonly SpanRows[]): void {
  const seen = new Set<string>();
  for (const { operationId } of parts.flatMap(({ segments }) => segments)) {
    if (seen.has(operationId)) throw corrupt(sessionId, nodeIdOf(operationId, 0), 'it is stored twice');
    seen.add(operationId);
  }
}

/** Adds a span's nodes, each of which must follow on the one before it. */
function appendSpan(
  sessionId: string,
  nodes: SessionNode[],
  part: SpanRows,
  missing: (depth: number) => LashError,
): void {
  const { span, segments } = part;
  let next = segments[0]?.firstSeq ?? span.from;
  if (next > span.from) throw missing(span.from);
  for (const segment of segments) {
    if (segment.firstSeq !== next) {
      const reason = `it is stored at depth ${segment.firstSeq}, and the next one is ${next}`;
      throw corrupt(sessionId, nodeIdOf(segment.operationId, 0), reason);
    }
    appendSegment(sessionId, nodes, part, segment);
    next += segment.count;
  }
  if (next <= span.last) throw missing(next);
}

function appendSegment(
  sessionId: string,
  nodes: SessionNode[],
  { span, deadFrom }: SpanRows,
  { operationId, firstSeq, parentId: parentOfFirst, nodes: drafts }: Segment,
): void {
  for (const [ordinal, { createdAt, body }] of drafts.entries()) {
    const seq = firstSeq + ordinal;
    if (seq < span.from || seq > span.last) continue;
    const id = nodeIdOf(operationId, ordinal);
    const parentId = ordinal === 0 ? parentOfFirst : nodeIdOf(operationId, ordinal - 1);
    const before = nodes.at(-1);
    if (before !== undefined && before.id !== parentId) {
      const reason = `its parent is ${String(parentId)}, and the node before it is ${before.id}`;
      throw corrupt(sessionId, id, reason);
    }
    if (seq >= deadFrom) throw corrupt(sessionId, id, 'it is tombstoned');
    nodes.push({ id, parentId, createdAt, body });
  }
}
