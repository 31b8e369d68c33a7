import type { BranchPoint } from '../core/branch-point.ts';
import type { DatabaseEvent } from '../core/database-event.ts';
import type { SessionHead } from '../core/event.ts';
import type { GcReport, SessionInventory, TombstoneReport, VacuumReport } from '../core/maintenance.ts';
import type { NodeDraft, SessionNode } from '../core/node.ts';
import type { Page, SessionMeta, SessionPolicy, SessionQuery, SessionSummary } from '../core/policy.ts';
import type { SessionParent } from '../core/session-parent.ts';
import type { UsageEntry } from '../core/usage.ts';
import type { Checkpoint, CheckpointChange } from './checkpoint.ts';
import type { Durability } from './durability.ts';
import type { SessionLeases } from './lease.ts';
import type { TaskStore } from './task-store.ts';
import type { TurnChange, TurnStore } from './turn-store.ts';

/**
 * The socket of session stores. One factory is one database; one store is one session in it. The laws are ST1–ST20 of
 * the architecture page (`src/README.md`); `sessionStoreConformance` in `./testing` checks them on any implementation.
 */

/** What a load returns besides the head. */
export type LoadScope =
  /** No nodes: one row is read, whatever the session holds. */
  | { readonly kind: 'head' }
  /** Every live node, on the active path or not, in no particular order but parents before children. */
  | { readonly kind: 'all' }
  /**
   * The path that ends at `leaf` (absent: the head's leaf), or a page of it: at most `limit` nodes, the newest ones
   * that lie before depth `before`. Absent bounds mean all of it.
   */
  | {
      readonly kind: 'path';
      readonly leaf?: string | null;
      readonly before?: number;
      readonly limit?: number;
      /** Whether to read the checkpoint that holds at `leaf` too. */
      readonly checkpoint?: boolean;
    };

/** One snapshot: revision, epoch, leaf and nodes belong together (law ST7). */
export interface SessionSnapshot {
  readonly head: SessionHead;
  readonly epoch: number;
  readonly ledger: readonly UsageEntry[];
  /** Root first. Empty for scope `head`. */
  readonly nodes: readonly SessionNode[];
  /** For scope `path`: the depth of `nodes[0]`, that is how many nodes of the path lie before it; else 0. */
  readonly start: number;
  /** Where it was asked for: the checkpoint that holds at the leaf, `null` if none was ever written there. */
  readonly checkpoint?: Checkpoint | null;
}

/** Where a live node is: `depth` nodes lie before it on its path; `active` says whether it is on the active path. */
export interface NodePlace {
  readonly depth: number;
  readonly active: boolean;
}

/** How far the active path can be read, from its root: law ST6 lets a person open it so far, and read only. */
export interface SoundPath {
  /** The last node that can be read with all its ancestors; `null` if there is none. */
  readonly leaf: string | null;
  /** What ends it there; `null` if the whole path is sound. */
  readonly damage: { readonly nodeId: string | null; readonly reason: string } | null;
}

/** How a commit changes the graph (law ST2). There is no way to replace or remove nodes. */
export type GraphChange =
  | { readonly kind: 'unchanged' }
  /**
   * A chain of new nodes below `parentId` (`null`: a new root); the leaf becomes the last of them. With `requires`, that
   * node must be on the active path, else `StaleBranch`.
   */
  | {
      readonly kind: 'append';
      readonly parentId: string | null;
      readonly nodes: readonly NodeDraft[];
      readonly requires?: string;
    }
  /** The leaf moves to an existing node; `null` moves it before the first one. */
  | { readonly kind: 'branch'; readonly leaf: string | null };

/** One atomic change of a session. */
export interface CommitRequest {
  /** 1 to 128 bytes of UTF-8; once per session and content (law ST4). */
  readonly operationId: string;
  /** The revision this commit stands on: the one that was loaded, 0 before the first (law ST3). */
  readonly expectedRevision: number;
  /** The epoch of the writer's lease (law ST3). */
  readonly epoch: number;
  readonly change: GraphChange;
  /** Tokens that were used since the last commit; counted once, since a replay counts nothing. */
  readonly usage: readonly UsageEntry[];
  /** The checkpoint of the leaf that this commit leaves behind; absent: what held before holds on. */
  readonly checkpoint?: CheckpointChange;
  /** What the commit says of a turn, in the same transaction (law TU4). It is no part of what a replay compares. */
  readonly turn?: TurnChange;
  /** Whether `complete` waits for the disk; default: what the store was made with (law ST20). */
  readonly durability?: Durability;
}

/** What a commit did. A replay returns the same nodes and revision as the first time. */
export interface CommitReceipt {
  readonly operationId: string;
  /** The revision that this operation made, which need not be the head's any more. */
  readonly revision: number;
  /** The ids that the store gave to the nodes of an append, in order; else empty. */
  readonly nodeIds: readonly string[];
  /** The leaf that this operation left behind. */
  readonly leaf: string | null;
  /** Whether this call found the operation done already. */
  readonly replayed: boolean;
  /** The head and the ledger as they are now, after this call. */
  readonly head: SessionHead;
  readonly ledger: readonly UsageEntry[];
}

/**
 * One session's history.
 *
 * Every method rejects with `SessionDeleted` once the session is deleted, `StoredDataCorrupt` for what cannot be read
 * whole, `StorageFull` and `StorageUnavailable` as the database says, `ModuleLoadFailed` where it needs code that could not
 * be loaded, and `SessionClosed` after `close`.
 */
export interface SessionStore {
  readonly sessionId: string;
  /** What the session keeps of its turns. */
  readonly turns: TurnStore;
  /** What the session keeps of background tasks. */
  readonly tasks: TaskStore;
  /** Reads one snapshot. It never raises the epoch. @throws `NodeNotFound` when `leaf` names no live node. */
  load(scope: LoadScope): Promise<SessionSnapshot>;
  /** Any live node, on the active path or not. @throws `NodeNotFound` */
  loadNode(nodeId: string): Promise<SessionNode>;
  /**
   * For each of `nodeIds` that has siblings: all nodes of the same parent, itself included. Nodes without siblings are
   * left out. Reads no node that is not needed to find the tips. @throws `NodeNotFound`
   */
  siblings(nodeIds: readonly string[]): Promise<readonly BranchPoint[]>;
  /** Raises the epoch by one in a transaction of its own and returns it: every earlier writer is fenced (law ST3). */
  takeLease(): Promise<number>;
  /**
   * Applies `request` whole or not at all, and resolves when it is stored (law ST14). Order of checks (law ST4):
   * deleted, receipt, epoch, dead ancestor, stale revision.
   *
   * Attachments that the nodes refer to are adopted in the same transaction (law ST11).
   *
   * @throws `InvalidInput`, `NotData` or `CommitBudgetExceeded` before anything is opened; `SessionDeleted`,
   *   `OperationConflict`, `WriterFenced`, `NodeNotFound` (parent or leaf), `StaleBranch`, `HeadRevisionConflict`,
   *   `ComponentNotFound`, `AttachmentNotFound`, and what the {@link TurnChange} says.
   */
  commit(request: CommitRequest): Promise<CommitReceipt>;
  /** Where a live node is. @throws `NodeNotFound` */
  locate(nodeId: string): Promise<NodePlace>;
  /** Reads the active path from its root as far as it goes. Never rejects with `StoredDataCorrupt` for a node. */
  findSoundPath(): Promise<SoundPath>;
  /** Makes a live node a root: it and its ancestors are no orphans. Idempotent. @throws `NodeNotFound` */
  pin(nodeId: string): Promise<void>;
  /** Takes that back. Idempotent. */
  unpin(nodeId: string): Promise<void>;
  /**
   * Live nodes that no root reaches, descendants before their ancestors; with `writtenBefore` (Unix milliseconds) those
   * whose `createdAt` is earlier. Default 100, at most 1,000 a page. Reads keys, and receipts where times are asked for
   * (law ST8). A page is one snapshot; between pages the session may change. A page may hold fewer than `limit`, or none,
   * and still have a `next`.
   */
  orphanedNodeIds(page?: OrphanPage): Promise<Page<string>>;
  /**
   * Makes orphans invisible to every read, at most 1,000 a call. Reachability is derived in the same transaction, and
   * what is reachable, or has live descendants that are not in the call, is refused by id (law ST8).
   *
   * @throws `InvalidInput` for more than 1,000 ids.
   */
  tombstoneNodes(nodeIds: readonly string[]): Promise<TombstoneReport>;
  /** Removes tombstoned rows of this session, at most 100 rows a transaction (law ST9). */
  vacuum(options?: VacuumOptions): Promise<VacuumReport>;
  /** Removes checkpoint components of this session and attachments of the database that nothing refers to (law ST10). */
  gcUnreachable(options?: GcOptions): Promise<GcReport>;
  /** What the session takes on disk. */
  inventory(): Promise<SessionInventory>;
  /**
   * Every live node of one state of the session, a page at a time: the first page says which state, and the later ones
   * leave out what was written since. The order is the same wherever the same tree was written in it, whatever else was
   * there and was vacuumed: a tree walk that goes on with a node's oldest continuation first, so that chains come whole,
   * then what forks from them, from the deepest point up. Default 100, at most 1,000 nodes a page. Nodes that were tombstoned since are missing; where vacuum removed
   * the very branch that a page ended on, so is all that would follow: whoever wants the whole counts what it got.
   */
  walk(page?: WalkPage): Promise<NodeWalk>;
  /** Replaces title and policy; `updatedAt` becomes `at`. It is independent of the head. */
  saveSessionMeta(change: SessionMetaChange): Promise<SessionMeta>;
  loadSessionMeta(): Promise<SessionMeta>;
  /** Ends this handle. Its pending calls still settle. */
  close(): Promise<void>;
}

/** A page of orphans. `after` is the `next` of the page before. */
export interface OrphanPage {
  readonly after?: string;
  readonly limit?: number;
  readonly writtenBefore?: number;
}

/** A page of a walk. `after` is the `next` of the page before. */
export interface WalkPage {
  readonly after?: string;
  readonly limit?: number;
}

/** Nodes in the order of a walk. `head` is the head now: on the first page, that of the state that is walked. */
export interface NodeWalk {
  readonly head: SessionHead;
  readonly nodes: readonly SessionNode[];
  readonly next: string | null;
}

/** How far a vacuum goes: `signal` stops it between two transactions. */
export interface VacuumOptions {
  readonly signal?: AbortSignal;
}

/** How a sweep goes about it. */
export interface GcOptions {
  /**
   * Attachments that no node refers to stay for this long after they were put last, in milliseconds; default: a day.
   * Age only delays: what is referred to, or may still be committed, stays at any age (law ST10).
   */
  readonly keepYoungerThanMs?: number;
  /** Sweep only these; the report of the others is `NothingToDo`. Default: both. */
  readonly only?: 'components' | 'attachments';
  readonly signal?: AbortSignal;
}

/** What of a session's meta changes; absent fields stay. `at` is Unix milliseconds. */
export interface SessionMetaChange {
  readonly title?: string;
  readonly policy?: SessionPolicy;
  readonly at: number;
}

/**
 * How a store is opened. `create` also creates the session: revision 0, epoch 0, no leaf. Its `parent` never changes, and
 * need not be there.
 */
export type StoreOpenMode =
  | {
      readonly kind: 'create';
      readonly title: string;
      readonly policy: SessionPolicy;
      readonly at: number;
      readonly parent?: SessionParent;
    }
  | { readonly kind: 'open' };

/** A session that is being imported: no list and no `open` shows it (law ST13). */
export interface SessionImport {
  readonly store: SessionStore;
  /**
   * Makes it visible, with this leaf, in one transaction. After a `StorageUnavailable` that leaves open whether it
   * happened, the same call says so (law ST16). @throws `NodeNotFound`, `SessionExists` the second time
   */
  publish(leaf: string | null): Promise<void>;
  /** Removes what was written, unless it is published. */
  abandon(): Promise<void>;
}

/** What deleting a session does besides removing its rows, before the deletion counts as done: say, to delete its trace. */
export interface DeleteOptions {
  readonly alsoDelete?: (sessionId: string) => Promise<void>;
}

/** What one commit may hold at most (law ST13): node rows, and bytes of them as JSON in UTF-8. */
export interface CommitBudget {
  readonly rows: number;
  readonly bytes: number;
}

/** All sessions of one database. */
export interface SessionStoreFactory {
  readonly commitBudget: CommitBudget;
  /** Whether what it stores outlives the worker. `ActivePathOnly` needs it (law RE3). */
  readonly persistent: boolean;
  /** The database, or `null` for one in memory; attachments of a persistent store must lie in the same one. */
  readonly database: string | null;
  /** Who writes which session, among the tabs of this database. */
  readonly leases: SessionLeases;
  /** Calls `listener` with what happens to the database, where there is one. The returned function ends that. */
  onEvent?(listener: (event: DatabaseEvent) => void): () => void;
  /** Which database this is: one that was wiped and made anew has another id. */
  databaseId(): Promise<string>;
  /**
   * @throws `SessionNotFound` (mode `open`), `SessionExists` (mode `create`), `SessionDeleted` (an id is used once),
   *   `StoredDataCorrupt` for a session whose head cannot be read, `InvalidInput` for an id that is empty or over 128
   *   bytes, and for a parent that is none.
   */
  open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore>;
  /**
   * Sessions by time of their last change, newest first. Default 50, at most 500 a page. Reads no node, and of sessions
   * that were not asked for nothing but keys (law ST19). One that is damaged is listed with its `damage`; where that is
   * its time or its place in the list, behind all others (law ST6).
   *
   * @throws `InvalidInput`
   */
  list(query: SessionQuery): Promise<Page<SessionSummary>>;
  /**
   * Deletes a session for good (law ST12): one transaction fences and hides it, then its rows go, at most 100 a
   * transaction, with the attachments that only it referred to. Open handles get `SessionDeleted`, the id is used up.
   * Deleting it again is fine.
   *
   * @throws `SessionNotFound`; `StoredDataCorrupt` when it is deleted, and an attachment stays because what is damaged
   *   does not say whether it may go
   */
  delete(sessionId: string, options?: DeleteOptions): Promise<void>;
  /** Goes on with deletions that were interrupted, and removes imports that were. Resolves with the ids of both. */
  finishDeletions(options?: DeleteOptions): Promise<readonly string[]>;
  /**
   * Begins a hidden session that an import is written into, and holds its lease until it is published or abandoned. It is
   * removed by `finishDeletions` if the worker ends before. @throws `SessionExists`, also while somebody else holds the
   * lease; `SessionDeleted`, `InvalidInput`
   */
  beginImport(
    sessionId: string,
    mode: Extract<StoreOpenMode, { readonly kind: 'create' }>,
  ): Promise<SessionImport>;
}
