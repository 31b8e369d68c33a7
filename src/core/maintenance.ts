import type { WireError } from './error.ts';

/**
 * How a maintenance call ended (law ST10): there was nothing to do; all of it was done; some was done and the rest is
 * left, as the report says; it was not allowed to do it; it could not go on.
 */
export type MaintenanceStatus = 'NothingToDo' | 'Swept' | 'Incomplete' | 'Refused' | 'Failed';

/** Why a node was not tombstoned: no live node has that id, a root reaches it, or a live node that stays hangs below it. */
export type RefusalReason = 'unknown' | 'reachable' | 'live-descendants';

/** A node that stays as it is. */
export interface RefusedNode {
  readonly nodeId: string;
  readonly reason: RefusalReason;
}

/** What `tombstoneNodes` did. `Incomplete`: some were refused. `Refused`: all were. */
export interface TombstoneReport {
  readonly status: MaintenanceStatus;
  readonly tombstoned: readonly string[];
  readonly refused: readonly RefusedNode[];
}

/**
 * What `vacuum` did. `Incomplete`: it was stopped before the end; the next call goes on. `keptNodes` are tombstoned nodes
 * whose row also holds live ones: they stay on disk, and no read shows them.
 */
export interface VacuumReport {
  readonly status: MaintenanceStatus;
  readonly removedNodes: number;
  readonly removedRows: number;
  readonly removedBytes: number;
  readonly keptNodes: number;
  readonly error?: WireError;
}

/**
 * What a sweep of one kind of blob saw and did. `roots` are references that were found, `kept` blobs that stay. `Failed`:
 * it could not go on, or it did and left what it could not judge, because a row is damaged; `error` names the first one.
 */
export interface SweepReport {
  readonly status: MaintenanceStatus;
  readonly roots: number;
  readonly kept: number;
  readonly removed: number;
  readonly removedBytes: number;
  readonly error?: WireError;
}

/** What `gcUnreachable` did: the session's checkpoint components, and the database's attachments. */
export interface GcReport {
  /** The worse of the two: `Failed`, `Refused`, `Incomplete`, `Swept`, `NothingToDo`. */
  readonly status: MaintenanceStatus;
  readonly components: SweepReport;
  readonly attachments: SweepReport;
}

/** What a session takes on disk. Reads keys and receipts, no node. */
export interface SessionInventory {
  readonly sessionId: string;
  /** Live nodes, on the active path or not. */
  readonly nodes: number;
  /** Live nodes that no root reaches. */
  readonly orphans: number;
  /** Nodes that are tombstoned and still on disk. */
  readonly tombstoned: number;
  /** What the rows of all these nodes take. */
  readonly bytes: number;
  readonly pins: readonly string[];
  /** Attachments that the session's nodes refer to, each counted once. */
  readonly attachments: number;
  readonly attachmentBytes: number;
}

/** What one run of housekeeping did with a session. */
export interface SessionHousekeeping {
  readonly sessionId: string;
  readonly tombstoned: number;
  readonly vacuum: VacuumReport;
}

/** What one run of housekeeping did. `Refused`: another tab is at it. */
export interface HousekeepingReport {
  readonly status: MaintenanceStatus;
  /** Sessions in which something was done or went wrong. */
  readonly sessions: readonly SessionHousekeeping[];
  readonly attachments: SweepReport | null;
  readonly error?: WireError;
}
