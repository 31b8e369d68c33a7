import { LashError } from '../../core/error.ts';
import type { SessionNode } from '../../core/node.ts';
import { SessionPath } from '../../core/path.ts';

/** The path to `leaf` among nodes that are all in memory. @throws `StoredDataCorrupt` if one is missing */
export function residentPath(
  sessionId: string,
  leaf: string | null,
  resident: ReadonlyMap<string, SessionNode>,
): SessionPath {
  const nodes: SessionNode[] = [];
  for (let id = leaf; id !== null;) {
    const node = resident.get(id);
    if (node === undefined || nodes.length > resident.size) {
      const reason = node === undefined ? 'is on the path and was not stored' : 'is its own ancestor';
      const data = { sessionId, nodeId: id, reason };
      throw new LashError('StoredDataCorrupt', `Node ${id} ${reason}`, data);
    }
    nodes.push(node);
    id = node.parentId;
  }
  const window = { start: 0, nodes: nodes.toReversed() };
  return SessionPath.of(sessionId, { leaf, depth: nodes.length }, window);
}
