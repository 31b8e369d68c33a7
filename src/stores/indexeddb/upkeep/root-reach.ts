import { nodeIdOf } from '../../../core/id.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { decodeChain, decodeSegmentKey, type LiveHead } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import {
  type ChainRow,
  keysOf,
  NO_PARENT,
  type PinRow,
  type Position,
  type StoreName,
} from '../rows/schema.ts';

/** The object stores that {@link readReach} needs besides `heads`. */
export const REACH_STORES: readonly StoreName[] = ['chains', 'pins', 'segments'];

/** What the roots of a session reach (law ST8). */
export interface Reach {
  /** The greatest depth that is reachable, for each chain on a path of a root. */
  readonly chains: ReadonlyMap<number, number>;
  /** How many nodes are reachable. */
  readonly nodes: number;
}

/** A node that keeps its path. */
export interface Root {
  readonly nodeId: string;
  readonly place: Position;
}

/**
 * Follows the roots (head and pins) to where their chains begin. Reads the chains on their paths only, and a key for each
 * root: if a root is not where it should be, nothing can be said about what it reaches.
 *
 * @throws `StoredDataCorrupt`
 */
export async function readReach(rows: RowTransaction, sessionId: string, head: LiveHead): Promise<Reach> {
  const roots = await readRoots(rows, sessionId, head);
  await Promise.all(roots.map((root) => checkRoot(rows, sessionId, root)));
  const chains = new Map<number, number>();
  const forks = new Map<number, ChainRow>();
  let open = roots.map(({ place }) => place);
  while (open.length > 0) {
    for (const { chain, seq } of open) chains.set(chain, Math.max(chains.get(chain) ?? -1, seq));
    const fresh = [...new Set(open.map(({ chain }) => chain))].filter(
      (chain) => chain > 0 && !forks.has(chain),
    );
    const found = await Promise.all(fresh.map((chain) => rows.get('chains', [sessionId, chain])));
    open = [];
    for (const [index, chain] of fresh.entries()) {
      const fork = decodeChain(sessionId, chain, found[index]);
      forks.set(chain, fork);
      if (fork.parentChain !== NO_PARENT) open.push({ chain: fork.parentChain, seq: fork.forkSeq });
    }
  }
  let nodes = 0;
  for (const [chain, seq] of chains) nodes += seq - (forks.get(chain)?.forkSeq ?? -1);
  return { chains, nodes };
}

/** The head's leaf and the pins. @throws `StoredDataCorrupt` */
export async function readRoots(
  rows: RowTransaction,
  sessionId: string,
  { leaf, place }: LiveHead,
): Promise<readonly Root[]> {
  const pins = (await rows.getAll('pins', keysOf([sessionId]))).map((row) => decodePin(sessionId, row));
  return leaf === null || place === null ? pins : [{ nodeId: leaf, place }, ...pins];
}

async function checkRoot(rows: RowTransaction, sessionId: string, { nodeId, place }: Root): Promise<void> {
  const { chain, seq } = place;
  const key = await rows.lastKey('segments', keysOf([sessionId, chain], seq));
  if (key !== undefined) {
    const { operationId, firstSeq, count } = decodeSegmentKey(sessionId, key);
    if (seq < firstSeq + count && nodeIdOf(operationId, seq - firstSeq) === nodeId) return;
  }
  throw corrupt(sessionId, nodeId, 'it is not where it should be');
}

function decodePin(sessionId: string, row: unknown): PinRow {
  if (isFields(row) && typeof row['nodeId'] === 'string' && isFields(row['place'])) {
    const { chain, seq } = row['place'];
    if (isCount(chain) && isCount(seq)) return row as unknown as PinRow;
  }
  throw corrupt(sessionId, null, 'a pin is not complete');
}
