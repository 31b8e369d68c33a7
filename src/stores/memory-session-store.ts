import type {
  CommitBudget,
  CommitReceipt,
  CommitRequest,
  LoadScope,
  SessionMetaChange,
  SessionSnapshot,
  SessionStore,
} from '../contract/store.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionMeta } from '../core/policy.ts';
import { planCommit } from './commit-plan.ts';
import type { MemorySession } from './memory-session.ts';
import { checkMeta, sessionClosed, sessionDeleted } from './session-state.ts';

/** A handle of a session in memory. What a call does to the session is atomic, since it runs without a pause. */
export class InMemorySessionStore implements SessionStore {
  readonly sessionId: string;
  readonly #session: MemorySession;
  readonly #budget: CommitBudget;
  #closed = false;

  constructor(session: MemorySession, budget: CommitBudget) {
    this.sessionId = session.sessionId;
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
    return this.#undeleted().commit(commit);
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
    if (this.#session.deleted) throw sessionDeleted(this.sessionId);
    return this.#session;
  }

  #checkOpen(): void {
    if (this.#closed) throw sessionClosed(this.sessionId);
  }
}
