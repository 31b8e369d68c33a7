import type {
  CommitBudget,
  CommitReceipt,
  CommitRequest,
  Durability,
  LoadScope,
  SessionMetaChange,
  SessionSnapshot,
  SessionStore,
} from '../contract/store.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import { isLashError } from '../core/error.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionMeta } from '../core/policy.ts';
import { type PlannedCommit, planCommit, toSessionHead } from './commit-plan.ts';
import {
  AHEAD_STORES,
  appendBehind,
  COMMIT_STORES,
  writeAhead,
  writeCommit,
  type WrittenCommit,
} from './commit-writer.ts';
import type { IndexedDbDatabase } from './database.ts';
import { decodeHead, decodeMeta, type LiveHead } from './decode.ts';
import { readAllNodes, readNode } from './graph-reader.ts';
import { placeOf } from './node-places.ts';
import { checkPage, pathRange } from './path-range.ts';
import { readPath } from './path-reader.ts';
import type { RowCounts } from './row-counters.ts';
import type { RowTransaction } from './row-transaction.ts';
import type { MetaRow, StoreName } from './schema.ts';
import { checkMeta, sessionClosed } from './session-state.ts';
import { readSiblings } from './sibling-reader.ts';
import { isKeyTaken } from './storage-error.ts';

/** What the sessions of one factory share. */
export interface IndexedDbSessionContext {
  readonly database: IndexedDbDatabase;
  readonly durability: Durability;
  readonly commitBudget: CommitBudget;
  readonly counts: RowCounts;
}

const GRAPH_STORES: readonly StoreName[] = ['heads', 'receipts', 'segments', 'chains'];
const META_STORES: readonly StoreName[] = ['heads', 'meta'];

/**
 * A handle of a session in IndexedDB. Each call is a transaction of its own. Of the session it holds only the head row
 * that it wrote last, as a guess of what the head is; no answer depends on it.
 */
export class IndexedDbSessionStore implements SessionStore {
  readonly sessionId: string;
  readonly #context: IndexedDbSessionContext;
  #head: LiveHead | undefined;
  #closed = false;

  constructor(sessionId: string, context: IndexedDbSessionContext) {
    this.sessionId = sessionId;
    this.#context = context;
  }

  async load(scope: LoadScope): Promise<SessionSnapshot> {
    if (scope.kind === 'path') checkPage(scope);
    return this.#read(scope.kind === 'head' ? ['heads'] : GRAPH_STORES, async (rows, head) => {
      const { nodes, start } = await this.#readNodes(rows, head, scope);
      return { head: toSessionHead(head), epoch: head.epoch, ledger: head.ledger, nodes, start };
    });
  }

  async loadNode(nodeId: string): Promise<SessionNode> {
    return this.#read(GRAPH_STORES, (rows) => readNode(rows, this.sessionId, nodeId));
  }

  async siblings(nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    return this.#read(GRAPH_STORES, (rows, head) => readSiblings(rows, this.sessionId, head, nodeIds));
  }

  async takeLease(): Promise<number> {
    this.#checkOpen();
    return this.#write(['heads'], this.#context.durability, async (rows) => {
      const head = await this.#readHead(rows);
      const epoch = head.epoch + 1;
      rows.put('heads', { ...head, epoch });
      return epoch;
    });
  }

  async commit(request: CommitRequest): Promise<CommitReceipt> {
    this.#checkOpen();
    const commit = await planCommit(request, this.#context.commitBudget);
    const durability = commit.durability ?? this.#context.durability;
    const { receipt, head } =
      (await this.#tryAhead(commit, durability)) ??
      (await this.#write(COMMIT_STORES, durability, (rows) => writeCommit(rows, this.sessionId, commit)));
    this.#head = head;
    return receipt;
  }

  async saveSessionMeta(change: SessionMetaChange): Promise<SessionMeta> {
    this.#checkOpen();
    checkMeta(change);
    const { title, policy, at } = structuredClone(change);
    return this.#write(META_STORES, this.#context.durability, async (rows) => {
      const { head, meta } = await this.#readMeta(rows);
      const row = { ...meta, title: title ?? meta.title, policy: policy ?? meta.policy };
      rows.put('meta', row);
      rows.put('heads', { ...head, updatedAt: at });
      return { ...row, updatedAt: at };
    });
  }

  async loadSessionMeta(): Promise<SessionMeta> {
    return this.#read(META_STORES, async (rows) => {
      const { head, meta } = await this.#readMeta(rows);
      return { ...meta, updatedAt: head.updatedAt };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Writes an ordinary append the fast way; `undefined` if that cannot be, and nothing was written. */
  async #tryAhead(commit: PlannedCommit, durability: Durability): Promise<WrittenCommit | undefined> {
    const append = appendBehind(commit, this.#head);
    if (append === undefined) return undefined;
    try {
      return await this.#write(AHEAD_STORES, durability, (rows) => writeAhead(rows, commit, append));
    } catch (error) {
      if (isKeyTaken(error) || isLashError(error, 'HeadRevisionConflict')) return undefined;
      throw error;
    }
  }

  async #readNodes(
    rows: RowTransaction,
    head: LiveHead,
    scope: LoadScope,
  ): Promise<Pick<SessionSnapshot, 'nodes' | 'start'>> {
    if (scope.kind === 'head') return { nodes: [], start: 0 };
    if (scope.kind === 'all') return { nodes: await readAllNodes(rows, this.sessionId, head), start: 0 };
    const id = scope.leaf === undefined ? head.leaf : scope.leaf;
    const place = await placeOf(rows, this.sessionId, head, id);
    if (id === null || place === null) return { nodes: [], start: 0 };
    const range = pathRange(place.seq + 1, scope);
    if (range.from === range.to) return { nodes: [], start: range.from };
    return { nodes: await readPath(rows, this.sessionId, { id, place }, range), start: range.from };
  }

  async #readHead(rows: RowTransaction): Promise<LiveHead> {
    return decodeHead(this.sessionId, await rows.get('heads', [this.sessionId]));
  }

  async #readMeta(rows: RowTransaction): Promise<{ readonly head: LiveHead; readonly meta: MetaRow }> {
    const [headRow, metaRow] = await Promise.all([
      rows.get('heads', [this.sessionId]),
      rows.get('meta', [this.sessionId]),
    ]);
    return { head: decodeHead(this.sessionId, headRow), meta: decodeMeta(this.sessionId, metaRow) };
  }

  async #read<T>(
    stores: readonly StoreName[],
    body: (rows: RowTransaction, head: LiveHead) => Promise<T>,
  ): Promise<T> {
    this.#checkOpen();
    const { database, counts } = this.#context;
    return database.transaction({ stores, mode: 'readonly', counts }, async (rows) =>
      body(rows, await this.#readHead(rows)),
    );
  }

  async #write<T>(
    stores: readonly StoreName[],
    durability: Durability,
    body: (rows: RowTransaction) => Promise<T>,
  ): Promise<T> {
    const { database, counts } = this.#context;
    return database.transaction({ stores, mode: 'readwrite', durability, counts }, body);
  }

  #checkOpen(): void {
    if (this.#closed) throw sessionClosed(this.sessionId);
  }
}
