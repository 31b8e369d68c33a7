import type { NodeWalk, WalkPage } from '../../../contract/store.ts';
import { nodeIdOf } from '../../../core/id.ts';
import type { SessionNode } from '../../../core/node.ts';
import { toSessionHead } from '../../rules/head-state.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { decodeWalk, encodeWalk } from '../../rules/walk-page.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { type ChainRow, keysOf, NO_PARENT, type Position, type SegmentRow } from '../rows/schema.ts';
import {
  decodeChain,
  decodeReceipt,
  decodeSegment,
  decodeSegmentKey,
  type LiveHead,
  type Segment,
} from './decode.ts';
import { nodesOf } from './graph-reader.ts';
import { depthOf, readTomb } from './node-places.ts';

/** Rows are read this many at a time, and a page ends behind this many characters: so much of it is in memory. */
const ROWS_AT_ONCE = 16;
const PAGE_LENGTH = 1024 * 1024;

/** The state that is walked: what has a greater revision or chain number came later. */
interface WalkedState {
  readonly revision: number;
  readonly chains: number;
}

/** Some nodes of a chain; `ended` says that there are no more on it. */
interface Run {
  readonly nodes: readonly SessionNode[];
  readonly length: number;
  readonly ended: boolean;
}

/** A page of the walk that `SessionStore.walk` promises. @throws `InvalidInput`, `StoredDataCorrupt` */
export async function walkGraph(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  page: WalkPage,
): Promise<NodeWalk> {
  const { after, limit } = decodeWalk(page, 4);
  const [revision = head.revision, chains = head.chains, chain, seq = 0] = after ?? [];
  const state = { revision, chains };
  let order: readonly Position[] | undefined;
  let at: Position | undefined = chain === undefined ? undefined : { chain, seq };
  if (at === undefined) [at] = order = await readOrder(rows, sessionId, state);
  const nodes: SessionNode[] = [];
  let length = 0;
  while (at !== undefined && nodes.length < limit && length < PAGE_LENGTH) {
    const run = await readRun(rows, sessionId, head, state, at, limit - nodes.length);
    nodes.push(...run.nodes);
    if (run.ended) {
      // This never fills a page: the next one would begin on a chain that may hold tombstoned nodes only, and then be gone.
      order ??= await readOrder(rows, sessionId, state);
      at = chainAfter(order, at.chain);
    } else {
      length += run.length;
      at = { chain: at.chain, seq: at.seq + run.nodes.length };
    }
  }
  const next = at === undefined ? null : encodeWalk(revision, chains, at.chain, at.seq);
  return { head: toSessionHead(head, depthOf(head.place)), nodes, next };
}

/** The next nodes of a chain, live ones of the state that is walked. */
async function readRun(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  state: WalkedState,
  { chain, seq }: Position,
  limit: number,
): Promise<Run> {
  const key = await rows.lastKey('segments', keysOf([sessionId, chain], seq));
  if (key === undefined) return { nodes: [], length: 0, ended: true };
  const { firstSeq } = decodeSegmentKey(sessionId, key);
  const range = IDBKeyRange.bound([sessionId, chain, firstSeq], [sessionId, chain, []]);
  const [deadFrom, found] = await Promise.all([
    readTomb(rows, sessionId, chain),
    rows.getAll('segments', range, { limit: Math.min(limit, ROWS_AT_ONCE) }),
  ]);
  const segments = found.map((row) => decodeSegment(sessionId, row));
  const known =
    head.revision === state.revision ? segments : await until(rows, sessionId, segments, state.revision);
  const nodes = chainUp(sessionId, known, { chain, seq }).filter(
    (_, index) => index < limit && seq + index < deadFrom,
  );
  const length = found.reduce<number>((sum, row) => sum + (row as SegmentRow).nodes.length, 0);
  return { nodes, length, ended: nodes.length === 0 };
}

/** Those of a chain's segments that were written up to this revision: all before the first later one. */
async function until(
  rows: RowTransaction,
  sessionId: string,
  segments: readonly Segment[],
  revision: number,
): Promise<readonly Segment[]> {
  const receipts = await Promise.all(
    segments.map(({ operationId }) => rows.get('receipts', [sessionId, operationId])),
  );
  const later = receipts.findIndex((row) => {
    const receipt = decodeReceipt(sessionId, row);
    if (receipt === undefined) throw corrupt(sessionId, null, 'a receipt is missing');
    return receipt.revision > revision;
  });
  return later < 0 ? segments : segments.slice(0, later);
}

/** The nodes of consecutive segments from `seq` on. @throws `StoredDataCorrupt` when one does not follow on the other */
function chainUp(sessionId: string, segments: readonly Segment[], { seq }: Position): readonly SessionNode[] {
  const nodes: SessionNode[] = [];
  let next = segments[0]?.firstSeq ?? seq;
  const skipped = seq - next;
  for (const segment of segments) {
    const before = nodes.at(-1);
    if (segment.firstSeq !== next || (before !== undefined && before.id !== segment.parentId)) {
      throw corrupt(
        sessionId,
        nodeIdOf(segment.operationId, 0),
        'it does not follow on a node that is stored',
      );
    }
    nodes.push(...nodesOf(segment));
    next += segment.count;
  }
  return nodes.slice(skipped);
}

/** Where each chain begins, in the order of the walk: a chain, then those that fork from it, from the deepest point up. */
async function readOrder(
  rows: RowTransaction,
  sessionId: string,
  { chains }: WalkedState,
): Promise<readonly Position[]> {
  if (chains === 0) return [];
  const children = new Map<number, ChainRow[]>();
  for (const row of (await rows.getAll('chains', keysOf([sessionId], chains - 1))) as readonly ChainRow[]) {
    const fork = decodeChain(sessionId, row.chain, row);
    const siblings = children.get(fork.parentChain);
    if (siblings === undefined) children.set(fork.parentChain, [fork]);
    else siblings.push(fork);
  }
  const order: Position[] = [];
  const first = { chain: 0, forkSeq: NO_PARENT };
  const waiting = [...(children.get(NO_PARENT) ?? []).toReversed(), first];
  for (let fork = waiting.pop(); fork !== undefined; fork = waiting.pop()) {
    order.push({ chain: fork.chain, seq: fork.forkSeq + 1 });
    const below = children.get(fork.chain) ?? [];
    waiting.push(...below.toSorted((a, b) => a.forkSeq - b.forkSeq || b.chain - a.chain));
  }
  return order;
}

/** Nothing follows on a chain that vacuum has removed meanwhile: its nodes are missing, and whoever counts them sees it. */
function chainAfter(order: readonly Position[], chain: number): Position | undefined {
  const at = order.findIndex((start) => start.chain === chain);
  return at < 0 ? undefined : order[at + 1];
}
