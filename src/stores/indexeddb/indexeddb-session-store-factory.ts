import type { Durability } from '../../contract/durability.ts';
import type { SessionLeases } from '../../contract/lease.ts';
import { loadModule } from '../../contract/load-module.ts';
import type {
  CommitBudget,
  DeleteOptions,
  SessionImport,
  SessionStore,
  SessionStoreFactory,
  StoreOpenMode,
} from '../../contract/store.ts';
import type { DatabaseEvent } from '../../core/database-event.ts';
import { checkId } from '../../core/id.ts';
import type { Page, SessionQuery, SessionSummary } from '../../core/policy.ts';
import { WebSessionLeases } from '../leases/web-leases.ts';
import { DEFAULT_COMMIT_BUDGET } from '../rules/commit-budget.ts';
import { copyIfData } from '../rules/refusal.ts';
import type { CreateMode } from '../rules/session-state.ts';
import { decodeHead, headMissing } from './graph/decode.ts';
import { type IndexedDbSessionContext, IndexedDbSessionStore } from './indexeddb-session-store.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import { newCounts, type RowCounters, type RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import type { StoreName } from './rows/schema.ts';

/** Options of an {@link IndexedDbSessionStoreFactory}. */
export interface IndexedDbSessionStoreOptions {
  /** What a commit has that does not ask for anything else (law ST20). Default: `relaxed`. */
  readonly durability?: Durability;
  readonly commitBudget?: CommitBudget;
}

/** The sessions of one IndexedDB database. */
export class IndexedDbSessionStoreFactory implements SessionStoreFactory {
  readonly persistent = true;
  readonly database: string;
  readonly commitBudget: CommitBudget;
  readonly leases: SessionLeases;
  readonly #context: IndexedDbSessionContext;
  readonly #counts: RowCounts = newCounts();

  constructor(database: IndexedDbDatabase, options: IndexedDbSessionStoreOptions = {}) {
    const { durability = 'relaxed', commitBudget = DEFAULT_COMMIT_BUDGET } = options;
    this.database = database.name;
    this.commitBudget = commitBudget;
    this.leases = new WebSessionLeases(database.name);
    this.#context = { database, durability, commitBudget, counts: this.#counts };
  }

  /** What all stores of this factory asked of the database so far. */
  get counters(): RowCounters {
    return { ...this.#counts };
  }

  async open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore> {
    checkId(sessionId, 'sessionId');
    if (mode.kind === 'create') {
      const content = copyIfData(mode);
      const { createSession } = await loadModule('session-creation', import('./session-creation.ts'));
      await createSession(this.#context, sessionId, content);
    } else {
      await this.#read(['heads', 'meta'], async (rows) => {
        const head = await rows.get('heads', sessionId);
        const isLost = head === undefined && (await rows.get('meta', sessionId)) !== undefined;
        if (isLost) throw headMissing(sessionId);
        decodeHead(sessionId, head);
      });
    }
    return new IndexedDbSessionStore(sessionId, this.#context);
  }

  async list(query: SessionQuery): Promise<Page<SessionSummary>> {
    const asked = { ...query };
    const { listSessions } = await loadModule('session-list', import('./session-list.ts'));
    return listSessions(this.#context, asked);
  }

  onEvent(listener: (event: DatabaseEvent) => void): () => void {
    return this.#context.database.onEvent(listener);
  }

  async databaseId(): Promise<string> {
    return this.#context.database.databaseId();
  }

  async delete(sessionId: string, options: DeleteOptions = {}): Promise<void> {
    const { deleteSession } = await loadModule('session-deletion', import('./upkeep/session-deletion.ts'));
    await deleteSession(this.#context, sessionId, options);
  }

  async finishDeletions(options: DeleteOptions = {}): Promise<readonly string[]> {
    const { finishDeletions } = await loadModule('session-deletion', import('./upkeep/session-deletion.ts'));
    return finishDeletions(this.#context, this.leases, options);
  }

  async beginImport(sessionId: string, mode: CreateMode): Promise<SessionImport> {
    checkId(sessionId, 'sessionId');
    const content = copyIfData(mode);
    const { beginImport } = await loadModule('session-import', import('./session-import.ts'));
    const store = new IndexedDbSessionStore(sessionId, this.#context, true);
    return beginImport(this.#context, this.leases, store, content);
  }

  #read<T>(stores: readonly StoreName[], body: (rows: RowTransaction) => Promise<T>): Promise<T> {
    return this.#context.database.transaction({ stores, mode: 'readonly', counts: this.#counts }, body);
  }
}
