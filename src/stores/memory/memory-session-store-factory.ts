import type { SessionLeases } from '../../contract/lease.ts';
import type {
  CommitBudget,
  DeleteOptions,
  SessionImport,
  SessionStore,
  SessionStoreFactory,
  StoreOpenMode,
} from '../../contract/store.ts';
import { checkId } from '../../core/id.ts';
import type { Page, SessionQuery, SessionSummary } from '../../core/policy.ts';
import { DEFAULT_COMMIT_BUDGET } from '../rules/commit-budget.ts';
import { copyIfData } from '../rules/refusal.ts';
import type { CreateMode } from '../rules/session-state.ts';
import type { InMemoryAttachmentStore } from './memory-attachment-store.ts';
import { MemoryDatabase } from './memory-database.ts';

/** Options of an {@link InMemorySessionStoreFactory}. */
export interface InMemorySessionStoreOptions {
  readonly commitBudget?: CommitBudget;
  /** Where the bytes are that nodes refer to; without it, references are neither checked nor kept (law ST11). */
  readonly attachments?: InMemoryAttachmentStore;
  /** The sessions of another factory, as another tab would see them; with it, `attachments` is of no effect. */
  readonly memory?: MemoryDatabase;
}

/** Sessions that live as long as this object does. */
export class InMemorySessionStoreFactory implements SessionStoreFactory {
  readonly persistent = false;
  readonly database = null;
  readonly commitBudget: CommitBudget;
  readonly leases: SessionLeases;
  readonly #memory: MemoryDatabase;

  constructor(options: InMemorySessionStoreOptions = {}) {
    this.commitBudget = options.commitBudget ?? DEFAULT_COMMIT_BUDGET;
    this.#memory = options.memory ?? new MemoryDatabase(options.attachments);
    this.leases = this.#memory.leases;
  }

  async databaseId(): Promise<string> {
    return this.#memory.databaseId;
  }

  async open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore> {
    checkId(sessionId, 'sessionId');
    const content = copyIfData(mode);
    const sessions = await this.#memory.sessions();
    return await sessions.open(sessionId, content, this.commitBudget);
  }

  async list(query: SessionQuery): Promise<Page<SessionSummary>> {
    return (await this.#memory.sessions()).list(query);
  }

  async delete(sessionId: string, options: DeleteOptions = {}): Promise<void> {
    const sessions = await this.#memory.sessions();
    await sessions.remove(sessions.find(sessionId), options.alsoDelete);
  }

  async finishDeletions(options: DeleteOptions = {}): Promise<readonly string[]> {
    return await (await this.#memory.sessions()).finishDeletions(this.leases, options);
  }

  async beginImport(sessionId: string, mode: CreateMode): Promise<SessionImport> {
    checkId(sessionId, 'sessionId');
    const content = copyIfData(mode);
    const sessions = await this.#memory.sessions();
    return await sessions.beginImport(sessionId, content, this.leases, this.commitBudget);
  }
}
