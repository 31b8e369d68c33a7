import type { BranchPoint } from '../core/branch-point.ts';
import type { SessionHead } from '../core/event.ts';
import type { NodeDraft, SessionNode } from '../core/node.ts';
import type { Page, SessionMeta, SessionPolicy, SessionSummary } from '../core/policy.ts';
import type { UsageEntry } from '../core/usage.ts';

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
  /** Whether `complete` waits for the disk; default: what the store was made with (law ST20). */
  readonly durability?: Durability;
}

/** `strict` survives a power cut; `relaxed` survives the end of the process. */
export type Durability = 'relaxed' | 'strict';

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
 * whole, `StorageFull` and `StorageUnavailable` as the database says, and `SessionClosed` after `close`.
 */
export interface SessionStore {
  readonly sessionId: string;
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
   * @throws `InvalidInput`, `NotData` or `CommitBudgetExceeded` before anything is opened; `SessionDeleted`,
   *   `OperationConflict`, `WriterFenced`, `NodeNotFound` (parent or leaf), `StaleBranch`, `HeadRevisionConflict`.
   */
  commit(request: CommitRequest): Promise<CommitReceipt>;
  /** Replaces title and policy; `updatedAt` becomes `at`. It is independent of the head. */
  saveSessionMeta(change: SessionMetaChange): Promise<SessionMeta>;
  loadSessionMeta(): Promise<SessionMeta>;
  /** Ends this handle. Its pending calls still settle. */
  close(): Promise<void>;
}

/** What of a session's meta changes; absent fields stay. `at` is Unix milliseconds. */
export interface SessionMetaChange {
  readonly title?: string;
  readonly policy?: SessionPolicy;
  readonly at: number;
}

/** How a store is opened. `create` also creates the session: revision 0, epoch 0, no leaf. */
export type StoreOpenMode =
  | { readonly kind: 'create'; readonly title: string; readonly policy: SessionPolicy; readonly at: number }
  | { readonly kind: 'open' };

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
  /**
   * @throws `SessionNotFound` (mode `open`), `SessionExists` (mode `create`), `SessionDeleted` (an id is used once),
   *   `InvalidInput` for an id that is empty or over 128 bytes.
   */
  open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore>;
  /** Sessions by time of their last change, newest first. Default 50, at most 500 a page. Reads no node. */
  list(page: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>>;
  /** Deletes a session for good: open handles get `SessionDeleted`, the id is used up. Unknown: `SessionNotFound`. */
  delete(sessionId: string): Promise<void>;
}
