import { parseNodeId } from '../core/id.ts';
import { nodeNotFound } from './commit-plan.ts';
import { decodeChain, decodeReceipt, decodeSegmentKey, type LiveHead } from './decode.ts';
import type { RowTransaction } from './row-transaction.ts';
import { type ChainRow, keysOf, type Position } from './schema.ts';

/** Chain 0 has no row: it starts with the first root. */
const FIRST_CHAIN = { parentChain: null, forkSeq: -1 };

/** Where the node of this id is, by the receipt of its operation; `undefined` if there is no such node. */
export async function findPlace(
  rows: RowTransaction,
  sessionId: string,
  nodeId: string,
): Promise<Position | undefined> {
  const parsed = parseNodeId(nodeId);
  if (parsed === undefined) return undefined;
  const { operationId, ordinal } = parsed;
  const receipt = decodeReceipt(sessionId, await rows.get('receipts', [sessionId, operationId]));
  if (receipt === undefined || ordinal >= receipt.count) return undefined;
  return { chain: receipt.chain, seq: receipt.firstSeq + ordinal };
}

/** As {@link findPlace}, for a node that must be there; `null` is the place before the first one. @throws `NodeNotFound` */
export async function placeOf(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  nodeId: string | null,
): Promise<Position | null> {
  if (nodeId === null) return null;
  if (nodeId === head.leaf) return head.place;
  const place = await findPlace(rows, sessionId, nodeId);
  if (place === undefined) throw nodeNotFound(sessionId, nodeId);
  return place;
}

/** Where this chain forks from another one. @throws `StoredDataCorrupt` */
export async function readFork(
  rows: RowTransaction,
  sessionId: string,
  chain: number,
): Promise<Pick<ChainRow, 'parentChain' | 'forkSeq'>> {
  return chain === 0
    ? FIRST_CHAIN
    : decodeChain(sessionId, chain, await rows.get('chains', [sessionId, chain]));
}

/** What the last segment of a chain holds. Reads one key. @throws `StoredDataCorrupt` if the chain has none */
export async function lastSegment(
  rows: RowTransaction,
  sessionId: string,
  chain: number,
): Promise<ReturnType<typeof decodeSegmentKey>> {
  return decodeSegmentKey(sessionId, await rows.lastKey('segments', keysOf([sessionId, chain])));
}

/** The key of the segment that holds this place. Reads one key. @throws `StoredDataCorrupt` if there is none */
export async function segmentAt(
  rows: RowTransaction,
  sessionId: string,
  { chain, seq }: Position,
): Promise<ReturnType<typeof decodeSegmentKey>> {
  return decodeSegmentKey(sessionId, await rows.lastKey('segments', keysOf([sessionId, chain], seq)));
}
