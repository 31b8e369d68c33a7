import { LashError } from '../../core/error.ts';
import type { NodeBody, NodeDraft } from '../../core/node.ts';
import { refuseNonData } from '../../core/plain-data.ts';

/** Nodes of the host, to be appended to the leaf. With `requires`, that node must be on the active path. */
export interface HostNodes {
  readonly requires?: string;
  readonly nodes: readonly NodeBody[];
}

/** The host's own nodes, ready to be appended. @throws `NotData`, `InvalidInput` if there are none */
export function hostDrafts(nodes: readonly NodeBody[], createdAt: number): readonly NodeDraft[] {
  refuseNonData(nodes, 'nodes');
  if (nodes.length === 0) {
    const reason = 'is empty';
    throw new LashError('InvalidInput', `nodes ${reason}`, { path: 'nodes', reason });
  }
  return structuredClone(nodes).map((body) => ({ createdAt, body }));
}
