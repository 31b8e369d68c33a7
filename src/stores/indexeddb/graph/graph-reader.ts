import { nodeIdOf, parseNodeId } from '../../../core/id.ts';
import type { SessionNode } from '../../../core/node.ts';
import { nodeNotFound } from '../../rules/refusal.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { keysOf, type Rows, type SegmentRow } from '../rows/schema.ts';
import {
  decodeChain,
  decodeReceipt,
  decodeSegment,
  decodeTomb,
  type LiveHead,
  type Segment,
} from './decode.ts';
import { readTomb } from './node-places.ts';

/** Every live node of a session, parents before children. @throws `StoredDataCorrupt` */
export async function readAllNodes(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
): Promise<readonly SessionNode[]> {
  const [starts, tombs, found] = await Promise.all([
    readByChain(rows, sessionId, 'chains', (row, chain) => decodeChain(sessionId, chain, row).forkSeq + 1),
    readByChain(rows, sessionId, 'tombs', (row) => decodeTomb(sessionId, row)),
    rows.getAll('segments', keysOf([sessionId])),
  ]);
  const nodes: SessionNode[] = [];
  const known = new Set<string>();
  const ends = new Map<number, number>([[0, 0], ...starts]);
  for (const row of found) {
    const { chain, firstSeq, count, operationId, parentId } = row as SegmentRow;
    const deadFrom = tombs.get(chain) ?? Infinity;
    const linked = parentId === null || known.has(parentId) || firstSeq >= deadFrom;
    if (chain >= head.chains || firstSeq !== ends.get(chain) || !linked) {
      throw corrupt(sessionId, nodeIdOf(operationId, 0), 'it does not follow on a node that is stored');
    }
    ends.set(chain, firstSeq + count);
    if (firstSeq >= deadFrom) continue;
    for (const node of nodesOf(decodeSegment(sessionId, row)).slice(0, deadFrom - firstSeq)) {
      if (known.has(node.id)) throw corrupt(sessionId, node.id, 'it is stored twice');
      nodes.push(node);
      known.add(node.id);
    }
  }
  if (head.leaf !== null && !known.has(head.leaf)) throw corrupt(sessionId, head.leaf, 'the leaf is missing');
  if (nodes.length !== head.nodeCount) {
    const reason = `${nodes.length} live nodes are stored, and there should be ${head.nodeCount}`;
    throw corrupt(sessionId, null, reason);
  }
  return nodes;
}

/** One live node by its id. @throws `NodeNotFound`, `StoredDataCorrupt` */
export async function readNode(
  rows: RowTransaction,
  sessionId: string,
  nodeId: string,
): Promise<SessionNode> {
  const parsed = parseNodeId(nodeId);
  if (parsed === undefined) throw nodeNotFound(sessionId, nodeId);
  const { operationId, ordinal } = parsed;
  const receipt = decodeReceipt(sessionId, await rows.get('receipts', [sessionId, operationId]));
  if (receipt === undefined || ordinal >= receipt.count) throw nodeNotFound(sessionId, nodeId);
  const { chain, firstSeq, count } = receipt;
  const [deadFrom, row] = await Promise.all([
    readTomb(rows, sessionId, chain),
    rows.get('segments', [sessionId, chain, firstSeq, count, operationId]),
  ]);
  if (firstSeq + ordinal >= deadFrom) throw nodeNotFound(sessionId, nodeId);
  if (row === undefined) throw corrupt(sessionId, nodeId, 'it is missing');
  const node = nodesOf(decodeSegment(sessionId, row))[ordinal];
  if (node === undefined) throw corrupt(sessionId, nodeId, 'it is missing');
  return node;
}

/** A number for each chain that has a row. */
async function readByChain(
  rows: RowTransaction,
  sessionId: string,
  store: 'chains' | 'tombs',
  decode: (row: unknown, chain: number) => number,
): Promise<ReadonlyMap<number, number>> {
  const found = (await rows.getAll(store, keysOf([sessionId]))) as readonly Rows[typeof store][];
  return new Map(found.map((row) => [row.chain, decode(row, row.chain)]));
}

/** The nodes of a segment. */
export function nodesOf({ operationId, parentId, nodes }: Segment): readonly SessionNode[] {
  return nodes.map(({ createdAt, body }, ordinal) => ({
    id: nodeIdOf(operationId, ordinal),
    parentId: ordinal === 0 ? parentId : nodeIdOf(operationId, ordinal - 1),
    createdAt,
    body,
  }));
}
