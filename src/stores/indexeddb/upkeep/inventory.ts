import type { SessionInventory } from '../../../core/maintenance.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { decodeSegmentKey, decodeTomb } from '../graph/decode.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { keysOf, type StoreName, type TombRow } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import { REACH_STORES, readReach, readRoots } from './root-reach.ts';

const STORES: readonly StoreName[] = [...REACH_STORES, 'tombs', 'references', 'attachments'];

/** What a session takes on disk, as `SessionStore.inventory` promises: from keys and counters, without a node. */
export async function takeInventory(access: SessionAccess): Promise<SessionInventory> {
  const { sessionId } = access;
  return inSession(access, 'readonly', STORES, async (rows, head) => {
    const [roots, reach, tombstoned, references] = await Promise.all([
      readRoots(rows, sessionId, { ...head, leaf: null }),
      readReach(rows, sessionId, head),
      countTombstoned(rows, sessionId),
      rows.getKeys('references', keysOf([sessionId])),
    ]);
    const ids = [...new Set((references as [string, string][]).map(([, id]) => id))];
    const sizes = await Promise.all(ids.map((id) => readSize(rows, id)));
    return {
      sessionId,
      nodes: head.nodeCount,
      orphans: head.nodeCount - reach.nodes,
      tombstoned,
      bytes: head.bytes,
      pins: roots.map(({ nodeId }) => nodeId),
      attachments: ids.length,
      attachmentBytes: sizes.reduce((sum, size) => sum + size, 0),
    };
  });
}

async function countTombstoned(rows: RowTransaction, sessionId: string): Promise<number> {
  const tombs = (await rows.getAll('tombs', keysOf([sessionId]))) as readonly TombRow[];
  const counts = await Promise.all(
    tombs.map(async (tomb) => {
      const key = await rows.lastKey('segments', keysOf([sessionId, tomb.chain]));
      const { firstSeq, count } = decodeSegmentKey(sessionId, key);
      return firstSeq + count - decodeTomb(sessionId, tomb);
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

async function readSize(rows: RowTransaction, id: string): Promise<number> {
  const row = await rows.get('attachments', id);
  return isFields(row) && isCount(row['byteLength']) ? row['byteLength'] : 0;
}
