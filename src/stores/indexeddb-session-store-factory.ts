import type {
  CommitBudget,
  Durability,
  SessionStore,
  SessionStoreFactory,
  StoreOpenMode,
} from '../contract/store.ts';
import { isLashError } from '../core/error.ts';
import { checkId } from '../core/id.ts';
import type { Page, SessionSummary } from '../core/policy.ts';
import { DEFAULT_COMMIT_BUDGET } from './commit-budget.ts';
import { initialHead } from './commit-plan.ts';
import type { IndexedDbDatabase } from './database.ts';
import { decodeHead, decodeMeta, type LiveHead } from './decode.ts';
import { type IndexedDbSessionContext, IndexedDbSessionStore } from './indexeddb-session-store.ts';
import { newCounts, type RowCounters, type RowCounts } from './row-counters.ts';
import type { RowTransaction } from './row-transaction.ts';
import { BY_UPDATE, keysOf, type StoreName } from './schema.ts';
import { decodePage, encodePosition, type ListPosition } from './session-list.ts';
import { checkCreate, sessionExists, sessionNotFound } from './session-state.ts';

/** Options of an {@link IndexedDbSessionStoreFactory}. */
export interface IndexedDbSessionStoreOptions {
  /** What a commit has that does not ask for anything else (law ST20). Default: `relaxed`. */
  readonly durability?: Durability;
  readonly commitBudget?: CommitBudget;
}

const HISTORY_STORES = ['chains', 'segments', 'receipts'] as const;
const SESSION_STORES: readonly StoreName[] = ['heads', 'meta'];

/** The sessions of one IndexedDB database. */
export class IndexedDbSessionStoreFactory implements SessionStoreFactory {
  readonly persistent = true;
  readonly database: string;
  readonly commitBudget: CommitBudget;
  readonly #context: IndexedDbSessionContext;
  readonly #counts: RowCounts = newCounts();

  constructor(database: IndexedDbDatabase, options: IndexedDbSessionStoreOptions = {}) {
    const { durability = 'relaxed', commitBudget = DEFAULT_COMMIT_BUDGET } = options;
    this.database = database.name;
    this.commitBudget = commitBudget;
    this.#context = { database, durability, commitBudget, counts: this.#counts };
  }

  /** What all stores of this factory asked of the database so far. */
  get counters(): RowCounters {
    return { ...this.#counts };
  }

  async open(sessionId: string, mode: StoreOpenMode): Promise<SessionStore> {
    checkId(sessionId, 'sessionId');
    if (mode.kind === 'create') await this.#create(sessionId, mode);
    else await this.#run(['heads'], 'readonly', async (rows) => readHead(rows, sessionId));
    return new IndexedDbSessionStore(sessionId, this.#context);
  }

  async list(page: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>> {
    const { after, limit } = decodePage(page);
    return this.#run(SESSION_STORES, 'readonly', async (rows) => {
      const found = await rows.getLast('heads', BY_UPDATE, keysBefore(after), limit + 1);
      const items = await Promise.all(found.slice(0, limit).map((row) => readSummary(rows, row)));
      const last = items.at(-1);
      return { items, next: last === undefined || found.length <= limit ? null : encodePosition(last) };
    });
  }

  async delete(sessionId: string): Promise<void> {
    await this.#run([...SESSION_STORES, ...HISTORY_STORES], 'readwrite', async (rows) => {
      if ((await rows.get('heads', [sessionId])) === undefined) throw sessionNotFound(sessionId);
      rows.put('heads', { sessionId, kind: 'deleted' });
      rows.delete('meta', keysOf([sessionId]));
      for (const store of HISTORY_STORES) rows.delete(store, keysOf([sessionId]));
    });
  }

  async #create(sessionId: string, mode: Extract<StoreOpenMode, { readonly kind: 'create' }>): Promise<void> {
    checkCreate(mode);
    const { title, policy, at } = structuredClone(mode);
    await this.#run(SESSION_STORES, 'readwrite', async (rows) => {
      if (await exists(rows, sessionId)) throw sessionExists(sessionId);
      rows.add('heads', {
        ...initialHead(at),
        sessionId,
        kind: 'live',
        place: null,
        atTip: false,
        chains: 0,
      });
      rows.add('meta', { sessionId, title, createdAt: at, policy });
    });
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

async function readHead(rows: RowTransaction, sessionId: string): Promise<LiveHead> {
  return decodeHead(sessionId, await rows.get('heads', [sessionId]));
}

/** @throws `SessionDeleted` */
async function exists(rows: RowTransaction, sessionId: string): Promise<boolean> {
  try {
    await readHead(rows, sessionId);
    return true;
  } catch (error) {
    if (isLashError(error, 'SessionNotFound')) return false;
    throw error;
  }
}

async function readSummary(rows: RowTransaction, row: unknown): Promise<SessionSummary> {
  const { sessionId } = row as { readonly sessionId: string };
  const { updatedAt, nodeCount, bytes } = decodeHead(sessionId, row);
  const { title, createdAt } = decodeMeta(sessionId, await rows.get('meta', [sessionId]));
  return { sessionId, title, createdAt, updatedAt, nodeCount, bytes };
}

/** The part of the list's index that comes after a page that ends at `after`; all of it at the beginning. */
function keysBefore(after: ListPosition | undefined): IDBKeyRange | null {
  return after === undefined ? null : IDBKeyRange.upperBound([after.updatedAt, after.sessionId], true);
}
