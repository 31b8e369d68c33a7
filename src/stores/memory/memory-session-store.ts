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
import type {
  GcReport,
  SessionInventory,
  SweepReport,
  TombstoneReport,
  VacuumReport,
} from '../../core/maintenance.ts';
import type { SessionNode } from '../../core/node.ts';
import type { Page, SessionMeta } from '../../core/policy.ts';
import { planCommit } from '../rules/commit-plan.ts';
import { worseStatus } from '../rules/maintenance-status.ts';
import { checkMeta } from '../rules/meta-check.ts';
import { sessionClosed, sessionDeleted } from '../rules/session-state.ts';
import { corrupt } from '../rules/storage-error.ts';
import { planTurnChange } from '../rules/turn-plan.ts';
import type { MemorySession } from './memory-session.ts';
import { InMemoryTaskStore } from './memory-task-store.ts';
import { InMemoryTurnStore } from './memory-turn-store.ts';

const LEFT: SweepReport = { status: 'NothingToDo', roots: 0, kept: 0, removed: 0, removedBytes: 0 };
const STOPPED: SweepReport = { ...LEFT, status: 'Incomplete' };

/** What a session needs of the attachments that all sessions share. */
interface SharedAttachments {
  sweepAttachments(options: GcOptions): SweepReport;
  attachmentBytes(ids: readonly string[]): number;
}

/** A handle of a session in memory. What a call does to the session is atomic, since it runs without a pause. */
export class InMemorySessionStore implements SessionStore {
  readonly sessionId: string;
  readonly turns: TurnStore;
  readonly tasks: TaskStore;
  readonly #shared: SharedAttachments;
  readonly #session: MemorySession;
  readonly #budget: CommitBudget;
  #closed = false;

  constructor(shared: SharedAttachments, session: MemorySession, budget: CommitBudget) {
    this.sessionId = session.sessionId;
    this.turns = new InMemoryTurnStore(() => this.#live());
    this.tasks = new InMemoryTaskStore(() => this.#live());
    this.#shared = shared;
    this.#session = session;
    this.#budget = budget;
  }

  async load(scope: LoadScope): Promise<SessionSnapshot> {
    return this.#live().snapshot(scope);
  }

  async loadNode(nodeId: string): Promise<SessionNode> {
    return this.#live().node(nodeId);
  }

  async siblings(nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    return this.#live().siblings(nodeIds);
  }

  async takeLease(): Promise<number> {
    return this.#live().takeLease();
  }

  async commit(request: CommitRequest): Promise<CommitReceipt> {
    this.#checkOpen();
    const commit = await planCommit(request, this.#budget);
    const turn = commit.turn === undefined ? undefined : planTurnChange(commit.turn);
    return this.#undeleted().commit(commit, turn);
  }

  async locate(nodeId: string): Promise<NodePlace> {
    return this.#live().locate(nodeId);
  }

  async findSoundPath(): Promise<SoundPath> {
    return this.#live().soundPath();
  }

  async pin(nodeId: string): Promise<void> {
    this.#live().pin(nodeId);
  }

  async unpin(nodeId: string): Promise<void> {
    this.#live().unpin(nodeId);
  }

  async orphanedNodeIds(page: OrphanPage = {}): Promise<Page<string>> {
    return this.#live().orphanedNodeIds(page);
  }

  async tombstoneNodes(nodeIds: readonly string[]): Promise<TombstoneReport> {
    return this.#live().tombstone(nodeIds);
  }

  async vacuum(options: VacuumOptions = {}): Promise<VacuumReport> {
    return this.#live().vacuum(options);
  }

  async gcUnreachable(options: GcOptions = {}): Promise<GcReport> {
    const session = this.#live();
    const { only, signal } = options;
    const run = (kind: GcOptions['only'], sweep: () => SweepReport): SweepReport => {
      if (only !== undefined && only !== kind) return LEFT;
      return signal?.aborted === true ? STOPPED : sweep();
    };
    const components = run('components', () => session.sweepComponents());
    const attachments = run('attachments', () => this.#shared.sweepAttachments(options));
    return { status: worseStatus(components.status, attachments.status), components, attachments };
  }

  async inventory(): Promise<SessionInventory> {
    const session = this.#live();
    const attachmentBytes = this.#shared.attachmentBytes(session.attachmentIds());
    return { ...session.inventory(), attachmentBytes };
  }

  async walk(page: WalkPage = {}): Promise<NodeWalk> {
    const { walkMemory } = await loadModule('memory-walk', import('./memory-walk.ts'));
    return walkMemory(this.#live(), page);
  }

  async saveSessionMeta(change: SessionMetaChange): Promise<SessionMeta> {
    checkMeta(change);
    return this.#live().saveMeta(change);
  }

  async loadSessionMeta(): Promise<SessionMeta> {
    return this.#live().meta();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #live(): MemorySession {
    this.#checkOpen();
    return this.#undeleted();
  }

  #undeleted(): MemorySession {
    if (this.#session.isDeleted) throw sessionDeleted(this.sessionId);
    if (this.#session.damage !== undefined) throw corrupt(this.sessionId, null, this.#session.damage);
    return this.#session;
  }

  #checkOpen(): void {
    if (this.#closed) throw sessionClosed(this.sessionId);
  }
}
