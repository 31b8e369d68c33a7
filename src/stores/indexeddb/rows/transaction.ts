import type { Durability } from '../../../contract/durability.ts';
import { isLashError, LashError } from '../../../core/error.ts';
import { blocked, isEndOfTransaction } from '../../rules/storage-error.ts';
import type { Connection } from './connection.ts';
import type { RowCounts } from './row-counters.ts';
import { RowTransaction } from './row-transaction.ts';
import type { StoreName } from './schema.ts';

/** How a transaction is opened. */
export interface TransactionOptions {
  readonly stores: readonly StoreName[];
  readonly mode: 'readonly' | 'readwrite';
  /** Default: `relaxed` (law ST20). */
  readonly durability?: Durability;
  /** Where to count what the transaction did, also when it failed. */
  readonly counts: RowCounts;
  /**
   * Whether the body may run once more after it may have happened already, since that gives the same (law ST16): a
   * commit finds its receipt, and what is written twice is the same. Default: only if it reads.
   */
  readonly repeatable?: boolean;
}

/** What {@link runTransaction} needs to know about its surroundings. */
export interface TransactionWatch {
  /** For how long a transaction may get no answer at all, in milliseconds. */
  readonly blockedAfterMs: number;
  /** Called before the transaction is told to commit: from then on, a lost connection leaves its outcome unknown. */
  readonly onCommit: () => void;
}

/** A timer that is later than this went off in a page that was stopped itself. */
const STOPPED_MS = 1000;

/**
 * Runs `body` in one transaction and resolves with its result at `complete` (law ST14). If anything fails, all is undone.
 *
 * @throws what `body` threw, or the `DOMException` that says best why the transaction failed; `StorageBlocked` if it got
 *   no answer, and then it does not happen later either
 */
export async function runTransaction<T>(
  connection: Connection,
  { stores, mode, durability = 'relaxed' }: Omit<TransactionOptions, 'counts'>,
  counts: RowCounts,
  watch: TransactionWatch,
  body: (rows: RowTransaction) => Promise<T>,
): Promise<T> {
  const { handle, undoesLateFailures } = connection;
  const transaction = handle.transaction(stores, mode, { durability });
  const ended = endOf(transaction);
  counts.transactions++;
  const rows = new RowTransaction(transaction, counts);
  const answer = new FirstAnswer(connection, transaction, stores, watch.blockedAfterMs);
  const run = async (): Promise<T> => {
    const result = await body(rows);
    // What was told to commit cannot be aborted any more, so a transaction that did not begin yet is not told so.
    if (!undoesLateFailures || !answer.came) await rows.written();
    return result;
  };
  try {
    const result = await Promise.race([run(), answer.missing]);
    watch.onCommit();
    transaction.commit();
    const failed = await ended;
    if (failed === undefined) return result;
    throw failed;
  } catch (error) {
    abort(transaction);
    // Not every browser says that it aborted a transaction before that one's turn comes.
    if (isLashError(error, 'StorageBlocked')) throw error;
    const failed = await ended;
    if (failed === undefined) throw endedEarly(error);
    throw error instanceof DOMException ? causeOf([rows.failure, transaction.error, error, failed]) : error;
  } finally {
    answer.end();
  }
}

/**
 * Whether a transaction ever gets an answer. It gets none while another page, which may be frozen, is in a transaction on
 * the same object stores. One that waits behind others of its own connection is given time while those are answered.
 */
class FirstAnswer {
  came = false;
  /** Rejects with `StorageBlocked`, and never resolves. */
  readonly missing: Promise<never>;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    { handle, heardOf }: Connection,
    transaction: IDBTransaction,
    stores: readonly StoreName[],
    limit: number,
  ) {
    const hear = (): void => {
      this.came = true;
      clearTimeout(this.#timer);
      const now = performance.now();
      for (const store of stores) heardOf.set(store, now);
    };
    transaction.addEventListener('success', hear, true);
    this.missing = new Promise((_resolve, reject) => {
      const wait = (delay: number): void => {
        const due = performance.now() + delay;
        this.#timer = setTimeout(() => {
          const now = performance.now();
          const heard = Math.max(...stores.map((store) => heardOf.get(store) ?? 0));
          const left = now - due > STOPPED_MS ? limit : heard + limit - now;
          if (left > 0) wait(left);
          else reject(blocked(handle.name));
        }, delay);
      };
      wait(limit);
    });
  }

  end(): void {
    clearTimeout(this.#timer);
  }
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
