/** IndexedDB as it is, to compare with. */
export class BareDatabase {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Makes a database with one object store, whose keys come with each value. */
  static open(name: string): Promise<BareDatabase> {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => void request.result.createObjectStore('rows');
      request.onsuccess = () => resolve(new BareDatabase(request.result));
      request.onerror = () => reject(request.error ?? new Error('not opened'));
    });
  }

  putAll(
    rows: readonly (readonly [key: IDBValidKey, value: unknown])[],
    durability: IDBTransactionDurability = 'relaxed',
  ): Promise<void> {
    const transaction = this.#database.transaction('rows', 'readwrite', { durability });
    for (const [key, value] of rows) transaction.objectStore('rows').put(value, key);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('aborted'));
    });
  }

  get(key: IDBValidKey): Promise<unknown> {
    return this.#read((rows) => rows.get(key));
  }

  getAll(from: IDBValidKey, to: IDBValidKey): Promise<unknown> {
    return this.#read((rows) => rows.getAll(IDBKeyRange.bound(from, to)));
  }

  #read(ask: (rows: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const request: IDBRequest<unknown> = ask(this.#database.transaction('rows').objectStore('rows'));
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('not read'));
    });
  }
}
