import type {
  GcReport,
  HousekeepingReport,
  SessionInventory,
  TombstoneReport,
  VacuumReport,
} from '../core/maintenance.ts';
import type { Page } from '../core/policy.ts';
import type { KeepRule, OrphanRequest } from '../protocol/api.ts';
import type { MakeCall } from './session.ts';

/**
 * What a host does about storage, on its own schedule: the runtime owns memory, the host owns the disk. Sessions need not
 * be open. Nothing here removes what a root reaches: the leaf's path, and pinned nodes with theirs (laws ST8 to ST10).
 */
export interface ClientMaintenance {
  /** Nodes that no root reaches, descendants first; 100 a page unless `limit` says otherwise, at most 1,000. */
  orphanedNodeIds(request: OrphanRequest): Promise<Page<string>>;
  /** Makes orphans invisible. What is reachable again by now is refused by id. */
  tombstoneNodes(sessionId: string, nodeIds: readonly string[]): Promise<TombstoneReport>;
  /** Removes tombstoned nodes from disk. */
  vacuum(sessionId: string): Promise<VacuumReport>;
  /** Removes checkpoint components of the session, and attachments of the database, that nothing refers to. */
  gcUnreachable(sessionId: string, options?: { readonly keepYoungerThanMs?: number }): Promise<GcReport>;
  /** What a session takes on disk. */
  inventory(sessionId: string): Promise<SessionInventory>;
  /** All of it for every session; branches younger than `keep` stay, by default 30 days. */
  runHousekeeping(keep?: KeepRule): Promise<HousekeepingReport>;
}

/** Maintenance by these calls. */
export function clientMaintenance(call: MakeCall): ClientMaintenance {
  return {
    orphanedNodeIds: (request) => call('orphanedNodeIds', request),
    tombstoneNodes: (sessionId, nodeIds) => call('tombstoneNodes', { sessionId, nodeIds }),
    vacuum: (sessionId) => call('vacuum', { sessionId }),
    gcUnreachable: (sessionId, options) => call('gcUnreachable', { sessionId, ...options }),
    inventory: (sessionId) => call('inventory', { sessionId }),
    runHousekeeping: (keep) => call('runHousekeeping', { keep }),
  };
}
