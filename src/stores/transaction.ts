import type { Durability } from '../contract/store.ts';
import { LashError } from '../core/error.ts';
import type { RowCounts } from './row-counters.ts';
import { RowTransaction } from './row-transaction.ts';
import type { DatabaseRow, StoreName } from './schema.ts';
import { isEndOfTransaction } from './storage-error.ts';

/** An open connection and what was found out about its browser. */
export interface Connection {
  readonly handle: IDBDatabase;
  /**
   * Whether a write that fails after `commit()` was called undoes its transaction, as the standard says. Firefox then
   * completes it without that write, so that there `commit()` has to wait for the writes, which costs a round trip.
   */
  readonly undoesLateFailures: boolean;
}

/** How a transaction is opened. */
export interface TransactionOptions {
  readonly stores: readonly StoreName[];
  readonly mode: 'readonly' | 'readwrite';
  /** Default: `relaxed` (law ST20). */
  readonly durability?: Durability;
  /** Where to count what the transaction did, also when it failed. */
  readonly counts: RowCounts;
}

/**
 * Runs `body` in one transaction and resolves with its result at `complete` (law ST14). If anything fails, all is undone.
 *
 * @throws what `body` threw, or the `DOMException` that says best why the transaction failed
 */
export async function runTransaction<T>(
  { handle, undoesLateFailures }: Connection,
  { stores, mode, durability = 'relaxed' }: TransactionOptions,
  counts: RowCounts,
  body: (rows: RowTransaction) => Promise<T>,
): Promise<T> {
  const transaction = handle.transaction(stores, mode, { durability });
  const ended = endOf(transaction);
  counts.transactions++;
  const rows = new RowTransaction(transaction, counts);
  let result: T;
  try {
    result = await body(rows);
    if (!undoesLateFailures) await rows.written();
    transaction.commit();
  } catch (error) {
    abort(transaction);
    const failed = await ended;
    if (failed === undefined) throw endedEarly(error);
    throw error instanceof DOMException ? causeOf([rows.failure, transaction.error, error, failed]) : error;
  }
  const failed = await ended;
  if (failed === undefined) return result;
  throw causeOf([rows.failure, failed]);
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

/** Finds out about a connection: of two writes of the row that is there already, the first one must fail. */
export async function probe(handle: IDBDatabase, row: DatabaseRow): Promise<Connection> {
  const transaction = handle.transaction('database', 'readwrite', { durability: 'relaxed' });
  const ended = endOf(transaction);
  transaction.objectStore('database').add(row);
  transaction.objectStore('database').put(row);
  transaction.commit();
  return { handle, undoesLateFailures: (await ended) !== undefined };
}
