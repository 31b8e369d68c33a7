import { parseNodeId } from '../../../core/id.ts';
import { nodeNotFound } from '../../rules/refusal.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { type ChainRow, keysOf, NO_PARENT, type Position } from '../rows/schema.ts';
import { decodeChain, decodeReceipt, decodeSegmentKey, decodeTomb, type LiveHead } from './decode.ts';

/** Chain 0 has no row: it starts with the first root. */
const FIRST_CHAIN = { parentChain: NO_PARENT, forkSeq: NO_PARENT };

/** Where the live node of this id is, by the receipt of its operation; `undefined` if there is no such node. */
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
  const { chain, firstSeq } = receipt;
  const seq = firstSeq + ordinal;
  return seq < (await readTomb(rows, sessionId, chain)) ? { chain, seq } : undefined;
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

/** How many nodes a path has that ends at this place. */
export function depthOf(place: Position | null): number {
  return place === null ? 0 : place.seq + 1;
}

/** The depth from which on the nodes of this chain are tombstoned. @throws `StoredDataCorrupt` */
export async function readTomb(rows: RowTransaction, sessionId: string, chain: number): Promise<number> {
  return decodeTomb(sessionId, await rows.get('tombs', [sessionId, chain]));
}

/** Whether a place is on the active path. Costs a row for each chain on the way. @throws `StoredDataCorrupt` */
export async function isActive(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  place: Position,
): Promise<boolean> {
  let on = head.place;
  while (on !== null && on.chain > place.chain) {
    const { parentChain, forkSeq } = await readFork(rows, sessionId, on.chain);
    on = parentChain === NO_PARENT ? null : { chain: parentChain, seq: forkSeq };
  }
  return on !== null && on.chain === place.chain && place.seq <= on.seq;
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
