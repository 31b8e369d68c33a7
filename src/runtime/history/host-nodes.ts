import { LashError } from '../../core/error.ts';
import { findNonJson } from '../../core/json.ts';
import type { NodeBody, NodeDraft } from '../../core/node.ts';

/** Nodes of the host, to be appended to the leaf. With `requires`, that node must be on the active path. */
export interface HostNodes {
  readonly requires?: string;
  readonly nodes: readonly NodeBody[];
}

/** The host's own nodes, ready to be appended. @throws `NotData`, `InvalidInput` if there are none */
export function hostDrafts(nodes: readonly NodeBody[], createdAt: number): readonly NodeDraft[] {
  const path = findNonJson(nodes, 'nodes');
  if (path !== undefined) throw new LashError('NotData', `Not data at ${path}`, { path });
  if (nodes.length === 0) {
    const reason = 'is empty';
    throw new LashError('InvalidInput', `nodes ${reason}`, { path: 'nodes', reason });
  }
  return structuredClone(nodes).map((body) => ({ createdAt, body }));
}
