import type { LashError } from '../core/error.ts';
import { nodeIdOf } from '../core/id.ts';
import type { SessionNode } from '../core/node.ts';
import { decodeSegment, type Segment } from './decode.ts';
import { readFork, segmentAt } from './node-places.ts';
import type { PathRange } from './path-range.ts';
import type { RowTransaction } from './row-transaction.ts';
import type { Position } from './schema.ts';
import { corrupt } from './storage-error.ts';

/** The part of a path that lies on one chain: depths `from` to `last`. `whole` says that it begins with the chain. */
interface Span {
  readonly chain: number;
  readonly from: number;
  readonly last: number;
  readonly whole: boolean;
}

/**
 * The nodes of the path that ends at `leaf`, as far as they lie in `range`, root first. Costs a row for each chain that
 * is passed and a range read for each chain in the range (law ST19).
 *
 * @throws `StoredDataCorrupt` when one of them is missing, out of place or not sound (law ST6)
 */
export async function readPath(
  rows: RowTransaction,
  sessionId: string,
  leaf: { readonly id: string; readonly place: Position },
  range: PathRange,
): Promise<readonly SessionNode[]> {
  const spans = await readSpans(rows, sessionId, leaf.place, range);
  const parts = await Promise.all(spans.map((span) => readSpan(rows, sessionId, span)));
  const missing = (depth: number): LashError =>
    corrupt(sessionId, depth === leaf.place.seq ? leaf.id : null, `no node is stored at depth ${depth}`);
  const nodes: SessionNode[] = [];
  for (const [index, segments] of parts.entries()) {
    const span = spans[index];
    if (span !== undefined) appendSpan(sessionId, nodes, span, segments, missing);
  }
  if (range.to === leaf.place.seq + 1 && nodes.at(-1)?.id !== leaf.id) {
    throw corrupt(sessionId, leaf.id, 'another node is at the place of the leaf');
  }
  return nodes;
}

/** The chains that a range of a path lies on, root first. */
async function readSpans(
  rows: RowTransaction,
  sessionId: string,
  leaf: Position,
  { from, to }: PathRange,
): Promise<readonly Span[]> {
  const spans: Span[] = [];
  let { chain, seq } = leaf;
  for (;;) {
    const { parentChain, forkSeq } = await readFork(rows, sessionId, chain);
    const first = forkSeq + 1;
    if (first > seq)
      throw corrupt(sessionId, null, `chain ${chain} begins behind the place where it is left`);
    const span = { chain, from: Math.max(first, from), last: Math.min(seq, to - 1), whole: from <= first };
    if (span.from <= span.last) spans.push(span);
    if (parentChain === null || first <= from) return spans.toReversed();
    chain = parentChain;
    seq = forkSeq;
  }
}

async function readSpan(
  rows: RowTransaction,
  sessionId: string,
  { chain, from, last, whole }: Span,
): Promise<readonly Segment[]> {
  const first = whole ? from : (await segmentAt(rows, sessionId, { chain, seq: from })).firstSeq;
  const range = IDBKeyRange.bound([sessionId, chain, first], [sessionId, chain, last, []]);
  const segments = await rows.getAll('segments', range);
  return segments.map((row) => decodeSegment(sessionId, row));
}

/** Adds a span's nodes, each of which must follow on the one before it. */
function appendSpan(
  sessionId: string,
  nodes: SessionNode[],
  span: Span,
  segments: readonly Segment[],
  missing: (depth: number) => LashError,
): void {
  let next = segments[0]?.firstSeq ?? span.from;
  if (next > span.from) throw missing(span.from);
  for (const segment of segments) {
    if (segment.firstSeq !== next) {
      const reason = `it is stored at depth ${segment.firstSeq}, and the next one is ${next}`;
      throw corrupt(sessionId, nodeIdOf(segment.operationId, 0), reason);
    }
    appendSegment(sessionId, nodes, span, segment);
    next += segment.count;
  }
  if (next <= span.last) throw missing(next);
}

function appendSegment(sessionId: string, nodes: SessionNode[], span: Span, segment: Segment): void {
  for (const [ordinal, { createdAt, body }] of segment.nodes.entries()) {
    const seq = segment.firstSeq + ordinal;
    if (seq < span.from || seq > span.last) continue;
    const id = nodeIdOf(segment.operationId, ordinal);
    const parentId = ordinal === 0 ? segment.parentId : nodeIdOf(segment.operationId, ordinal - 1);
    const before = nodes.at(-1);
    if (before !== undefined && before.id !== parentId) {
      throw corrupt(
        sessionId,
        id,
        `its parent is ${String(parentId)}, and the node before it is ${before.id}`,
      );
    }
    nodes.push({ id, parentId, createdAt, body });
  }
}
