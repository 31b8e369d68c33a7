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

/**
 * Reads what was appended behind the leaf of `before`, if that is all that happened until `newest`; else `null`. It costs what
 * was appended, however long the path is (law ST19). The path that it returns holds nothing else.
 */
export async function loadAdded(
  { store, soundLeaf }: Pick<HistoryParts, 'store' | 'soundLeaf'>,
  before: SessionHead,
  newest: SessionHead,
): Promise<Omit<LoadedHistory, 'resident'> | null> {
  const count = newest.depth - before.depth;
  const isAll = count > 0 && count <= PAGE_NODES && newest.nodeCount - before.nodeCount === count;
  if (!isAll || soundLeaf !== undefined) return null;
  const { head, ledger, start, nodes } = await store.load({ kind: 'path', limit: count });
  if (head.revision !== newest.revision || nodes[0]?.parentId !== before.leaf) return null;
  return { head, ledger, path: SessionPath.of(store.sessionId, head, { start, nodes }) };
}
