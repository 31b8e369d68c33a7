import type { DatabaseEvent } from '../../../core/database-event.ts';
import { isLashError } from '../../../core/error.ts';
import {
  blocked,
  isConnectionLoss,
  isEndOfTransaction,
  toStorageError,
  unavailable,
  wiped,
} from '../../rules/storage-error.ts';
import { connect, type Connection } from './connection.ts';
import { newCounts, type RowCounts } from './row-counters.ts';
import type { RowTransaction } from './row-transaction.ts';
import { runTransaction, type TransactionOptions } from './transaction.ts';

const REOPEN_DELAYS_MS: readonly number[] = [10, 50, 250];

/** Options of {@link IndexedDbDatabase.open}. */
export interface IndexedDbDatabaseOptions {
  /** After how long without an answer a call is `StorageBlocked`, in milliseconds. Default: 4000. */
  readonly blockedAfterMs?: number;
  /** The id that the database must have, from {@link IndexedDbDatabase.databaseId}. Any other one is `StorageWiped`. */
  readonly databaseId?: string;
}

/**
 * One IndexedDB database with all that lash-web stores in it. Stores of sessions and of attachments are built on it.
 *
 * It connects on first use. A connection that is lost is opened again, at most three times for one call; another
 * database that has meanwhile come to be under the same name is refused for good (law ST16). Nothing here deletes a
 * database.
 */
export class IndexedDbDatabase {
  readonly name: string;
  readonly #blockedAfterMs: number;
  readonly #listeners = new Set<(event: DatabaseEvent) => void>();
  #connection: Promise<Connection> | undefined;
  #databaseId: string | undefined;
  #wiped = false;
  #closed = false;
  #inTrouble = false;

  private constructor(name: string, { blockedAfterMs = 4000, databaseId }: IndexedDbDatabaseOptions) {
    this.name = name;
    this.#blockedAfterMs = blockedAfterMs;
    this.#databaseId = databaseId;
  }

  /** The database of this name. Returns at once; what is wrong with it shows on first use. */
  static open(name: string, options: IndexedDbDatabaseOptions = {}): IndexedDbDatabase {
    return new IndexedDbDatabase(name, options);
  }

  /** Which database this is: one that was deleted and made anew has another id. @throws as `transaction` does */
  async databaseId(): Promise<string> {
    await this.#check();
    return this.#databaseId ?? '';
  }

  /** Calls `listener` with what happens to the database. The returned function ends that. */
  onEvent(listener: (event: DatabaseEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Runs `body` in a transaction and resolves with its result once the transaction is complete (law ST14). `body` waits
   * for nothing but its requests (law ST15) and may run again on a new connection, if it is `repeatable` also when it may
   * have happened already. If it throws, all is undone.
   *
   * @throws what `body` threw; `StorageFull`; `StorageBlocked` if another page keeps the database busy, and then nothing
   *   happens later either; `StorageWiped`, `StorageUnavailable`, `SchemaTooNew`
   */
  async transaction<T>(options: TransactionOptions, body: (rows: RowTransaction) => Promise<T>): Promise<T> {
    const { mode, repeatable = mode === 'readonly' } = options;
    const blockedAfterMs = this.#blockedAfterMs;
    for (let attempt = 0; ; attempt++) {
      const counts = newCounts();
      let mayHaveHappened = false;
      const onCommit = (): void => void (mayHaveHappened = true);
      let connection: Promise<Connection> | undefined;
      try {
        connection = this.#connect();
        const opened = await this.#arrival(connection);
        const result = await runTransaction(opened, options, counts, { blockedAfterMs, onCommit }, body);
        if (this.#inTrouble) this.#tell({ kind: 'healed' });
        return result;
      } catch (error) {
        if (isLashError(error, 'StorageBlocked')) this.#tell({ kind: 'blocked', reason: error.data.reason });
        const delay = REOPEN_DELAYS_MS[attempt];
        if (delay === undefined || !(await this.#isLost(connection, error))) {
          throw toStorageError(this.name, error, counts.bytesWritten);
        }
        if (mayHaveHappened && !repeatable) {
          throw unavailable(this.name, 'it is not known whether it was written', { cause: error });
        }
        await sleep(delay);
      } finally {
        addCounts(options.counts, counts);
      }
    }
  }

  /** Closes the connection once running transactions are over. Later calls are `StorageUnavailable`. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#connection !== undefined) this.#forget(this.#connection);
  }

  #connect(): Promise<Connection> {
    if (this.#closed) throw unavailable(this.name, 'it was closed', { retryable: false });
    if (this.#wiped) throw wiped(this.name);
    if (this.#connection !== undefined) return this.#connection;
    const connection = connect(this.name, this.#databaseId, {
      onUpgrade: () => this.#forget(connection) && this.#tell({ kind: 'upgrade-wanted' }),
      onLost: () => {
        this.#lose(connection);
        // What has become of it is told at once. If that fails too, the next call says so.
        this.#check().catch(() => undefined);
      },
    }).then(
      (opened) => {
        this.#databaseId = opened.databaseId;
        return opened;
      },
      (error: unknown) => {
        this.#forget(connection);
        this.#wiped ||= isLashError(error, 'StorageWiped');
        if (this.#wiped) this.#tell({ kind: 'wiped' });
        throw error;
      },
    );
    this.#connection = connection;
    return connection;
  }

  /** What opens late is there for the next call. */
  async #arrival(connection: Promise<Connection>): Promise<Connection> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(blocked(this.name)), this.#blockedAfterMs);
    });
    try {
      return await Promise.race([connection, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether a new connection can help after this error; if so, the old one is not used any more. */
  async #isLost(connection: Promise<Connection> | undefined, error: unknown): Promise<boolean> {
    if (connection === undefined) return false;
    if (isConnectionLoss(error)) this.#lose(connection);
    // Some browsers abort what runs before they say that the connection is gone.
    else if (isEndOfTransaction(error)) await sleep(0);
    else return false;
    return this.#connection !== connection;
  }

  #lose(connection: Promise<Connection>): void {
    if (this.#forget(connection)) this.#tell({ kind: 'lost' });
  }

  /** Lets a connection end when what runs on it is over. Tells whether it was the one in use. */
  #forget(connection: Promise<Connection>): boolean {
    connection.then(
      ({ handle }) => handle.close(),
      () => undefined,
    );
    if (this.#connection !== connection) return false;
    this.#connection = undefined;
    return true;
  }

  async #check(): Promise<void> {
    const counts = newCounts();
    await this.transaction({ stores: ['database'], mode: 'readonly', counts }, (rows) =>
      rows.get('database', 'database'),
    );
  }

  #tell(event: DatabaseEvent): void {
    this.#inTrouble = event.kind !== 'healed';
    for (const listener of this.#listeners) queueMicrotask(() => listener(event));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function addCounts(to: RowCounts, counts: RowCounts): void {
  to.transactions += counts.transactions;
  to.rowsRead += counts.rowsRead;
  to.rowsWritten += counts.rowsWritten;
  to.bytesWritten += counts.bytesWritten;
}
