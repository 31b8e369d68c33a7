import type { SessionHead } from '../../core/event.ts';
import type { SessionNode } from '../../core/node.ts';
import { SessionPath } from '../../core/path.ts';
import type { UsageEntry } from '../../core/usage.ts';
import type { HistoryParts } from './history-parts.ts';
import { PAGE_NODES } from './path-pages.ts';
import { residentPath } from './resident-path.ts';

/** One snapshot of a history, as far as it is held in memory. */
export interface LoadedHistory {
  readonly head: SessionHead;
  readonly ledger: readonly UsageEntry[];
  readonly path: SessionPath;
  /** `KeepAll` only: every node. */
  readonly resident: Map<string, SessionNode> | null;
}

/**
 * Reads one snapshot: every node where all are kept, and those that are `known` stay the same objects; else the newest page
 * of the path. @throws `StoredDataCorrupt`
 */
export async function loadHistory(
  { store, soundLeaf }: Pick<HistoryParts, 'store' | 'soundLeaf'>,
  known: ReadonlyMap<string, SessionNode> | null,
): Promise<LoadedHistory> {
  const { sessionId } = store;
  if (known !== null) {
    const { head, ledger, nodes } = await store.load({ kind: 'all' });
    const resident = new Map(nodes.map((node) => [node.id, known.get(node.id) ?? node]));
    return { head, ledger, resident, path: residentPath(sessionId, head.leaf, resident) };
  }
  const sound = soundLeaf === undefined ? {} : { leaf: soundLeaf };
  const snapshot = await store.load({ kind: 'path', limit: PAGE_NODES, ...sound });
  const { ledger, start, nodes } = snapshot;
  const head =
    soundLeaf === undefined
      ? snapshot.head
      : { ...snapshot.head, leaf: soundLeaf, depth: start + nodes.length };
  return { head, ledger, resident: null, path: SessionPath.of(sessionId, head, { start, nodes }) };
}
