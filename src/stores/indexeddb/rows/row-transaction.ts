import type { RowCounts } from './row-counters.ts';
import { rowSize } from './row-size.ts';
import type { Rows, StoreName } from './schema.ts';

/**
 * The reads and writes of one transaction. Rows come back as `unknown`: whoever reads one decodes it. A write returns
 * nothing to wait for, since only `complete` says that it happened (law ST14). Requests are answered in their order.
 */
export class RowTransaction {
  readonly #transaction: IDBTransaction;
  readonly #counts: RowCounts;
  #lastWrite: IDBRequest | undefined;
  #failure: DOMException | null = null;

  constructor(transaction: IDBTransaction, counts: RowCounts) {
    this.#transaction = transaction;
    this.#counts = counts;
  }

  /** The first failure of a write: the cause, where what follows only says that the transaction is over. */
  get failure(): DOMException | null {
    return this.#failure;
  }

  /** The row of this key, or `undefined`. */
  async get(store: StoreName, key: IDBValidKey): Promise<unknown> {
    this.#counts.rowsRead++;
    return resultOf<unknown>(this.#transaction.objectStore(store).get(key));
  }

  /** The rows of a range, of the store or of an index of it, in the order of their keys; at most `limit`. */
  async getAll(
    store: StoreName,
    range?: IDBKeyRange,
    { index, limit }: { readonly index?: string; readonly limit?: number } = {},
  ): Promise<readonly unknown[]> {
    const from = this.#transaction.objectStore(store);
    const rows = await resultOf<unknown[]>(
      (index === undefined ? from : from.index(index)).getAll(range, limit),
    );
    this.#counts.rowsRead += rows.length;
    return rows;
  }

  /** The keys of the rows of a range, of the store or of an index of it; at most `limit`. Reads no row. */
  async getKeys(
    store: StoreName,
    range: IDBKeyRange | null,
    { index, limit }: { readonly index?: string; readonly limit?: number } = {},
  ): Promise<readonly IDBValidKey[]> {
    const from = this.#transaction.objectStore(store);
    const keys = await resultOf((index === undefined ? from : from.index(index)).getAllKeys(range, limit));
    this.#counts.rowsRead += keys.length;
    return keys;
  }

  /**
   * Goes through the keys of a range, greatest first. `visit` says where to go on: at the next one (`true`), at the
   * greatest that is not above a key, or nowhere (`false`). Reads no row.
   */
  async walkBack(
    store: StoreName,
    range: IDBKeyRange,
    visit: (key: IDBValidKey) => boolean | IDBValidKey[],
  ): Promise<void> {
    const request = this.#transaction.objectStore(store).openKeyCursor(range, 'prev');
    let cursor = await resultOf(request);
    while (cursor !== null) {
      this.#counts.rowsRead++;
      const next = visit(cursor.primaryKey);
      if (next === false) return;
      cursor.continue(next === true ? undefined : next);
      cursor = await resultOf(request);
    }
  }

  /** The greatest key of a range, or `undefined` if the range is empty. Reads no row. */
  async lastKey(store: StoreName, range: IDBKeyRange): Promise<IDBValidKey | undefined> {
    this.#counts.rowsRead++;
    const cursor = await resultOf(this.#transaction.objectStore(store).openKeyCursor(range, 'prev'));
    return cursor?.primaryKey;
  }

  /** The last rows of a range of an index, greatest key first, at most `limit`. */
  async getLast(
    store: StoreName,
    index: string,
    range: IDBKeyRange | null,
    limit: number,
  ): Promise<readonly unknown[]> {
    const rows: unknown[] = [];
    const request = this.#transaction.objectStore(store).index(index).openCursor(range, 'prev');
    let cursor = await resultOf(request);
    while (cursor !== null && rows.length < limit) {
      rows.push(cursor.value);
      cursor.continue();
      cursor = await resultOf(request);
    }
    this.#counts.rowsRead += rows.length;
    return rows;
  }

  /** Writes a new row; if there is one of the same key, the transaction fails. `size` is its bytes, where they are known. */
  add<Name extends StoreName>(store: Name, row: Rows[Name], size: number = rowSize(row)): void {
    this.#write(this.#transaction.objectStore(store).add(row), size);
  }

  /** Writes a row in place of any of the same key. */
  put<Name extends StoreName>(store: Name, row: Rows[Name]): void {
    this.#write(this.#transaction.objectStore(store).put(row), rowSize(row));
  }

  /** Removes the rows of a range. */
  delete(store: StoreName, range: IDBKeyRange): void {
    this.#own(this.#transaction.objectStore(store).delete(range));
  }

  /** Removes the row of this key; it counts as one written. */
  remove(store: StoreName, key: IDBValidKey): void {
    this.#counts.rowsWritten++;
    this.#own(this.#transaction.objectStore(store).delete(key));
  }

  /**
   * Waits until no write can fail any more. Only then may `commit()` be called: Firefox completes a transaction that was
   * told to commit before one of its writes failed, without that write.
   */
  async written(): Promise<void> {
    const last = this.#lastWrite;
    if (last?.readyState === 'pending') await resultOf(last);
    if (this.#failure !== null) throw this.#failure;
  }

  #write(request: IDBRequest, size: number): void {
    this.#own(request);
    this.#counts.rowsWritten++;
    this.#counts.bytesWritten += size;
  }

  #own(request: IDBRequest): void {
    this.#lastWrite = request;
    request.onerror = () => {
      this.#failure ??= request.error;
    };
  }
}

/** What a request succeeds with next; a cursor's request does so once more after each step. */
function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException('The request failed', 'UnknownError'));
  });
}
