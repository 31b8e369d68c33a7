import type { Clock } from '../../contract/clock.ts';
import { LashError } from '../../core/error.ts';
import type { NodeBody, NodeDraft } from '../../core/node.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { Appended } from './history-parts.ts';
import type { History } from './history.ts';

/** Nodes of the host, to be appended to the leaf. With `requires`, that node must be on the active path. */
export interface HostNodes {
  readonly requires?: string;
  readonly nodes: readonly NodeBody[];
}

/** Appends the host's own nodes behind the leaf. @throws `NotData`, `InvalidInput` if there are none */
export function hostAppend(request: HostNodes, clock: Clock): (history: History) => Promise<Appended> {
  const nodes = hostDrafts(request.nodes, clock.now());
  const requires = request.requires === undefined ? {} : { requires: request.requires };
  return async (history) => {
    const parent = history.head.leaf;
    return await history.append({ operationId: clock.newId(), parent, nodes, usage: [], ...requires });
  };
}

function hostDrafts(nodes: readonly NodeBody[], createdAt: number): readonly NodeDraft[] {
  refuseNonData(nodes, 'nodes');
  if (nodes.length === 0) {
    const reason = 'is empty';
    throw new LashError('InvalidInput', `nodes ${reason}`, { path: 'nodes', reason });
  }
  return structuredClone(nodes).map((body) => ({ createdAt, body }));
}
