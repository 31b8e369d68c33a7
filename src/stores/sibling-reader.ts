import type { BranchPoint, Sibling } from '../core/branch-point.ts';
import { nodeIdOf } from '../core/id.ts';
import { decodeReceipt, type LiveHead } from './decode.ts';
import { readChains } from './graph-reader.ts';
import { lastSegment, placeOf, segmentAt } from './node-places.ts';
import type { RowTransaction } from './row-transaction.ts';
import type { ChainRow, Position } from './schema.ts';
import { corrupt } from './storage-error.ts';

/** The last node of a chain, and the revision that wrote it. */
interface Tip {
  readonly nodeId: string;
  readonly revision: number;
}

/**
 * The branch points of `nodeIds`, as `SessionStore.siblings` promises. A node's first child goes on its chain, each
 * other one begins a chain; so keys, receipts and chain rows tell it all, and no node is read.
 */
export async function readSiblings(
  rows: RowTransaction,
  sessionId: string,
  head: LiveHead,
  nodeIds: readonly string[],
): Promise<readonly BranchPoint[]> {
  const [chains, places] = await Promise.all([
    readChains(rows, sessionId, head),
    Promise.all(nodeIds.map((nodeId) => placeOf(rows, sessionId, head, nodeId))),
  ]);
  const found: { readonly nodeId: string; readonly children: readonly Position[] }[] = [];
  for (const [index, nodeId] of nodeIds.entries()) {
    const place = places[index];
    const children = place ? childrenOf(chains, parentOf(chains, place)) : [];
    if (children.length > 1) found.push({ nodeId, children });
  }
  const below = found.flatMap(({ children }) => children.flatMap((child) => chainsBelow(chains, child)));
  const tips = await readTips(rows, sessionId, new Set(below));
  const readSibling = async (child: Position): Promise<Sibling> => ({
    nodeId: await readNodeId(rows, sessionId, child),
    tip: latestTip(sessionId, tips, chainsBelow(chains, child)),
  });
  return Promise.all(
    found.map(async ({ nodeId, children }) => ({
      nodeId,
      siblings: await Promise.all(children.map(readSibling)),
    })),
  );
}

function parentOf(chains: readonly ChainRow[], { chain, seq }: Position): Position | null {
  const fork = chains[chain - 1];
  const startsChain = seq === (fork?.forkSeq ?? -1) + 1;
  if (!startsChain) return { chain, seq: seq - 1 };
  return fork === undefined || fork.parentChain === null
    ? null
    : { chain: fork.parentChain, seq: fork.forkSeq };
}

/** The first child goes on the parent's chain (a first root on chain 0), the others follow in the order of their chains. */
function childrenOf(chains: readonly ChainRow[], parent: Position | null): readonly Position[] {
  const forks = chains.filter(
    ({ parentChain, forkSeq }) => parentChain === (parent?.chain ?? null) && forkSeq === (parent?.seq ?? -1),
  );
  const first = { chain: parent?.chain ?? 0, seq: (parent?.seq ?? -1) + 1 };
  return [first, ...forks.map(({ chain, forkSeq }) => ({ chain, seq: forkSeq + 1 }))];
}

/** The chains with nodes below `place`: its own, and what forks from there on. Parents have smaller numbers. */
function chainsBelow(chains: readonly ChainRow[], { chain, seq }: Position): readonly number[] {
  const below = new Set<number>();
  for (const row of chains) {
    const forksHere = row.parentChain === chain && row.forkSeq >= seq;
    if (forksHere || (row.parentChain !== null && below.has(row.parentChain))) below.add(row.chain);
  }
  return [chain, ...below];
}

async function readTips(
  rows: RowTransaction,
  sessionId: string,
  chains: ReadonlySet<number>,
): Promise<ReadonlyMap<number, Tip>> {
  const readTip = async (chain: number): Promise<[number, Tip]> => {
    const { operationId, count } = await lastSegment(rows, sessionId, chain);
    const receipt = decodeReceipt(sessionId, await rows.get('receipts', [sessionId, operationId]));
    const nodeId = nodeIdOf(operationId, count - 1);
    if (receipt === undefined) throw corrupt(sessionId, nodeId, 'its receipt is missing');
    return [chain, { nodeId, revision: receipt.revision }];
  };
  return new Map(await Promise.all([...chains].map(readTip)));
}

function latestTip(sessionId: string, tips: ReadonlyMap<number, Tip>, chains: readonly number[]): string {
  let latest: Tip | undefined;
  for (const chain of chains) {
    const tip = tips.get(chain);
    if (tip !== undefined && tip.revision > (latest?.revision ?? -1)) latest = tip;
  }
  if (latest === undefined) throw corrupt(sessionId, null, 'a chain has no node');
  return latest.nodeId;
}

async function readNodeId(rows: RowTransaction, sessionId: string, place: Position): Promise<string> {
  const { firstSeq, count, operationId } = await segmentAt(rows, sessionId, place);
  const ordinal = place.seq - firstSeq;
  if (ordinal >= count) throw corrupt(sessionId, null, `no node is stored at depth ${place.seq}`);
  return nodeIdOf(operationId, ordinal);
}
