import type { Durability } from '../../contract/durability.ts';
import { loadModule } from '../../contract/load-module.ts';
import type {
  CommitBudget,
  CommitReceipt,
  CommitRequest,
  GcOptions,
  LoadScope,
  NodePlace,
  NodeWalk,
  OrphanPage,
  SessionMetaChange,
  SessionSnapshot,
  SessionStore,
  SoundPath,
  VacuumOptions,
  WalkPage,
} from '../../contract/store.ts';
import type { TaskStore } from '../../contract/task-store.ts';
import type { TurnStore } from '../../contract/turn-store.ts';
import type { BranchPoint } from '../../core/branch-point.ts';
import type { GcReport, SessionInventory, TombstoneReport, VacuumReport } from '../../core/maintenance.ts';
import type { SessionNode } from '../../core/node.ts';
import type { Page, SessionMeta } from '../../core/policy.ts';
import { toSessionHead } from '../rules/head-state.ts';
import { checkPage, pathRange } from '../rules/path-range.ts';
import { copyIfData } from '../rules/refusal.ts';
import { sessionClosed } from '../rules/session-state.ts';
import { decodeHead, decodeMeta, type LiveHead, metaOf } from './graph/decode.ts';
import { depthOf, isActive, placeOf } from './graph/node-places.ts';
import { readPath } from './graph/path-reader.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import type { RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import { GRAPH_STORES, type StoreName } from './rows/schema.ts';
import type { SessionAccess } from './session-access.ts';
import type { makeCommit } from './session-commit.ts';
import { IndexedDbTaskStore } from './tasks/indexeddb-task-store.ts';
import { IndexedDbTurnStore } from './turns/indexeddb-turn-store.ts';

/** What the sessions of one factory share. */
export interface IndexedDbSessionContext {
  readonly database: IndexedDbDatabase;
  readonly durability: Durability;
  readonly commitBudget: CommitBudget;
  readonly counts: RowCounts;
}

type PathScope = Extract<LoadScope, { readonly kind: 'path' }>;

/**
 * A handle of a session in IndexedDB. Each call is a transaction of its own. Of the session it holds only the head row
 * that it wrote last, as a guess of what the head is; no answer depends on it.
 */
export class IndexedDbSessionStore implements SessionStore {
  readonly sessionId: string;
  readonly turns: TurnStore;
  readonly tasks: TaskStore;
  readonly #context: IndexedDbSessionContext;
  readonly #importing: boolean;
  #head: LiveHead | undefined;
  #commits: { readonly makeCommit: typeof makeCommit } | undefined;
  #closed = false;

  /** `importing`: the handle is of an import, and sees its session before it is published. */
  constructor(sessionId: string, context: IndexedDbSessionContext, importing = false) {
    this.sessionId = sessionId;
    this.#context = context;
    this.#importing = importing;
    this.turns = new IndexedDbTurnStore(() => this.#access());
    this.tasks = new IndexedDbTaskStore(() => this.#access());
  }

  async load(scope: LoadScope): Promise<SessionSnapshot> {
    if (scope.kind === 'path') return this.#loadPath(scope);
    if (scope.kind === 'head') return this.#read(['heads'], async (_rows, head) => snapshotOf(head));
    const { readAllNodes } = await loadModule('graph-reader', import('./graph/graph-reader.ts'));
    return this.#read(GRAPH_STORES, async (rows, head) =>
      snapshotOf(head, await readAllNodes(rows, this.sessionId, head)),
    );
  }

  async loadNode(nodeId: string): Promise<SessionNode> {
    const { readNode } = await loadModule('graph-reader', import('./graph/graph-reader.ts'));
    return this.#read(GRAPH_STORES, (rows) => readNode(rows, this.sessionId, nodeId));
  }

  async siblings(nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    const { SiblingReader } = await loadModule('sibling-reader', import('./graph/sibling-reader.ts'));
    return this.#read(GRAPH_STORES, (rows, head) =>
      new SiblingReader(rows, this.sessionId).read(head, nodeIds),
    );
  }

  async locate(nodeId: string): Promise<NodePlace> {
    return this.#read(GRAPH_STORES, async (rows, head) => {
      const place = await placeOf(rows, this.sessionId, head, nodeId);
      const active = place !== null && (await isActive(rows, this.sessionId, head, place));
      return { depth: depthOf(place) - 1, active };
    });
  }

  async findSoundPath(): Promise<SoundPath> {
    const { findSoundPath } = await loadModule('sound-path', import('./graph/sound-path.ts'));
    return this.#read(GRAPH_STORES, (rows, head) => findSoundPath(rows, this.sessionId, head));
  }

  /** An epoch may be raised twice (law ST16). */
  async takeLease(): Promise<number> {
    this.#checkOpen();
    const { database, durability, counts } = this.#context;
    const options = { stores: ['heads'], mode: 'readwrite', durability, counts, repeatable: true } as const;
    this.#head = await database.transaction(options, async (rows) => {
      const found = await this.#readHead(rows);
      const raised = { ...found, epoch: found.epoch + 1 };
      rows.put('heads', raised);
      return raised;
    });
    return this.#head.epoch;
  }

  async commit(request: CommitRequest): Promise<CommitReceipt> {
    const access = { ...this.#access(), commitBudget: this.#context.commitBudget };
    // Until the module is there the request is copied; from then on it is encoded before anybody can change it.
    const asked = this.#commits === undefined ? copyIfData(request) : request;
    this.#commits ??= await loadModule('session-commit', import('./session-commit.ts'));
    const { receipt, head } = await this.#commits.makeCommit(access, asked, () => this.#head);
    this.#head = head;
    return receipt;
  }

  async pin(nodeId: string): Promise<void> {
    const access = this.#access();
    const { pin } = await loadModule('pins', import('./graph/pins.ts'));
    await pin(access, nodeId);
  }

  async unpin(nodeId: string): Promise<void> {
    const access = this.#access();
    const { unpin } = await loadModule('pins', import('./graph/pins.ts'));
    await unpin(access, nodeId);
  }

  async orphanedNodeIds(page: OrphanPage = {}): Promise<Page<string>> {
    const access = this.#access();
    const { listOrphans } = await loadModule('orphans', import('./upkeep/orphans.ts'));
    return listOrphans(access, page);
  }

  async tombstoneNodes(nodeIds: readonly string[]): Promise<TombstoneReport> {
    const access = this.#access();
    const { tombstoneNodes } = await loadModule('tombstone', import('./upkeep/tombstone.ts'));
    return tombstoneNodes(access, nodeIds);
  }

  async vacuum(options: VacuumOptions = {}): Promise<VacuumReport> {
    const access = this.#access();
    const { vacuum } = await loadModule('vacuum', import('./upkeep/vacuum.ts'));
    return vacuum(access, options);
  }

  async gcUnreachable(options: GcOptions = {}): Promise<GcReport> {
    const access = this.#access();
    const { gcUnreachable } = await loadModule('gc', import('./upkeep/gc.ts'));
    return gcUnreachable(access, options);
  }

  async inventory(): Promise<SessionInventory> {
    const access = this.#access();
    const { takeInventory } = await loadModule('inventory', import('./upkeep/inventory.ts'));
    return takeInventory(access);
  }

  async walk(page: WalkPage = {}): Promise<NodeWalk> {
    const { walkGraph } = await loadModule('graph-walk', import('./graph/graph-walk.ts'));
    return this.#read(GRAPH_STORES, (rows, head) => walkGraph(rows, this.sessionId, head, page));
  }

  async saveSessionMeta(change: SessionMetaChange): Promise<SessionMeta> {
    const access = this.#access();
    const copy = copyIfData(change);
    const { saveMeta } = await loadModule('session-meta', import('./session-meta.ts'));
    return saveMeta(access, copy);
  }

  async loadSessionMeta(): Promise<SessionMeta> {
    const { sessionId } = this;
    return this.#read(['heads', 'meta'], async (rows, { updatedAt }) =>
      metaOf(decodeMeta(sessionId, await rows.get('meta', sessionId)), updatedAt),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async #loadPath(scope: PathScope): Promise<SessionSnapshot> {
    checkPage(scope);
    const more =
      scope.checkpoint === true
        ? await loadModule('checkpoint-reader', import('./graph/checkpoint-reader.ts'))
        : undefined;
    return this.#read([...GRAPH_STORES, ...(more?.CHECKPOINT_STORES ?? [])], async (rows, head) => {
      const id = scope.leaf === undefined ? head.leaf : scope.leaf;
      const place = await placeOf(rows, this.sessionId, head, id);
      const range = pathRange(depthOf(place), scope);
      const isEmpty = id === null || place === null || range.from === range.to;
      const [nodes, checkpoint] = await Promise.all([
        isEmpty ? [] : readPath(rows, this.sessionId, { id, place }, range),
        more?.readCheckpoint(rows, head, place),
      ]);
      const snapshot = snapshotOf(head, nodes, range.from);
      return checkpoint === undefined ? snapshot : { ...snapshot, checkpoint };
    });
  }

  async #readHead(rows: RowTransaction): Promise<LiveHead> {
    return decodeHead(this.sessionId, await rows.get('heads', this.sessionId), this.#importing);
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

  #access(): SessionAccess {
    this.#checkOpen();
    return { ...this.#context, sessionId: this.sessionId, importing: this.#importing };
  }

  #checkOpen(): void {
    if (this.#closed) throw sessionClosed(this.sessionId);
  }
}

function snapshotOf(head: LiveHead, nodes: readonly SessionNode[] = [], start = 0): SessionSnapshot {
  const { epoch, ledger, place } = head;
  return { head: toSessionHead(head, depthOf(place)), epoch, ledger, nodes, start };
}
