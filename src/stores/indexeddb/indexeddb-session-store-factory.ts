import type { Durability } from '../../contract/durability.ts';
import type { SessionLeases } from '../../contract/lease.ts';
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
import type { Page, SessionSummary } from '../../core/policy.ts';
import { WebSessionLeases } from '../leases/web-leases.ts';
import { DEFAULT_COMMIT_BUDGET } from '../rules/commit-budget.ts';
import { decodePage, encodePosition, type ListPosition } from '../rules/session-list.ts';
import { checkCreate } from '../rules/session-state.ts';
import { decodeHead, decodeMeta } from './graph/decode.ts';
import { type IndexedDbSessionContext, IndexedDbSessionStore } from './indexeddb-session-store.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import { newCounts, type RowCounters, type RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import { BY_UPDATE, type HeadRow, type StoreName } from './rows/schema.ts';
import { addSession } from './session-creation.ts';

/** Options of an {@link IndexedDbSessionStoreFactory}. */
export interface IndexedDbSessionStoreOptions {
  /** What a commit has that does not ask for anything else (law ST20). Default: `relaxed`. */
  readonly durability?: Durability;
  readonly commitBudget?: CommitBudget;
}

/** What the index of the list tells of a head, whatever else is the matter with it. */
type ListedHead = ListPosition & Pick<HeadRow, 'pending'>;

type CreateMode = Extract<StoreOpenMode, { readonly kind: 'create' }>;

const SESSION_STORES: readonly StoreName[] = ['heads', 'meta'];

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
    if (mode.kind === 'create') await this.#create(sessionId, mode);
    else {
      await this.#run(['heads'], 'readonly', async (rows) =>
        decodeHead(sessionId, await rows.get('heads', sessionId)),
      );
    }
    return new IndexedDbSessionStore(sessionId, this.#context);
  }

  async list(page: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>> {
    const { after, limit } = decodePage(page);
    return this.#run(SESSION_STORES, 'readonly', async (rows) => {
      const found = await rows.getLast('heads', BY_UPDATE, keysBefore(after), limit + 1);
      const heads = found.slice(0, limit) as readonly ListedHead[];
      const visible = heads.filter(({ pending }) => pending === undefined);
      const items = await Promise.all(visible.map((row) => readSummary(rows, row)));
      const last = heads.at(-1);
      return { items, next: last === undefined || found.length <= limit ? null : encodePosition(last) };
    });
  }

  onEvent(listener: (event: DatabaseEvent) => void): () => void {
    return this.#context.database.onEvent(listener);
  }

  async databaseId(): Promise<string> {
    return this.#context.database.databaseId();
  }

  async delete(sessionId: string, options: DeleteOptions = {}): Promise<void> {
    const { deleteSession } = await import('./upkeep/session-deletion.ts');
    await deleteSession(this.#context, sessionId, options);
  }

  async finishDeletions(options: DeleteOptions = {}): Promise<readonly string[]> {
    const { finishDeletions } = await import('./upkeep/session-deletion.ts');
    return finishDeletions(this.#context, this.leases, options);
  }

  async beginImport(sessionId: string, mode: CreateMode): Promise<SessionImport> {
    const { beginImport } = await import('./session-import.ts');
    const store = new IndexedDbSessionStore(sessionId, this.#context, true);
    return beginImport(this.#context, this.leases, store, mode);
  }

  async #create(sessionId: string, mode: CreateMode): Promise<void> {
    checkCreate(mode);
    const content = structuredClone(mode);
    await this.#run(SESSION_STORES, 'readwrite', (rows) => addSession(rows, sessionId, content));
  }

  #run<T>(
    stores: readonly StoreName[],
    mode: 'readonly' | 'readwrite',
    body: (rows: RowTransaction) => Promise<T>,
  ): Promise<T> {
    const { database, durability } = this.#context;
    return database.transaction({ stores, mode, durability, counts: this.#counts }, body);
  }
}

async function readSummary(rows: RowTransaction, row: ListedHead): Promise<SessionSummary> {
  const { sessionId } = row;
  const { updatedAt, nodeCount, bytes } = decodeHead(sessionId, row);
  const { title, createdAt } = decodeMeta(sessionId, await rows.get('meta', sessionId));
  return { sessionId, title, createdAt, updatedAt, nodeCount, bytes };
}

/** The part of the list's index that comes after a page that ends at `after`; all of it at the beginning. */
function keysBefore(after: ListPosition | undefined): IDBKeyRange | null {
  return after === undefined ? null : IDBKeyRange.upperBound([after.updatedAt, after.sessionId], true);
}
