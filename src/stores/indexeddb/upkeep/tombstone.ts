import { parseNodeId } from '../../../core/id.ts';
import type {
  MaintenanceStatus,
  RefusalReason,
  RefusedNode,
  TombstoneReport,
} from '../../../core/maintenance.ts';
import { invalid } from '../../rules/refusal.ts';
import { decodeReceipt, decodeSegmentKey, type LiveHead } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_FORK, type ChainRow, keysOf, type Position, type StoreName } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import { REACH_STORES, readReach } from './root-reach.ts';
import { readTombs } from './tomb-rows.ts';

const STORES: readonly StoreName[] = [...REACH_STORES, 'tombs', 'receipts'];
const MAX_NODES = 1000;

/** What decides which nodes may go. */
interface Surroundings {
  /** For each chain: where its live nodes end. */
  readonly ends: ReadonlyMap<number, number>;
  /** For each chain: the greatest depth that a root reaches. */
  readonly reach: ReadonlyMap<number, number>;
  /** The chains that leave these chains, by the place that they leave. */
  readonly branches: ReadonlyMap<string, readonly ChainRow[]>;
}

/** What becomes of the nodes of a call. */
interface Verdict {
  readonly refused: readonly RefusedNode[];
  /** For each chain of which nodes go: the depth from which on they do. */
  readonly fallen: ReadonlyMap<number, number>;
}

/**
 * Tombstones orphans, as `SessionStore.tombstoneNodes` promises: what is reachable, and what has live descendants, is
 * found out in the same transaction (law ST8).
 */
export async function tombstoneNodes(
  access: SessionAccess,
  nodeIds: readonly string[],
): Promise<TombstoneReport> {
  if (nodeIds.length > MAX_NODES) throw invalid('nodeIds', `must be at most ${MAX_NODES}`);
  const ids = [...new Set(nodeIds)];
  return inSession(access, 'readwrite', STORES, async (rows, head) => {
    const { sessionId } = head;
    const places = await readPlaces(rows, sessionId, ids);
    const { refused, fallen } = decide(ids, places, await readSurroundings(rows, head, [...places.values()]));
    for (const [chain, from] of fallen) rows.put('tombs', { sessionId, chain, from });
    const stays = new Set(refused.map(({ nodeId }) => nodeId));
    const tombstoned = ids.filter((id) => !stays.has(id));
    if (tombstoned.length > 0) {
      rows.put('heads', { ...head, nodeCount: head.nodeCount - tombstoned.length });
    }
    return { status: statusOf(tombstoned.length, refused.length), tombstoned, refused };
  });
}

function statusOf(tombstoned: number, refused: number): MaintenanceStatus {
  if (tombstoned === 0) return refused === 0 ? 'NothingToDo' : 'Refused';
  return refused === 0 ? 'Swept' : 'Incomplete';
}

async function readPlaces(
  rows: RowTransaction,
  sessionId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Position>> {
  const readPlace = async (id: string): Promise<[string, Position][]> => {
    const parsed = parseNodeId(id);
    if (parsed === undefined) return [];
    const { operationId, ordinal } = parsed;
    const receipt = decodeReceipt(sessionId, await rows.get('receipts', [sessionId, operationId]));
    if (receipt === undefined || ordinal >= receipt.count) return [];
    return [[id, { chain: receipt.chain, seq: receipt.firstSeq + ordinal }]];
  };
  return new Map((await Promise.all(ids.map(readPlace))).flat());
}

async function readSurroundings(
  rows: RowTransaction,
  head: LiveHead,
  places: readonly Position[],
): Promise<Surroundings> {
  const { sessionId } = head;
  const first = new Map<number, number>();
  for (const { chain, seq } of places) first.set(chain, Math.min(first.get(chain) ?? seq, seq));
  const readEnd = async (chain: number): Promise<[number, number]> => {
    const last = decodeSegmentKey(sessionId, await rows.lastKey('segments', keysOf([sessionId, chain])));
    return [chain, last.firstSeq + last.count];
  };
  const readBranches = async ([chain, seq]: [number, number]): Promise<readonly unknown[]> => {
    const range = IDBKeyRange.bound([sessionId, chain, seq], [sessionId, chain, []]);
    return rows.getAll('chains', range, { index: BY_FORK });
  };
  const [reach, ownEnds, branchRows] = await Promise.all([
    readReach(rows, sessionId, head),
    Promise.all([...first.keys()].map(readEnd)),
    Promise.all([...first].map(readBranches)),
  ]);
  const chains = branchRows.flat() as readonly ChainRow[];
  const deadFrom = await readTombs(rows, sessionId, [...places, ...chains]);
  const ends = new Map(chains.map(({ chain }) => [chain, deadFrom(chain)]));
  for (const [chain, end] of ownEnds) ends.set(chain, Math.min(end, deadFrom(chain)));
  const branches = new Map<string, ChainRow[]>();
  for (const branch of chains) {
    const place = `${branch.parentChain}:${branch.forkSeq}`;
    branches.set(place, [...(branches.get(place) ?? []), branch]);
  }
  return { ends, reach: reach.chains, branches };
}

/** Descendants first: they are on the same chain behind, or on a chain with a greater number. */
function decide(
  ids: readonly string[],
  places: ReadonlyMap<string, Position>,
  { ends, reach, branches }: Surroundings,
): Verdict {
  const fallen = new Map<number, number>();
  const endOf = (chain: number): number => fallen.get(chain) ?? ends.get(chain) ?? Infinity;
  const reasonFor = ({ chain, seq }: Position): RefusalReason | undefined => {
    const end = endOf(chain);
    if (seq >= end) return 'unknown';
    if (seq <= (reach.get(chain) ?? -1)) return 'reachable';
    const children = branches.get(`${chain}:${seq}`) ?? [];
    const isTip = seq === end - 1 && children.every((child) => endOf(child.chain) <= seq + 1);
    return isTip ? undefined : 'live-descendants';
  };
  const reasons = new Map<string, RefusalReason>();
  for (const [id, place] of [...places].toSorted(([, a], [, b]) => b.chain - a.chain || b.seq - a.seq)) {
    const reason = reasonFor(place);
    if (reason === undefined) fallen.set(place.chain, place.seq);
    else reasons.set(id, reason);
  }
  const refused = ids.flatMap((nodeId) => {
    const reason = places.has(nodeId) ? reasons.get(nodeId) : 'unknown';
    return reason === undefined ? [] : [{ nodeId, reason }];
  });
  return { refused, fallen };
}
