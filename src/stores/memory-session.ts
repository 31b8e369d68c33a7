import type { CommitReceipt, LoadScope, SessionMetaChange, SessionSnapshot } from '../contract/store.ts';
import type { BranchPoint, Sibling } from '../core/branch-point.ts';
import { nodeIdOf } from '../core/id.ts';
import type { NodeDraft, SessionNode } from '../core/node.ts';
import type { SessionMeta, SessionPolicy, SessionSummary } from '../core/policy.ts';
import {
  checkCurrent,
  headAfter,
  type HeadState,
  initialHead,
  isReplay,
  nodeNotFound,
  type PlannedCommit,
  receiptOf,
  type StoredReceipt,
  targetOf,
  toCommitReceipt,
  toSessionHead,
} from './commit-plan.ts';
import { checkPage, pathRange } from './path-range.ts';

/** One session in memory: a map of nodes in the order in which they were written, receipts, and a head. */
export class MemorySession {
  readonly sessionId: string;
  deleted = false;
  #head: HeadState;
  #title: string;
  #policy: SessionPolicy;
  readonly #createdAt: number;
  readonly #nodes = new Map<string, SessionNode>();
  readonly #receipts = new Map<string, StoredReceipt>();

  constructor(sessionId: string, title: string, policy: SessionPolicy, at: number) {
    this.sessionId = sessionId;
    this.#head = initialHead(at);
    this.#title = title;
    this.#policy = freeze(structuredClone(policy));
    this.#createdAt = at;
  }

  snapshot(scope: LoadScope): SessionSnapshot {
    const { epoch, ledger } = this.#head;
    const head = toSessionHead(this.#head);
    if (scope.kind === 'head') return { head, epoch, ledger, nodes: [], start: 0 };
    if (scope.kind === 'all') return { head, epoch, ledger, nodes: [...this.#nodes.values()], start: 0 };
    checkPage(scope);
    const path = this.#path(scope.leaf === undefined ? this.#head.leaf : scope.leaf);
    const { from, to } = pathRange(path.length, scope);
    return { head, epoch, ledger, nodes: path.slice(from, to), start: from };
  }

  node(nodeId: string): SessionNode {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw nodeNotFound(this.sessionId, nodeId);
    return node;
  }

  siblings(nodeIds: readonly string[]): readonly BranchPoint[] {
    const points: BranchPoint[] = [];
    for (const nodeId of nodeIds) {
      const { parentId } = this.node(nodeId);
      const siblings = this.#children(parentId);
      if (siblings.length > 1) points.push({ nodeId, siblings });
    }
    return points;
  }

  takeLease(): number {
    const epoch = this.#head.epoch + 1;
    this.#head = { ...this.#head, epoch };
    return epoch;
  }

  commit(commit: PlannedCommit): CommitReceipt {
    const done = this.#receipts.get(commit.operationId);
    if (isReplay(commit, this.#head, done) && done !== undefined)
      return toCommitReceipt(done, this.#head, true);
    const target = targetOf(commit.change);
    checkCurrent(this.sessionId, commit, this.#head, {
      targetLives: target === null || this.#nodes.has(target),
      requiredIsActive: this.#holdsRequired(commit),
    });
    const head = headAfter(this.#head, commit);
    this.#append(commit);
    const receipt = receiptOf(commit, head);
    this.#receipts.set(commit.operationId, receipt);
    this.#head = freeze(head);
    return toCommitReceipt(receipt, head, false);
  }

  saveMeta({ title, policy, at }: SessionMetaChange): SessionMeta {
    this.#title = title ?? this.#title;
    if (policy !== undefined) this.#policy = freeze(structuredClone(policy));
    this.#head = { ...this.#head, updatedAt: at };
    return this.meta();
  }

  meta(): SessionMeta {
    const { sessionId } = this;
    const { updatedAt } = this.#head;
    return { sessionId, title: this.#title, createdAt: this.#createdAt, updatedAt, policy: this.#policy };
  }

  summary(): SessionSummary {
    const { sessionId, title, createdAt, updatedAt } = this.meta();
    const { nodeCount, bytes } = this.#head;
    return { sessionId, title, createdAt, updatedAt, nodeCount, bytes };
  }

  /** Forgets everything but that the id was used. */
  delete(): void {
    this.deleted = true;
    this.#nodes.clear();
    this.#receipts.clear();
  }

  #append({ operationId, change }: PlannedCommit): void {
    if (change.kind !== 'append') return;
    let { parentId } = change;
    for (const [ordinal, draft] of (JSON.parse(change.nodes) as readonly NodeDraft[]).entries()) {
      const id = nodeIdOf(operationId, ordinal);
      this.#nodes.set(id, freeze({ id, parentId, ...draft }));
      parentId = id;
    }
  }

  #path(leaf: string | null): SessionNode[] {
    const path: SessionNode[] = [];
    for (let nodeId = leaf; nodeId !== null;) {
      const node = this.node(nodeId);
      path.push(node);
      nodeId = node.parentId;
    }
    return path.toReversed();
  }

  #holdsRequired({ change }: PlannedCommit): boolean {
    if (change.kind !== 'append' || change.requires === undefined) return true;
    return this.#path(this.#head.leaf).some((node) => node.id === change.requires);
  }

  /** A node stands behind its parent in the map, so that one pass finds the last descendant of each child. */
  #children(parentId: string | null): readonly Sibling[] {
    const tips = new Map<string, string>();
    const childOf = new Map<string, string>();
    for (const node of this.#nodes.values()) {
      const child = node.parentId === parentId ? node.id : childOf.get(node.parentId ?? '');
      if (child === undefined) continue;
      childOf.set(node.id, child);
      tips.set(child, node.id);
    }
    return Array.from(tips, ([nodeId, tip]) => ({ nodeId, tip }));
  }
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
