import type { AttachmentStore } from '../contract/attachments.ts';
import type { Residency } from '../contract/environment.ts';
import type {
  CommitBudget,
  CommitReceipt,
  CommitRequest,
  GraphChange,
  SessionStore,
} from '../contract/store.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import { LashError } from '../core/error.ts';
import type { PathWindow, SessionHead } from '../core/event.ts';
import type { NodeDraft, SessionNode } from '../core/node.ts';
import { SessionPath } from '../core/path.ts';
import { NO_USAGE, type UsageEntry } from '../core/usage.ts';
import type { Feed } from './feed.ts';
import { fitCommits } from './overflow.ts';
import type { SecretVault } from './secrets.ts';

/** How many of the newest nodes a page is shown at first, and by default per further page. */
export const PAGE_NODES = 100;

/** What a history stands on. */
export interface HistoryParts {
  readonly store: SessionStore;
  readonly attachments: AttachmentStore;
  readonly budget: CommitBudget;
  readonly residency: Residency;
  readonly secrets: SecretVault;
  readonly feed: Feed;
}

/** Nodes to append, under one name. */
export interface AppendRequest {
  readonly operationId: string;
  readonly parent: string | null;
  readonly nodes: readonly NodeDraft[];
  readonly usage: readonly UsageEntry[];
  readonly requires?: string;
  readonly durability?: 'strict';
}

/**
 * The resident part of a session's history, and the only one who writes it.
 *
 * - HI1 Memory follows storage: path, head and events move only after a commit is complete (law ST14).
 * - HI2 Head, ledger and path come from one snapshot (law ST7).
 * - HI3 With `ActivePathOnly` only nodes of the active path are held after every await (law RE2).
 * - HI4 Ids come from receipts (law ST4).
 * - HI5 What is written holds no registered secret (law SE1).
 */
export class History {
  readonly #parts: HistoryParts;
  #epoch: number;
  #head: SessionHead;
  #ledger: readonly UsageEntry[];
  #path: SessionPath;
  /** `KeepAll` only: every node, on the path or not (law RE1). */
  #resident: Map<string, SessionNode> | null;
  /** Whether the leaf may have children, so that an append below it makes siblings. */
  #leafMayHaveChildren = true;

  private constructor(parts: HistoryParts) {
    this.#parts = parts;
    this.#epoch = -1;
    this.#head = EMPTY_HEAD;
    this.#ledger = [];
    this.#path = SessionPath.empty;
    this.#resident = parts.residency === 'KeepAll' ? new Map() : null;
  }

  /** Loads what the residency asks for. @throws `StoredDataCorrupt` */
  static async load(parts: HistoryParts): Promise<History> {
    const history = new History(parts);
    await history.#reload();
    return history;
  }

  get sessionId(): string {
    return this.#parts.store.sessionId;
  }

  get head(): SessionHead {
    return this.#head;
  }

  get ledger(): readonly UsageEntry[] {
    return this.#ledger;
  }

  get path(): SessionPath {
    return this.#path;
  }

  /** How many node bodies are in memory. */
  get residentNodes(): number {
    return this.#resident?.size ?? this.#path.length;
  }

  /**
   * Makes sure that this history may write and stands on the newest head: takes the lease if another writer has it, and
   * loads again if the head moved. Reads one row when neither is the case.
   */
  async prepareToWrite(): Promise<void> {
    const { store } = this.#parts;
    let snapshot = await store.load({ kind: 'head' });
    if (snapshot.epoch !== this.#epoch) {
      this.#epoch = await store.takeLease();
      snapshot = await store.load({ kind: 'head' });
    }
    if (snapshot.head.revision !== this.#head.revision) await this.#refresh();
  }

  /**
   * Appends nodes, in consecutive commits if they are more than one may hold, and resolves with the new leaf. Without
   * nodes only the usage is counted.
   */
  async append(request: AppendRequest): Promise<string | null> {
    const { secrets, attachments, budget, feed } = this.#parts;
    const clean = request.nodes.map((draft) => secrets.redactJson(draft));
    const batches = await fitCommits(clean, attachments, budget);
    if (batches.length === 0) {
      const receipt = await this.#commit(request, request.operationId, { kind: 'unchanged' }, request.usage);
      this.#move(receipt, this.#path);
      feed.emit({ type: 'head-changed', head: this.#head });
      return this.#head.leaf;
    }
    let { parent, usage } = request;
    for (const [part, nodes] of batches.entries()) {
      const operationId = part === 0 ? request.operationId : `${request.operationId}~${part}`;
      const requires = part === 0 && request.requires !== undefined ? { requires: request.requires } : {};
      const base = await this.pathTo(parent);
      const change: GraphChange = { kind: 'append', parentId: parent, nodes, ...requires };
      const receipt = await this.#commit(request, operationId, change, usage);
      await this.#adopt(receipt, base, nodes);
      parent = receipt.leaf;
      usage = [];
    }
    return parent;
  }

  /** Moves the leaf. With `KeepAll` no node is read. @throws `NodeNotFound` */
  async branch(operationId: string, leaf: string | null): Promise<void> {
    const path = await this.pathTo(leaf);
    const receipt = await this.#commit({}, operationId, { kind: 'branch', leaf }, []);
    this.#move(receipt, path);
    this.#leafMayHaveChildren = true;
    await this.#announcePath();
  }

  /** The path to a live node; one that is not resident is read and not kept. @throws `NodeNotFound` */
  async pathTo(leaf: string | null): Promise<SessionPath> {
    const cut = this.#path.upTo(leaf);
    if (cut !== undefined) return cut;
    if (leaf !== null && this.#resident?.has(leaf) === true) return this.#residentPath(leaf, this.#resident);
    const snapshot = await this.#parts.store.load({ kind: 'path', leaf });
    return SessionPath.of(this.sessionId, snapshot.nodes);
  }

  /** Any live node; one that is not resident is read and not kept (law RE4). @throws `NodeNotFound` */
  async node(nodeId: string): Promise<SessionNode> {
    const resident = this.#resident?.get(nodeId) ?? this.#path.nodes.get(this.#path.indexOf(nodeId));
    return resident ?? (await this.#parts.store.loadNode(nodeId));
  }

  /** At most `limit` nodes of the path, the newest ones before depth `before`. */
  window(before: number = this.#path.length, limit: number = PAGE_NODES): PathWindow {
    const end = Math.min(before, this.#path.length);
    const start = Math.max(0, end - limit);
    return { start, nodes: this.#path.nodes.slice(start, end) };
  }

  /** The branch points among `nodes`. */
  async branchPoints(nodes: readonly SessionNode[]): Promise<readonly BranchPoint[]> {
    return nodes.length === 0 ? [] : await this.#parts.store.siblings(nodes.map((node) => node.id));
  }

  async #reload(): Promise<void> {
    const { store } = this.#parts;
    const { head, ledger, nodes } = await store.load({ kind: this.#resident === null ? 'path' : 'all' });
    const resident = this.#resident === null ? null : new Map(nodes.map((node) => [node.id, node]));
    const path =
      resident === null ? SessionPath.of(this.sessionId, nodes) : this.#residentPath(head.leaf, resident);
    this.#head = head;
    this.#ledger = ledger;
    this.#path = path;
    this.#resident = resident;
    this.#leafMayHaveChildren = true;
  }

  async #refresh(): Promise<void> {
    await this.#reload();
    await this.#announcePath();
  }

  async #commit(
    options: Pick<CommitRequest, 'durability'>,
    operationId: string,
    change: GraphChange,
    usage: readonly UsageEntry[],
  ): Promise<CommitReceipt> {
    const expectedRevision = this.#head.revision;
    const { durability } = options;
    try {
      const receipt = await this.#parts.store.commit({
        operationId,
        expectedRevision,
        epoch: this.#epoch,
        change,
        usage,
        ...(durability === undefined ? {} : { durability }),
      });
      checkReceipt(receipt, expectedRevision);
      return receipt;
    } catch (error) {
      await this.#catchUp();
      throw error;
    }
  }

  /** What failed may be stored all the same, and another writer may have been faster: memory follows storage (HI1). */
  async #catchUp(): Promise<void> {
    try {
      const { head } = await this.#parts.store.load({ kind: 'head' });
      if (head.revision !== this.#head.revision) await this.#refresh();
    } catch {
      // The caller is told why the commit failed. Storage that cannot be read now is read before the next write.
    }
  }

  #move(receipt: CommitReceipt, path: SessionPath): void {
    this.#head = receipt.head;
    this.#ledger = receipt.ledger;
    this.#path = path;
  }

  async #adopt(receipt: CommitReceipt, base: SessionPath, drafts: readonly NodeDraft[]): Promise<void> {
    const nodes: SessionNode[] = [];
    for (const [index, draft] of drafts.entries()) {
      const id = receipt.nodeIds[index];
      if (id === undefined)
        throw new LashError('Internal', 'The receipt has fewer ids than nodes were added', {});
      nodes.push({ ...draft, id, parentId: nodes.at(-1)?.id ?? base.leaf });
    }
    const extended = base === this.#path;
    const mayFork = this.#leafMayHaveChildren;
    this.#move(receipt, base.append(this.sessionId, nodes));
    for (const node of nodes) this.#resident?.set(node.id, node);
    this.#leafMayHaveChildren = false;
    if (extended) this.#parts.feed.emit({ type: 'nodes-committed', head: this.#head, nodes });
    const forked = extended && mayFork && (await this.branchPoints(nodes.slice(0, 1))).length > 0;
    if (!extended || forked) await this.#announcePath();
  }

  #residentPath(leaf: string | null, resident: ReadonlyMap<string, SessionNode>): SessionPath {
    const nodes: SessionNode[] = [];
    for (let id = leaf; id !== null;) {
      const node = resident.get(id);
      if (node === undefined || nodes.length > resident.size) {
        const reason = node === undefined ? 'is on the path and was not stored' : 'is its own ancestor';
        const data = { sessionId: this.sessionId, nodeId: id, reason };
        throw new LashError('StoredDataCorrupt', `Node ${id} ${reason}`, data);
      }
      nodes.push(node);
      id = node.parentId;
    }
    return SessionPath.of(this.sessionId, nodes.toReversed());
  }

  async #announcePath(): Promise<void> {
    const window = this.window();
    let branches: readonly BranchPoint[] = [];
    try {
      branches = await this.branchPoints(window.nodes);
    } finally {
      // The path has changed, whether or not its branch points can be read.
      this.#parts.feed.emit({ type: 'path-changed', head: this.#head, window, branches });
    }
  }
}

/**
 * A store that lost its connection finds out by a replay that the commit was done: then it made the next revision. Any
 * other replay is of an earlier operation.
 */
function checkReceipt({ operationId, replayed, revision, head }: CommitReceipt, expected: number): void {
  if (!replayed) return;
  if (revision !== expected + 1) {
    const message = `The operation ${operationId} was done before; nothing was added.`;
    throw new LashError('OperationConflict', message, { operationId });
  }
  if (head.revision === revision) return;
  const message = 'The commit was done, and another writer has gone on from there.';
  throw new LashError('HeadRevisionConflict', message, { expected: revision, actual: head.revision });
}

const EMPTY_HEAD: SessionHead = { revision: 0, leaf: null, usage: NO_USAGE, nodeCount: 0, bytes: 0 };
