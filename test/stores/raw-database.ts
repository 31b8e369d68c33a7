import { deleteDB } from 'idb';

import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import {
  IndexedDbDatabase,
  type IndexedDbDatabaseOptions,
} from '../../src/stores/indexeddb/rows/database.ts';

/** A database of one test, with what looks at it and breaks it from below. */
export interface Bench {
  readonly name: string;
  readonly database: IndexedDbDatabase;
  readonly factory: IndexedDbSessionStoreFactory;
  /** Another connection, as another tab has. */
  readonly connect: (options?: IndexedDbDatabaseOptions) => IndexedDbDatabase;
}

/** Runs `body` with a database of its own, and takes it away again. */
export async function withDatabase(body: (bench: Bench) => Promise<void>): Promise<void> {
  const name = `store-${crypto.randomUUID()}`;
  const opened: IndexedDbDatabase[] = [];
  const connect = (options: IndexedDbDatabaseOptions = {}): IndexedDbDatabase => {
    const database = IndexedDbDatabase.open(name, options);
    opened.push(database);
    return database;
  };
  const database = connect();
  try {
    await body({ name, database, factory: new IndexedDbSessionStoreFactory(database), connect });
  } finally {
    await Promise.all(opened.map((one) => one.close()));
    await deleteDB(name);
  }
}

/** Opens a database as a page without this package would. */
export function openRaw(name: string, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('not opened')));
    request.addEventListener('blocked', () => reject(new Error('blocked')));
  });
}

/** Changes rows by hand. */
export async function damage(
  name: string,
  change: (store: (name: string) => IDBObjectStore) => void,
): Promise<void> {
  const raw = await openRaw(name);
  const transaction = raw.transaction([...raw.objectStoreNames], 'readwrite');
  change((store) => transaction.objectStore(store));
  await new Promise<void>((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')));
  });
  raw.close();
}

/** Replaces one row by what `edit` makes of it. */
export function editRow(
  store: IDBObjectStore,
  key: IDBValidKey,
  edit: (row: Record<string, unknown>) => unknown,
): void {
  const request = store.get(key);
  request.addEventListener('success', () => {
    const edited = edit(request.result as Record<string, unknown>);
    store.delete(key);
    store.put(edited);
  });
}

/** Every row of every object store, as text. */
export async function dumpRows(name: string): Promise<string> {
  const raw = await openRaw(name);
  const names = [...raw.objectStoreNames];
  const transaction = raw.transaction(names);
  const rows = await Promise.all(
    names.map(
      (store) =>
        new Promise<unknown>((resolve, reject) => {
          const request = transaction.objectStore(store).getAll();
          request.addEventListener('success', () => resolve([store, request.result]));
          request.addEventListener('error', () => reject(request.error ?? new Error('not read')));
        }),
    ),
  );
  raw.close();
  return JSON.stringify(rows, (_key, value: unknown) =>
    value instanceof Uint8Array ? [...value].join() : value,
  );
}
