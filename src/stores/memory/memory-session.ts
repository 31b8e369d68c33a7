import type {
  CommitReceipt,
  LoadScope,
  NodePlace,
  OrphanPage,
  SessionMetaChange,
  SessionSnapshot,
  SoundPath,
  VacuumOptions,
} from '../../contract/store.ts';
import type { BranchPoint } from '../../core/branch-point.ts';
import { freeze } from '../../core/freeze.ts';
import type { SessionInventory, SweepReport, TombstoneReport, VacuumReport } from '../../core/maintenance.ts';
import type { NodeDraft, SessionNode } from '../../core/node.ts';
import type { Page, SessionMeta, SessionPolicy, SessionSummary } from '../../core/policy.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import {
  checkCurrent,
  headAfter,
  isReplay,
  type PlannedCommit,
  receiptOf,
  type StoredReceipt,
  targetOf,
  toCommitReceipt,
} from '../rules/commit-plan.ts';
import { type HeadState, initialHead, toSessionHead } from '../rules/head-state.ts';
import { checkPage, pathRange } from '../rules/path-range.ts';
import { invalid } from '../rules/refusal.ts';
import { type CreateMode, sessionDeleted, sessionExists } from '../rules/session-state.ts';
import type { KeptTask } from '../rules/task-plan.ts';
import type { PlannedTurnChange } from '../rules/turn-plan.ts';
import type { MemoryAttachments } from './memory-attachments.ts';
import { MemoryCheckpoints } from './memory-checkpoints.ts';
import { MemoryGraph, type MemoryPlace } from './memory-graph.ts';
import { MemoryTurns } from './memory-turns.ts';

/** What an operation left behind: its receipt, and what its nodes take and refer to. */
interface Operation extends StoredReceipt {
  readonly bytes: number;
  /** The `createdAt` of the last node. */
  readonly at: number;
  readonly attachments: readonly string[];
}

/** One session in memory: a head, a graph, and a receipt for each operation. */
export class MemorySession {
  readonly sessionId: string;
  readonly graph: MemoryGraph;
  readonly turns: MemoryTurns;
  readonly tasks: Map<string, KeptTask> = new Map();
  state: 'live' | 'importing' | 'deleting' | 'deleted' = 'live';
  /** Why its head cannot be read, after a test has broken it. */
  damage: string | undefined;
  #head: HeadState;
  #title: string;
  #policy: SessionPolicy;
  readonly #createdAt: number;
  readonly #parent: { readonly parent?: SessionParent };
  readonly #attachments: MemoryAttachments | undefined;
  readonly #operations = new Map<string, Operation>();
  readonly #pins = new Set<string>();
  readonly #checkpoints: MemoryCheckpoints;

  constructor(sessionId: string, { title, policy, at, parent }: CreateMode, attachments?: MemoryAttachments) {
    this.sessionId = sessionId;
    this.graph = new MemoryGraph(sessionId);
    this.turns = new MemoryTurns(sessionId);
    this.#checkpoints = new MemoryCheckpoints(sessionId);
    this.#head = initialHead(at);
    this.#title = title;
    this.#policy = freeze(structuredClone(policy));
    this.#createdAt = at;
    this.#parent = parent === undefined ? {} : { parent: freeze(structuredClone(parent)) };
    this.#attachments = attachments;
  }

  get isDeleted(): boolean {
    return this.state === 'deleting' || this.state === 'deleted';
  }

  get epoch(): number {
    return this.#head.epoch;
  }

  snapshot(scope: LoadScope): SessionSnapshot {
    const { epoch, ledger, leaf } = this.#head;
    const head = toSessionHead(this.#head, this.graph.depthOf(leaf));
    if (scope.kind === 'head') return { head, epoch, ledger, nodes: [], start: 0 };
    if (scope.kind === 'all') {
      const nodes = this.graph.live().map((place) => this.graph.read(place));
      return { head, epoch, ledger, nodes, start: 0 };
    }
    checkPage(scope);
    if (typeof scope.leaf === 'string') this.graph.place(scope.leaf);
    const path = this.graph.path(scope.leaf === undefined ? leaf : scope.leaf);
    const { from, to } = pathRange(path.length, scope);
    const nodes = path.slice(from, to).map((place) => this.graph.read(place));
    const snapshot = { head, epoch, ledger, nodes, start: from };
    return scope.checkpoint === true ? { ...snapshot, checkpoint: this.#checkpoints.find(path) } : snapshot;
  }

  node(nodeId: string): SessionNode {
    return this.graph.read(this.graph.place(nodeId));
  }

  locate(nodeId: string): NodePlace {
    const { depth } = this.graph.place(nodeId);
    return { depth, active: this.#isActive(nodeId) };
  }

  soundPath(): SoundPath {
    return this.graph.soundPath(this.#head.leaf);
  }

  siblings(nodeIds: readonly string[]): readonly BranchPoint[] {
    const points: BranchPoint[] = [];
    for (const nodeId of nodeIds) {
      const siblings = this.graph.children(this.graph.place(nodeId).parentId);
      if (siblings.length > 1) points.push({ nodeId, siblings });
    }
    return points;
  }

  takeLease(): number {
    const epoch = this.#head.epoch + 1;
    this.#head = { ...this.#head, epoch };
    return epoch;
  }

  /** All checks come before the first change, so that a commit is applied whole or not at all. */
  commit(commit: PlannedCommit, turn?: PlannedTurnChange): CommitReceipt {
    const { operationId, change, checkpoint, attachments, bytes } = commit;
    const done = this.#operations.get(operationId);
    if (isReplay(commit, this.#head, done) && done !== undefined) return this.#receipt(done, true);
    const target = targetOf(change);
    checkCurrent(this.sessionId, commit, this.#head, {
      targetLives: target === null || this.graph.isLive(target),
      requiredIsActive:
        change.kind !== 'append' || change.requires === undefined || this.#isActive(change.requires),
    });
    const head = headAfter(this.#head, commit);
    if (checkpoint !== undefined) this.#checkpoints.check(checkpoint);
    const turns = turn === undefined ? [] : this.turns.plan(turn, head.leaf);
    this.#attachments?.adopt(this.sessionId, operationId, attachments);
    if (change.kind === 'append') {
      this.graph.add(operationId, change.parentId, JSON.parse(change.nodes) as readonly NodeDraft[]);
    }
    if (checkpoint !== undefined && head.leaf !== null) this.#checkpoints.write(head.leaf, checkpoint);
    if (turn !== undefined) this.turns.apply(turn, turns);
    const at = change.kind === 'append' ? change.createdAt : 0;
    const operation = { ...receiptOf(commit, head), bytes, at, attachments };
    this.#operations.set(operationId, operation);
    this.#head = freeze(head);
    return this.#receipt(operation, false);
  }

  pin(nodeId: string): void {
    this.#pins.add(this.graph.place(nodeId).nodeId);
  }

  unpin(nodeId: string): void {
    this.#pins.delete(nodeId);
  }

  orphanedNodeIds({ after, limit = 100, writtenBefore }: OrphanPage): Page<string> {
    checkLimit(limit);
    const end = after === undefined ? Number.POSITIVE_INFINITY : Number(after);
    if (Number.isNaN(end) || after === '') throw invalid('after', 'must be the `next` of another page');
    const isOld = ({ operationId }: MemoryPlace): boolean =>
      writtenBefore === undefined || (this.#operations.get(operationId)?.at ?? 0) < writtenBefore;
    const orphans = this.graph
      .orphans(this.#roots())
      .filter((place) => place.order < end)
      .filter(isOld);
    const items = orphans.slice(0, limit);
    const next = orphans.length > items.length ? String(items.at(-1)?.order) : null;
    return { items: items.map((place) => place.nodeId), next };
  }

  tombstone(nodeIds: readonly string[]): TombstoneReport {
    if (nodeIds.length > 1000) throw invalid('nodeIds', 'must be at most 1,000');
    if (nodeIds.length === 0) return { status: 'NothingToDo', tombstoned: [], refused: [] };
    const outcomes = this.graph.tombstone(nodeIds, this.#roots());
    const tombstoned: string[] = [];
    const refused: TombstoneReport['refused'][number][] = [];
    for (const [nodeId, outcome] of outcomes) {
      if (outcome === 'tombstoned') tombstoned.push(nodeId);
      else refused.push({ nodeId, reason: outcome });
    }
    this.#head = { ...this.#head, nodeCount: this.#head.nodeCount - tombstoned.length };
    if (refused.length === 0) return { status: 'Swept', tombstoned, refused };
    return { status: tombstoned.length === 0 ? 'Refused' : 'Incomplete', tombstoned, refused };
  }

  /** An operation is one record: it goes when all of its nodes are tombstoned, and its receipt with it (law ST9). */
  vacuum({ signal }: VacuumOptions): VacuumReport {
    const report = { removedNodes: 0, removedRows: 0, removedBytes: 0, keptNodes: 0 };
    const dead = this.graph.tombstonedByOperation();
    if (dead.size > 0 && signal?.aborted === true) return { status: 'Incomplete', ...report };
    for (const [operationId, nodeIds] of dead) {
      const operation = this.#operations.get(operationId);
      this.#checkpoints.forget(nodeIds);
      if (operation?.count !== nodeIds.length) {
        report.keptNodes += nodeIds.length;
        continue;
      }
      this.graph.remove(nodeIds);
      this.#operations.delete(operationId);
      this.#attachments?.release(this.sessionId, operationId, operation.attachments);
      report.removedNodes += nodeIds.length;
      report.removedRows++;
      report.removedBytes += operation.bytes;
    }
    this.#head = { ...this.#head, bytes: this.#head.bytes - report.removedBytes };
    return { status: report.removedRows === 0 ? 'NothingToDo' : 'Swept', ...report };
  }

  sweepComponents(): SweepReport {
    return this.#checkpoints.sweep();
  }

  inventory(): Omit<SessionInventory, 'attachmentBytes'> {
    return {
      sessionId: this.sessionId,
      nodes: this.#head.nodeCount,
      orphans: this.graph.orphans(this.#roots()).length,
      tombstoned: this.graph.tombstonedCount,
      bytes: this.#head.bytes,
      pins: [...this.#pins],
      attachments: this.attachmentIds().length,
    };
  }

  /** The attachments that the session's nodes refer to, each once. */
  attachmentIds(): readonly string[] {
    return [...new Set([...this.#operations.values()].flatMap((operation) => operation.attachments))];
  }

  saveMeta({ title, policy, at }: SessionMetaChange): SessionMeta {
    this.#title = title ?? this.#title;
    if (policy !== undefined) this.#policy = freeze(structuredClone(policy));
    this.#head = { ...this.#head, updatedAt: at };
    return this.meta();
  }

  meta(): SessionMeta {
    const named = { sessionId: this.sessionId, title: this.#title, createdAt: this.#createdAt };
    return { ...named, updatedAt: this.#head.updatedAt, policy: this.#policy, ...this.#parent };
  }

  summary(): SessionSummary {
    const { policy: _policy, ...named } = this.meta();
    const { nodeCount, bytes } = this.#head;
    const { damage } = this;
    return damage === undefined
      ? { ...named, nodeCount, bytes }
      : { ...named, updatedAt: 0, nodeCount: 0, bytes: 0, damage };
  }

  /** Ends an import: the session shows, and goes on from `leaf`. @throws `NodeNotFound`, `SessionDeleted`, `SessionExists` */
  publish(leaf: string | null): void {
    if (this.isDeleted) throw sessionDeleted(this.sessionId);
    if (this.state === 'live') throw sessionExists(this.sessionId);
    if (leaf !== null) this.graph.place(leaf);
    this.#head = { ...this.#head, leaf, revision: this.#head.revision + 1 };
    this.state = 'live';
  }

  /** Forgets what it holds, and what that refers to. */
  clear(): void {
    for (const { operationId, attachments } of this.#operations.values())
      this.#attachments?.release(this.sessionId, operationId, attachments);
    this.#operations.clear();
    this.graph.clear();
    this.#checkpoints.clear();
    this.turns.clear();
    this.tasks.clear();
  }

  #receipt(receipt: StoredReceipt, replayed: boolean): CommitReceipt {
    return toCommitReceipt(receipt, this.#head, this.graph.depthOf(this.#head.leaf), replayed);
  }

  #isActive(nodeId: string): boolean {
    return this.graph.path(this.#head.leaf).some((place) => place.nodeId === nodeId);
  }

  /** What must stay reachable (law ST8). A running turn's base is at or above the leaf. */
  #roots(): readonly string[] {
    const { leaf } = this.#head;
    return leaf === null ? [...this.#pins] : [leaf, ...this.#pins];
  }
}

function checkLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 1000) throw invalid('limit', 'must be 1 to 1,000');
}
