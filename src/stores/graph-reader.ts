import { nodeIdOf, parseNodeId } from '../core/id.ts';
import type { SessionNode } from '../core/node.ts';
import { nodeNotFound } from './commit-plan.ts';
import { decodeChain, decodeReceipt, decodeSegment, type LiveHead, type Segment } from './decode.ts';
import type { RowTransaction } from './row-transaction.ts';
import { type ChainRow, keysOf } from './schema.ts';
import { corrupt } from './storage-error.ts';

/** The chain rows of a session in the order of their numbers, chain 0 apart. @throws `StoredDataCorrupt` */
export async function readChains(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
): Promise<readonly ChainRow[]> {
  if (head.chains <= 1) return [];
  const found = await rows.getAll('chains', keysOf([sessionId]));
  if (found.length !== head.chains - 1) throw corrupt(sessionId, null, 'a chain is missing');
  return found.map((row, index) => decodeChain(sessionId, index + 1, row));
}

/** Every node of a session, parents before children. @throws `StoredDataCorrupt` */
export async function readAllNodes(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
): Promise<readonly SessionNode[]> {
  const [chains, found] = await Promise.all([
    readChains(rows, sessionId, head),
    rows.getAll('segments', keysOf([sessionId])),
  ]);
  const nodes: SessionNode[] = [];
  const known = new Set<string>();
  const ends = new Map<number, number>();
  for (const row of found) {
    const segment = decodeSegment(sessionId, row);
    const first = nodeIdOf(segment.operationId, 0);
    const next = ends.get(segment.chain) ?? (chains[segment.chain - 1]?.forkSeq ?? -1) + 1;
    const linked = segment.parentId === null || known.has(segment.parentId);
    if (segment.chain >= head.chains || segment.firstSeq !== next || !linked) {
      throw corrupt(sessionId, first, 'it does not follow on a node that is stored');
    }
    ends.set(segment.chain, next + segment.count);
    for (const node of nodesOf(segment)) {
      nodes.push(node);
      known.add(node.id);
    }
  }
  if (nodes.length !== head.nodeCount) {
    throw corrupt(sessionId, null, `${nodes.length} nodes are stored, and ${head.nodeCount} were written`);
  }
  if (head.leaf !== null && !known.has(head.leaf)) throw corrupt(sessionId, head.leaf, 'the leaf is missing');
  return nodes;
}

/** One node by its id. @throws `NodeNotFound`, `StoredDataCorrupt` */
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
  const row = await rows.get('segments', [sessionId, chain, firstSeq, count, operationId]);
  if (row === undefined) throw corrupt(sessionId, nodeId, 'it is missing');
  const node = nodesOf(decodeSegment(sessionId, row))[ordinal];
  if (node === undefined) throw corrupt(sessionId, nodeId, 'it is missing');
  return node;
}

function nodesOf({ operationId, parentId, nodes }: Segment): readonly SessionNode[] {
  return nodes.map(({ createdAt, body }, ordinal) => ({
    id: nodeIdOf(operationId, ordinal),
    parentId: ordinal === 0 ? parentId : nodeIdOf(operationId, ordinal - 1),
    createdAt,
    body,
  }));
}
