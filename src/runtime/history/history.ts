import { loadModule } from '../../contract/load-module.ts';
import type { CommitReceipt, GraphChange } from '../../contract/store.ts';
import type { BranchPoint } from '../../core/branch-point.ts';
import type { PathWindow, SessionHead } from '../../core/event.ts';
import { totalBytes } from '../../core/node-bytes.ts';
import type { NodeDraft, SessionNode } from '../../core/node.ts';
import { newestOf, PAGE_BOUNDS, VIEW_WINDOW } from '../../core/path-window.ts';
import { SessionPath } from '../../core/path.ts';
import { NO_USAGE, type UsageEntry } from '../../core/usage.ts';
import type { Appended, AppendRequest, CommitOptions, HistoryParts } from './history-parts.ts';
import { loadAdded, loadHistory, type LoadedHistory } from './loaded-history.ts';
import { PAGE_NODES, pathPages, readPage } from './path-pages.ts';
import { checkReceipt, isOvertaken, writtenNodes } from './receipt.ts';
import { residentPath } from './resident-path.ts';

/**
 * The resident part of a session's history, and the only one who writes it.
 *
 * - HI1 Memory follows storage: path, head and events move only after a commit is complete (law ST14).
 * - HI2 Head, ledger and path come from one snapshot (law ST7), and never go back to an older one.
 * - HI3 With `ActivePathOnly` only the newest nodes of the active path are held after every await, within
 *   `residentBytes` (law RE2). What else is needed of a path is read page by page and not kept.
 * - HI4 Ids come from receipts (law ST4).
 * - HI5 What is written holds no registered secret (law SE1).
 * - HI6 A commit that was made is never told as one that failed. What could not be read behind it, or of what others did,
 *   is read before the next read or write.
 */
export class History {
  readonly #parts: HistoryParts;
  readonly #maxBytes: number;
  #epoch = -1;
  #head: SessionHead = EMPTY_HEAD;
  #ledger: readonly UsageEntry[] = [];
  #path: SessionPath = SessionPath.empty;
  /** `KeepAll` only: every node, on the path or not (law RE1). */
  #resident: Map<string, SessionNode> | null;
  /** Whether the leaf may have children, so that an append below it makes siblings. */
  #leafMayHaveChildren = true;
  /** Whether something of what is stored could not be read (HI6). */
  #behind = false;

  private constructor(parts: HistoryParts) {
    const keepAll = parts.residency === 'KeepAll' && parts.soundLeaf === undefined;
    this.#parts = parts;
    this.#maxBytes = keepAll ? Infinity : parts.residentBytes;
    this.#resident = keepAll ? new Map() : null;
  }

  /** Loads what the residency asks for: every node, or the newest page of the path. @throws `StoredDataCorrupt` */
  static async load(parts: HistoryParts): Promise<History> {
    const history = new History(parts);
    history.#adopt(await history.#read());
    return history;
  }

  get sessionId(): string {
    return this.#parts.store.sessionId;
  }

  /** The epoch that this history writes with; the newest one unless another writer took over. */
  get epoch(): number {
    return this.#epoch;
  }

  get head(): SessionHead {
    return this.#head;
  }

  get ledger(): readonly UsageEntry[] {
    return this.#ledger;
  }

  /** The active path, as far as it is in memory. */
  get path(): SessionPath {
    return this.#path;
  }

  /** The nodes that are in memory. */
  get resident(): Iterable<SessionNode> {
    return this.#resident?.values() ?? this.#path.nodes;
  }

  /** How many they are. */
  get residentNodes(): number {
    return this.#resident?.size ?? this.#path.nodes.length;
  }

  /** How many bytes they take, more or less. */
  get residentBytes(): number {
    return this.#resident === null ? this.#path.bytes : totalBytes(this.resident);
  }

  /**
   * Makes sure that this history may write and stands on the newest head: takes the lease if another writer has it, and
   * loads again if the head moved. Reads one row when neither is the case. Once `gone` aborted it takes nothing any more.
   *
   * @throws the reason of `gone`
   */
  async prepareToWrite(gone?: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    let snapshot = await store.load({ kind: 'head' });
    gone?.throwIfAborted();
    if (snapshot.epoch !== this.#epoch) {
      this.#epoch = await store.takeLease();
      snapshot = await store.load({ kind: 'head' });
    }
    await this.#standOn(snapshot.head);
  }

  /** Goes on to what is stored now, written by whomever. Reads one row when that is what is here. */
  async follow(): Promise<void> {
    try {
      await this.#standOn((await this.#parts.store.load({ kind: 'head' })).head);
    } catch (error) {
      this.#behind = true;
      throw error;
    }
  }

  /**
   * Appends nodes, in consecutive commits if they are more than one may hold. Without nodes only the usage is counted.
   */
  async append(request: AppendRequest): Promise<Appended> {
    const { secrets, attachments, budget, feed } = this.#parts;
    const clean = request.nodes.map((draft) => secrets.redactJson(draft));
    const { fitCommits } = await loadModule('overflow', import('./overflow.ts'));
    const batches = await fitCommits(clean, attachments, budget);
    if (batches.length === 0) {
      const receipt = await this.#commit(request, request.operationId, { kind: 'unchanged' }, request.usage);
      if (isOvertaken(receipt)) await this.#readBehind(() => this.follow());
      else if (this.#move(receipt, this.#path, this.#leafMayHaveChildren))
        feed.emit({ type: 'head-changed', head: this.#head });
      return { nodeIds: [], leaf: this.#head.leaf };
    }
    const nodeIds: string[] = [];
    let { parent, usage } = request;
    const { turn: _turn, checkpoint: _checkpoint, ...rest } = request;
    for (const [part, nodes] of batches.entries()) {
      const operationId = part === 0 ? request.operationId : `${request.operationId}~${part}`;
      const requires = part === 0 && request.requires !== undefined ? { requires: request.requires } : {};
      const change: GraphChange = { kind: 'append', parentId: parent, nodes, ...requires };
      const isLast = part === batches.length - 1;
      const receipt = await this.#commit(isLast ? request : rest, operationId, change, usage);
      const isHere = receipt.replayed && this.#path.leaf === receipt.leaf;
      if (!isHere) await this.#extend(receipt, parent, nodes);
      nodeIds.push(...receipt.nodeIds);
      parent = receipt.leaf;
      usage = [];
    }
    return { nodeIds, leaf: parent };
  }

  /** Moves the leaf, to where the path can be read. @throws `NodeNotFound`, `StoredDataCorrupt` (law ST6) */
  async branch(operationId: string, leaf: string | null, options: CommitOptions = {}): Promise<void> {
    const path = await this.#withPage(this.#held(leaf) ?? (await this.#unread(leaf)));
    const receipt = await this.#commit(options, operationId, { kind: 'branch', leaf }, []);
    if (isOvertaken(receipt)) return await this.#readBehind(() => this.follow());
    await this.#show(path, (shown) => this.#move(receipt, shown, true));
  }

  /**
   * The path to a live node page by page, newest first: first what is in memory, then what is read and not kept.
   *
   * @throws `NodeNotFound`
   */
  pages(leaf: string | null): AsyncIterable<PathWindow> {
    return pathPages(this.#parts.store, leaf, this.#held(leaf));
  }

  /** Whether a live node is on the active path. @throws `NodeNotFound` */
  async isActive(nodeId: string | null): Promise<boolean> {
    if (this.#path.upTo(nodeId) !== undefined || nodeId === null) return true;
    return (await this.#parts.store.locate(nodeId)).active;
  }

  /** Any live node; one that is not in memory is read and not kept (law RE4). @throws `NodeNotFound` */
  async node(nodeId: string): Promise<SessionNode> {
    if (this.#behind) await this.follow();
    const resident = this.#resident?.get(nodeId) ?? this.#path.node(nodeId);
    return resident ?? (await this.#parts.store.loadNode(nodeId));
  }

  /** The newest nodes of the path that are in memory. */
  window(): PathWindow {
    return this.#path.window(this.#path.depth, PAGE_NODES);
  }

  /** At most `limit` nodes of the path, the newest ones before depth `before`, as far as a page holds them. */
  async page(before: number = Infinity, limit: number = PAGE_NODES): Promise<PathWindow> {
    if (this.#behind) await this.follow();
    const path = this.#path;
    const end = Math.min(before, path.depth);
    if (end <= 0) return { start: 0, nodes: [] };
    const window =
      Math.max(0, end - limit) >= path.start
        ? path.window(end, limit)
        : await readPage(this.#parts.store, path.leaf, end, limit);
    return newestOf(window, PAGE_BOUNDS);
  }

  /** The branch points among `nodes`. */
  async branchPoints(nodes: readonly SessionNode[]): Promise<readonly BranchPoint[]> {
    return nodes.length === 0 ? [] : await this.#parts.store.siblings(nodes.map((node) => node.id));
  }

  /** One snapshot; of one that only goes on to `newest` from what is here, what goes on. */
  async #read(newest?: SessionHead): Promise<LoadedHistory> {
    const added = newest && !this.#behind ? await loadAdded(this.#parts, this.#head, newest) : null;
    if (added?.path.behind(this.#path.leaf)) return { ...added, resident: this.#resident };
    return await loadHistory(this.#parts, this.#resident);
  }

  /** Whether it is news: a commit may have been faster. */
  #adopt({ head, ledger, path, resident }: LoadedHistory): boolean {
    if (!this.#move({ head, ledger }, path, true)) return false;
    this.#resident = resident;
    return true;
  }

  async #standOn(newest: SessionHead): Promise<void> {
    if (!this.#behind && sameHead(newest, this.#head)) return;
    const loaded = await this.#read(newest);
    const { head } = loaded;
    const before = this.#head;
    if (head.revision < before.revision) return;
    const missed = this.#behind;
    this.#behind = false;
    const mayFork = this.#leafMayHaveChildren;
    const added = loaded.path.behind(this.#path.leaf);
    if (added === undefined) return await this.#show(loaded.path, (path) => this.#adopt({ ...loaded, path }));
    this.#adopt({ ...loaded, path: this.#path.append(this.sessionId, added) });
    for (const node of added) this.#resident?.set(node.id, node);
    if (added.length > 0) this.#parts.feed.emit({ type: 'nodes-committed', head, nodes: added });
    else if (!sameHead(head, before)) this.#parts.feed.emit({ type: 'head-changed', head });
    // Nodes that came or went elsewhere may be siblings of those on the path.
    const elsewhere = head.nodeCount - before.nodeCount !== added.length;
    await this.#readBehind(async () => {
      if (missed || elsewhere) await this.#tellBranches();
      else if (mayFork) await this.#tellForks(added);
    });
  }

  async #commit(
    options: CommitOptions,
    operationId: string,
    change: GraphChange,
    usage: readonly UsageEntry[],
  ): Promise<CommitReceipt> {
    const expectedRevision = this.#head.revision;
    const { durability, turn, checkpoint, repeat = false } = options;
    try {
      const receipt = await this.#parts.store.commit({
        operationId,
        expectedRevision,
        epoch: this.#epoch,
        change,
        usage,
        ...(durability === undefined ? {} : { durability }),
        ...(turn === undefined ? {} : { turn }),
        ...(checkpoint === undefined ? {} : { checkpoint }),
      });
      if (!repeat) checkReceipt(receipt, expectedRevision);
      return receipt;
    } catch (error) {
      // What failed may be stored all the same, and another writer may have been faster: memory follows storage (HI1).
      await this.#readBehind(() => this.follow());
      throw error;
    }
  }

  /** Whether it is news: a refresh may have been faster. */
  #move(
    { head, ledger }: Pick<LoadedHistory, 'head' | 'ledger'>,
    path: SessionPath,
    mayHaveChildren: boolean,
  ): boolean {
    if (head.revision < this.#head.revision) return false;
    this.#head = head;
    this.#ledger = ledger;
    this.#path = path.keepNewest(this.#maxBytes);
    this.#leafMayHaveChildren = mayHaveChildren;
    return true;
  }

  async #extend(
    receipt: CommitReceipt,
    parentId: string | null,
    drafts: readonly NodeDraft[],
  ): Promise<void> {
    if (isOvertaken(receipt)) return await this.#readBehind(() => this.follow());
    const nodes = writtenNodes(receipt, parentId, drafts);
    const base = this.#held(parentId) ?? SessionPath.unread(parentId, receipt.head.depth - nodes.length);
    const move = (path: SessionPath): boolean => {
      if (!this.#move(receipt, path, false)) return false;
      for (const node of nodes) this.#resident?.set(node.id, node);
      return true;
    };
    const mayFork = this.#leafMayHaveChildren;
    const elsewhere = receipt.head.nodeCount - this.#head.nodeCount !== nodes.length;
    const extended = base.append(this.sessionId, nodes);
    if (parentId !== this.#path.leaf) return await this.#show(extended, move);
    if (!move(extended)) return;
    this.#parts.feed.emit({ type: 'nodes-committed', head: this.#head, nodes });
    await this.#readBehind(async () => {
      // Nodes that were tombstoned meanwhile are no siblings any more, and with `KeepAll` still in memory.
      if (elsewhere && this.#resident !== null) this.#adopt(await this.#read());
      if (elsewhere) await this.#tellBranches();
      else if (mayFork) await this.#tellForks(nodes);
    });
  }

  async #unread(leaf: string | null): Promise<SessionPath> {
    const depth = leaf === null ? 0 : (await this.#parts.store.locate(leaf)).depth + 1;
    return SessionPath.unread(leaf, depth);
  }

  /** The path to a node whose path is in memory, in part at least. */
  #held(leaf: string | null): SessionPath | undefined {
    const cut = this.#path.upTo(leaf);
    if (cut !== undefined || leaf === null || this.#resident?.has(leaf) !== true) return cut;
    return residentPath(this.sessionId, leaf, this.#resident);
  }

  /** Reads what nobody waits for. What cannot be read now is read later, and keeps nobody from going on (HI6). */
  async #readBehind(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch {
      this.#behind = true;
    }
  }

  /** Tells which siblings the nodes have that a page most likely shows. */
  async #tellBranches(): Promise<void> {
    const { leaf } = this.#path;
    const nodeIds: string[] = [];
    let start = 0;
    for await (const page of this.pages(leaf)) {
      nodeIds.push(...page.nodes.map(({ id }) => id));
      ({ start } = page);
      if (nodeIds.length >= VIEW_WINDOW) break;
    }
    const branches = await this.#parts.store.siblings(nodeIds);
    if (this.#path.leaf === leaf) this.#parts.feed.emit({ type: 'branches-changed', start, branches });
    else this.#behind = true;
  }

  /** Tells of siblings of the first of these nodes, which were appended: the others are the only children. */
  async #tellForks(appended: readonly SessionNode[]): Promise<void> {
    const { leaf, depth } = this.#path;
    const branches = await this.branchPoints(appended.slice(0, 1));
    if (branches.length === 0) return;
    const start = depth - appended.length;
    if (this.#path.leaf === leaf) this.#parts.feed.emit({ type: 'branches-changed', start, branches });
    else this.#behind = true;
  }

  /** Reads what a page shows of `path`, and then lets `move` make it the active one, in one step with the event. */
  async #show(path: SessionPath, move: (path: SessionPath) => boolean): Promise<void> {
    let shown = path;
    let branches: readonly BranchPoint[] = [];
    await this.#readBehind(async () => {
      shown = await this.#withPage(path);
      branches = await this.branchPoints(shown.window(shown.depth, PAGE_NODES).nodes);
    });
    const kept = this.#path.sharedWith(shown);
    if (!move(shown)) return;
    this.#parts.feed.emit({
      type: 'path-changed',
      head: this.#head,
      kept,
      window: this.window(),
      branches,
    });
  }

  /** `path` with a page of it held. */
  async #withPage(path: SessionPath): Promise<SessionPath> {
    const missing = PAGE_NODES - path.nodes.length;
    if (missing <= 0 || path.start === 0) return path;
    return path.prepend(this.sessionId, await readPage(this.#parts.store, path.leaf, path.start, missing));
  }
}

/** Maintenance counts nodes and bytes anew, without a revision. */
function sameHead(one: SessionHead, other: SessionHead): boolean {
  return one.revision === other.revision && one.nodeCount === other.nodeCount && one.bytes === other.bytes;
}

const EMPTY_HEAD: SessionHead = {
  revision: 0,
  leaf: null,
  usage: NO_USAGE,
  depth: 0,
  nodeCount: 0,
  bytes: 0,
};
