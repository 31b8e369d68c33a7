import type { OrphanPage } from '../../../contract/store.ts';
import { nodeIdOf } from '../../../core/id.ts';
import type { Page } from '../../../core/policy.ts';
import { isCount } from '../../rules/node-fault.ts';
import { invalid } from '../../rules/refusal.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { decodeReceipt, decodeSegmentKey, type LiveHead } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { Position, StoreName } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import { type Reach, REACH_STORES, readReach } from './root-reach.ts';
import { readTombs } from './tomb-rows.ts';

const STORES: readonly StoreName[] = [...REACH_STORES, 'tombs', 'receipts'];
const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** How many segments a page looks at before it makes do with fewer nodes than asked for, or none: nobody waits long for it. */
const MAX_LOOKS = 1000;

/** A run of nodes of one segment, at depths `from` to `last`, that no root reaches. */
interface Run {
  readonly operationId: string;
  readonly chain: number;
  readonly firstSeq: number;
  readonly from: number;
  readonly last: number;
}

/** A page of live nodes that no root reaches, as `SessionStore.orphanedNodeIds` promises. Reads no node (law ST8). */
export async function listOrphans(access: SessionAccess, page: OrphanPage): Promise<Page<string>> {
  const { after, limit = DEFAULT_LIMIT, writtenBefore = Infinity } = page;
  if (!isCount(limit) || limit === 0 || limit > MAX_LIMIT)
    throw invalid('limit', `must be 1 to ${MAX_LIMIT}`);
  const before = after === undefined ? null : decodePosition(after);
  return inSession(access, 'readonly', STORES, async (rows, head) => {
    const reach = await readReach(rows, access.sessionId, head);
    const items: string[] = [];
    let position = before;
    for (let looks = 0; looks < MAX_LOOKS;) {
      const { runs, isLast } = await readRuns(rows, head, reach, position, limit - items.length + 1);
      for (const { run, last } of await readWanted(rows, head.sessionId, runs, writtenBefore)) {
        for (let seq = last; seq >= run.from; seq--) {
          if (items.length === limit) return { items, next: encodePosition(position) };
          items.push(nodeIdOf(run.operationId, seq - run.firstSeq));
          position = { chain: run.chain, seq };
        }
        position = { chain: run.chain, seq: run.from };
      }
      if (isLast) return { items, next: null };
      looks += runs.length;
    }
    return { items, next: encodePosition(position) };
  });
}

/** The next runs, greatest chain and depth first, until they hold `wanted` nodes. `isLast`: there are no more. */
async function readRuns(
  rows: RowTransaction,
  { sessionId }: LiveHead,
  { chains }: Reach,
  before: Position | null,
  wanted: number,
): Promise<{ readonly runs: readonly Run[]; readonly isLast: boolean }> {
  const runs: Run[] = [];
  let left = wanted;
  const end = before === null ? [sessionId, []] : [sessionId, before.chain, before.seq - 1, []];
  await rows.walkBack('segments', IDBKeyRange.bound([sessionId], end), (key) => {
    const { chain, firstSeq, count, operationId } = decodeSegmentKey(sessionId, key);
    const from = Math.max(firstSeq, (chains.get(chain) ?? -1) + 1);
    const tip = firstSeq + count - 1;
    const last = before?.chain === chain ? Math.min(tip, before.seq - 1) : tip;
    if (last < from) return [sessionId, chain];
    const behind = runs.at(-1);
    if (behind?.chain === chain && behind.firstSeq !== tip + 1) {
      throw corrupt(sessionId, nodeIdOf(behind.operationId, 0), 'its parent is missing');
    }
    runs.push({ operationId, chain, firstSeq, from, last });
    left -= last - from + 1;
    if (left <= 0) return false;
    return from > firstSeq ? [sessionId, chain] : true;
  });
  return { runs, isLast: left > 0 };
}

/** Runs with the last depth that lives and was written early enough; it is before the run if there is none. */
async function readWanted(
  rows: RowTransaction,
  sessionId: string,
  runs: readonly Run[],
  writtenBefore: number,
): Promise<readonly { readonly run: Run; readonly last: number }[]> {
  const isYoung = async ({ operationId }: Run): Promise<boolean> => {
    if (writtenBefore === Infinity) return false;
    const row = await rows.get('receipts', [sessionId, operationId]);
    return (decodeReceipt(sessionId, row)?.at ?? writtenBefore) >= writtenBefore;
  };
  const [deadFrom, young] = await Promise.all([
    readTombs(rows, sessionId, runs),
    Promise.all(runs.map(isYoung)),
  ]);
  return runs.map((run, index) => ({
    run,
    last: young[index] === true ? -1 : Math.min(run.last, deadFrom(run.chain) - 1),
  }));
}

function encodePosition(position: Position | null): string | null {
  return position === null ? null : `${position.chain}:${position.seq}`;
}

function decodePosition(text: string): Position {
  const [chain, seq, ...rest] = text.split(':').map(Number);
  if (isCount(chain) && isCount(seq) && rest.length === 0) return { chain, seq };
  throw invalid('after', 'must be the `next` of another page');
}
