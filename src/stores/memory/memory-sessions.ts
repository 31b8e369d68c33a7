import type { SessionLease, SessionLeases } from '../../contract/lease.ts';
import type {
  CommitBudget,
  DeleteOptions,
  GcOptions,
  SessionImport,
  SessionStore,
  StoreOpenMode,
} from '../../contract/store.ts';
import { fromWireError, type LashError, toLashError } from '../../core/error.ts';
import type { SweepReport } from '../../core/maintenance.ts';
import type { Page, SessionQuery, SessionSummary } from '../../core/policy.ts';
import { checkCreate } from '../rules/meta-check.ts';
import { decodePage, encodePosition, type ListPosition, type ListQuery } from '../rules/session-list.ts';
import { type CreateMode, sessionDeleted, sessionExists, sessionNotFound } from '../rules/session-state.ts';
import { corrupt } from '../rules/storage-error.ts';
import type { MemoryAttachments } from './memory-attachments.ts';
import type { NodeDamage } from './memory-graph.ts';
import { InMemorySessionStore } from './memory-session-store.ts';
import { MemorySession } from './memory-session.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NO_ATTACHMENTS: SweepReport = { status: 'NothingToDo', roots: 0, kept: 0, removed: 0, removedBytes: 0 };

/** The sessions of a {@link MemoryDatabase}, and the lists of them. */
export class MemorySessions {
  readonly #sessions = new Map<string, MemorySession>();
  readonly #attachments: MemoryAttachments | undefined;

  /** Without `attachments`, what nodes refer to is neither checked nor kept. */
  constructor(attachments?: MemoryAttachments) {
    this.#attachments = attachments;
  }

  /** All sessions, whatever their state. */
  get all(): readonly MemorySession[] {
    return [...this.#sessions.values()];
  }

  /** @throws `InvalidInput`, `NotData`, `SessionExists`, `SessionDeleted` */
  create(sessionId: string, mode: CreateMode): MemorySession {
    const content = checkCreate(mode);
    this.#checkFree(sessionId);
    const session = new MemorySession(sessionId, content, this.#attachments);
    this.#sessions.set(sessionId, session);
    return session;
  }

  /** A handle of a session. @throws as `SessionStoreFactory.open` */
  async open(sessionId: string, mode: StoreOpenMode, budget: CommitBudget): Promise<SessionStore> {
    if (mode.kind === 'create') return new InMemorySessionStore(this, this.create(sessionId, mode), budget);
    const session = this.find(sessionId);
    if (session.isDeleted) throw sessionDeleted(sessionId);
    if (session.damage !== undefined) throw corrupt(sessionId, null, session.damage);
    return new InMemorySessionStore(this, session, budget);
  }

  /** A hidden session; its lease says that somebody is writing it. @throws as `SessionStoreFactory.beginImport` */
  async beginImport(
    sessionId: string,
    mode: CreateMode,
    leases: SessionLeases,
    budget: CommitBudget,
  ): Promise<SessionImport> {
    this.#checkFree(sessionId);
    const lease = await leases.acquire(sessionId);
    if (lease === null) throw sessionExists(sessionId);
    const session = await this.#createHidden(sessionId, mode, lease);
    return {
      store: new InMemorySessionStore(this, session, budget),
      publish: async (leaf) => {
        session.publish(leaf);
        await lease.release();
      },
      abandon: async () => {
        if (session.state !== 'live') await this.remove(session);
        await lease.release();
      },
    };
  }

  /** Goes on with deletions, and removes imports that nobody writes any more; the ids of both. */
  async finishDeletions(leases: SessionLeases, options: DeleteOptions): Promise<readonly string[]> {
    const finished: string[] = [];
    let failure: LashError | undefined;
    for (const session of this.all) {
      const { sessionId, state } = session;
      const abandoned = state === 'importing' && !(await leases.isHeld(sessionId));
      if (state !== 'deleting' && !abandoned) continue;
      try {
        await this.remove(session, options.alsoDelete);
        finished.push(sessionId);
      } catch (error) {
        failure ??= toLashError(error);
      }
    }
    if (failure !== undefined) throw failure;
    return finished;
  }

  /** A page of the sessions that can be opened, newest change first. @throws `InvalidInput` */
  list(query: SessionQuery): Page<SessionSummary> {
    const { after, limit, parent } = decodePage(query);
    const behind = this.all
      .filter((session) => session.state === 'live')
      .map((session) => session.summary())
      .filter((summary) => isAskedFor(summary, parent))
      .toSorted((a, b) => compare(positionOf(a), positionOf(b)))
      .filter((summary) => after === undefined || compare(positionOf(summary), after) > 0);
    const items = behind.slice(0, limit);
    const last = items.at(-1);
    const isEnd = last === undefined || behind.length === items.length;
    return { items, next: isEnd ? null : encodePosition(positionOf(last)) };
  }

  /** A session that is not being imported, deleted or not. @throws `SessionNotFound` */
  find(sessionId: string): MemorySession {
    const session = this.#sessions.get(sessionId);
    if (session === undefined || session.state === 'importing') throw sessionNotFound(sessionId);
    return session;
  }

  /**
   * Hides a session at once, and forgets it once `alsoDelete` is through: its attachments go with it where nobody else
   * refers to them, and only the id stays (law ST12).
   *
   * @throws `StoredDataCorrupt` when it is done, naming an attachment that could not be judged and stays
   */
  async remove(session: MemorySession, alsoDelete?: (sessionId: string) => Promise<void>): Promise<void> {
    const { sessionId } = session;
    if (session.state === 'deleted') return;
    session.state = 'deleting';
    await alsoDelete?.(sessionId);
    const candidates = session.attachmentIds();
    session.clear();
    const swept = this.#attachments?.sweep({ candidates, keepYoungerThanMs: 0 });
    session.state = 'deleted';
    if (swept?.error !== undefined) throw fromWireError(swept.error);
  }

  sweepAttachments({ keepYoungerThanMs = DAY_MS }: GcOptions): SweepReport {
    return this.#attachments?.sweep({ keepYoungerThanMs }) ?? NO_ATTACHMENTS;
  }

  attachmentBytes(ids: readonly string[]): number {
    const refs = ids.map((id) => this.#attachments?.find(id));
    return refs.reduce((sum, ref) => sum + (ref?.byteLength ?? 0), 0);
  }

  /** Breaks a session's head, for tests of what a reader makes of it. @throws `SessionNotFound` */
  damageHead(sessionId: string): void {
    this.find(sessionId).damage = 'its head was broken';
  }

  /** Breaks a stored node, for tests of what a reader makes of it. @throws `SessionNotFound`, `NodeNotFound` */
  damage(kind: NodeDamage, sessionId: string, nodeId: string): void {
    this.find(sessionId).graph.damage(kind, nodeId);
  }

  /** The epoch of a session, or `undefined` if it is deleted or was never there. */
  epochOf(sessionId: string): number | undefined {
    const session = this.#sessions.get(sessionId);
    return session === undefined || session.isDeleted ? undefined : session.epoch;
  }

  async #createHidden(sessionId: string, mode: CreateMode, lease: SessionLease): Promise<MemorySession> {
    try {
      const session = this.create(sessionId, mode);
      session.state = 'importing';
      return session;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }

  #checkFree(sessionId: string): void {
    const taken = this.#sessions.get(sessionId);
    if (taken !== undefined) throw taken.isDeleted ? sessionDeleted(sessionId) : sessionExists(sessionId);
  }
}

function isAskedFor({ parent }: SessionSummary, asked: ListQuery['parent']): boolean {
  if (asked === undefined) return true;
  return asked === null ? parent?.relation !== 'child' : parent?.sessionId === asked;
}

/** What breaks a head takes its time along. */
function positionOf({ sessionId, updatedAt, damage }: SessionSummary): ListPosition {
  return { sessionId, updatedAt: damage === undefined ? updatedAt : null };
}

/** Newest change first; of the same time, the greater id first; those without a time by id. */
function compare(a: ListPosition, b: ListPosition): number {
  if (a.updatedAt !== b.updatedAt) return (b.updatedAt ?? -1) - (a.updatedAt ?? -1);
  if (a.sessionId === b.sessionId) return 0;
  return a.sessionId < b.sessionId === (a.updatedAt === null) ? -1 : 1;
}
