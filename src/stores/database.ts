import { type IDBPDatabase, openDB, unwrap } from 'idb';

import type { Durability } from '../contract/store.ts';
import { LashError } from '../core/error.ts';
import { newCounts, type RowCounts } from './row-counters.ts';
import { RowTransaction } from './row-transaction.ts';
import { createSchema, SCHEMA_VERSION, type StoreName } from './schema.ts';
import { isConnectionLoss, isEndOfTransaction, toStorageError, unavailable } from './storage-error.ts';

/** How a transaction is opened. */
export interface TransactionOptions {
  readonly stores: readonly StoreName[];
  readonly mode: 'readonly' | 'readwrite';
  /** Default: `relaxed` (law ST20). */
  readonly durability?: Durability;
  /** Where to count what the transaction did, also when it failed. */
  readonly counts: RowCounts;
}

const REOPEN_DELAYS_MS: readonly number[] = [10, 50, 250];

/**
 * One IndexedDB database with all that lash-web stores in it. Stores of sessions and of attachments are built on it.
 *
 * It connects on first use. A connection that is lost is opened again, at most three times for one call; another
 * database that has meanwhile come to be under the same name is refused. Nothing here deletes a database.
 */
export class IndexedDbDatabase {
  readonly name: string;
  #connection: Promise<IDBPDatabase> | undefined;
  #databaseId: string | undefined;
  #closed = false;

  private constructor(name: string) {
    this.name = name;
  }

  /** The database of this name. Returns at once; what is wrong with it shows on first use. */
  static open(name: string): IndexedDbDatabase {
    return new IndexedDbDatabase(name);
  }

  /**
   * Runs `body` in a transaction and resolves with its result once the transaction is complete (law ST14). `body` waits
   * for nothing but its requests (law ST15) and may run again on a new connection. If it throws, all is undone.
   *
   * @throws what `body` threw; `StorageFull`, `StorageUnavailable`, `SchemaTooNew`
   */
  async transaction<T>(options: TransactionOptions, body: (rows: RowTransaction) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      const counts = newCounts();
      let connection: Promise<IDBPDatabase> | undefined;
      try {
        connection = this.#connect();
        return await run(await connection, options, counts, body);
      } catch (error) {
        const delay = REOPEN_DELAYS_MS[attempt];
        if (delay === undefined || !isConnectionLoss(error)) {
          throw toStorageError(this.name, error, counts.bytesWritten);
        }
        await this.#drop(connection);
        await new Promise((resolve) => setTimeout(resolve, delay));
      } finally {
        addCounts(options.counts, counts);
      }
    }
  }

  /** Closes the connection once running transactions are over. Later calls are `StorageUnavailable`. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#drop(this.#connection);
  }

  #connect(): Promise<IDBPDatabase> {
    if (this.#closed) throw unavailable(this.name, 'it was closed', { retryable: false });
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#open(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    return connection;
  }

  async #open(onLost: () => void): Promise<IDBPDatabase> {
    try {
      const handle = await openHandle(this.name, onLost);
      const databaseId = await readDatabaseId(handle);
      this.#databaseId ??= databaseId;
      if (this.#databaseId === databaseId) return handle;
      handle.close();
      throw unavailable(this.name, 'it was deleted and made anew', { retryable: false });
    } catch (error) {
      onLost();
      throw error;
    }
  }

  /** Forgets a connection, so that the next call makes a new one. */
  async #drop(connection: Promise<IDBPDatabase> | undefined): Promise<void> {
    if (connection === undefined) return;
    if (this.#connection === connection) this.#connection = undefined;
    const opened = await connection.catch(() => undefined);
    opened?.close();
  }
}

async function run<T>(
  handle: IDBPDatabase,
  { stores, mode, durability = 'relaxed' }: TransactionOptions,
  counts: RowCounts,
  body: (rows: RowTransaction) => Promise<T>,
): Promise<T> {
  const transaction = unwrap(handle).transaction(stores, mode, { durability });
  const ended = endOf(transaction);
  counts.transactions++;
  const rows = new RowTransaction(transaction, counts);
  let result: T;
  try {
    result = await body(rows);
    await rows.written();
    transaction.commit();
  } catch (error) {
    abort(transaction);
    const failed = await ended;
    if (failed === undefined) throw endedEarly(error);
    throw error instanceof DOMException ? causeOf([rows.failure, transaction.error, error, failed]) : error;
  }
  const failed = await ended;
  if (failed !== undefined) throw failed;
  return result;
}

/** Resolves when a transaction is over: with `undefined` if it is complete, with the reason if it was aborted. */
function endOf(transaction: IDBTransaction): Promise<DOMException | undefined> {
  return new Promise((resolve) => {
    transaction.oncomplete = () => resolve(undefined);
    transaction.onabort = () => {
      resolve(transaction.error ?? new DOMException('The transaction was aborted', 'AbortError'));
    };
  });
}

/** A body waited for something that is no request, and its transaction did not wait for it (law ST15). */
function endedEarly(cause: unknown): LashError {
  return new LashError('Internal', 'A transaction was complete before its body was', {}, { cause });
}

/** The first error that says why a transaction failed, and not only that it is over. */
function causeOf(errors: readonly unknown[]): unknown {
  const given = errors.filter((error) => error !== undefined && error !== null);
  return given.find((error) => !isEndOfTransaction(error)) ?? given.at(-1);
}

/** Undoes a transaction, unless it ended by itself already. */
function abort(transaction: IDBTransaction): void {
  try {
    transaction.abort();
  } catch (error) {
    if (!isEndOfTransaction(error)) throw error;
  }
}

async function openHandle(name: string, onLost: () => void): Promise<IDBPDatabase> {
  if (typeof indexedDB === 'undefined')
    throw unavailable(name, 'there is no IndexedDB here', { retryable: false });
  const failed = Promise.withResolvers<never>();
  let gaveUp = false;
  const opening = openDB(name, SCHEMA_VERSION, {
    upgrade: (database, _oldVersion, _newVersion, transaction) => {
      void createSchema(database, transaction, newDatabaseId()).catch(failed.reject);
    },
    blocked: () => {
      gaveUp = true;
      failed.reject(unavailable(name, 'another page holds an older version of it open'));
    },
    blocking: (_current, _wanted, event) => {
      onLost();
      (event.target as IDBDatabase).close();
    },
    terminated: onLost,
  }).then((handle) => {
    if (gaveUp) handle.close();
    return handle;
  });
  return Promise.race([opening, failed.promise]);
}

async function readDatabaseId(handle: IDBPDatabase): Promise<string> {
  const row: unknown = await handle.get('database', ['database']);
  if (typeof row === 'object' && row !== null && 'databaseId' in row && typeof row.databaseId === 'string') {
    return row.databaseId;
  }
  throw unavailable(handle.name, 'it is not a database of lash-web', { retryable: false });
}

function newDatabaseId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}

function addCounts(to: RowCounts, counts: RowCounts): void {
  to.transactions += counts.transactions;
  to.rowsRead += counts.rowsRead;
  to.rowsWritten += counts.rowsWritten;
  to.bytesWritten += counts.bytesWritten;
}
