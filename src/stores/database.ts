import { type IDBPDatabase, openDB, unwrap } from 'idb';

import { isFields } from './node-fault.ts';
import { newCounts, type RowCounts } from './row-counters.ts';
import type { RowTransaction } from './row-transaction.ts';
import { createSchema, type DatabaseRow, SCHEMA_VERSION } from './schema.ts';
import { isConnectionLoss, toStorageError, unavailable } from './storage-error.ts';
import { type Connection, probe, runTransaction, type TransactionOptions } from './transaction.ts';

const REOPEN_DELAYS_MS: readonly number[] = [10, 50, 250];

/**
 * One IndexedDB database with all that lash-web stores in it. Stores of sessions and of attachments are built on it.
 *
 * It connects on first use. A connection that is lost is opened again, at most three times for one call; another
 * database that has meanwhile come to be under the same name is refused. Nothing here deletes a database.
 */
export class IndexedDbDatabase {
  readonly name: string;
  #connection: Promise<Connection> | undefined;
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
      let connection: Promise<Connection> | undefined;
      try {
        connection = this.#connect();
        return await runTransaction(await connection, options, counts, body);
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

  #connect(): Promise<Connection> {
    if (this.#closed) throw unavailable(this.name, 'it was closed', { retryable: false });
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#open(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    this.#connection = connection;
    return connection;
  }

  async #open(onLost: () => void): Promise<Connection> {
    try {
      const handle = await openHandle(this.name, onLost);
      const row = await readDatabaseRow(handle);
      this.#databaseId ??= row.databaseId;
      if (this.#databaseId === row.databaseId) return await probe(unwrap(handle), row);
      handle.close();
      throw unavailable(this.name, 'it was deleted and made anew', { retryable: false });
    } catch (error) {
      onLost();
      throw error;
    }
  }

  /** Forgets a connection, so that the next call makes a new one. */
  async #drop(connection: Promise<Connection> | undefined): Promise<void> {
    if (connection === undefined) return;
    if (this.#connection === connection) this.#connection = undefined;
    const opened = await connection.catch(() => undefined);
    opened?.handle.close();
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

async function readDatabaseRow(handle: IDBPDatabase): Promise<DatabaseRow> {
  const row: unknown = await handle.get('database', ['database']);
  if (isFields(row) && typeof row['databaseId'] === 'string') return row as unknown as DatabaseRow;
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
