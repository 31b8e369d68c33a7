/** One object store as data: how it is made, and its rows, with bytes as lists of numbers below `bytes:`. */
export interface StoredStore {
  readonly keyPath: unknown;
  /** Key paths by the names of the indexes. */
  readonly indexes: Readonly<Record<string, unknown>>;
  readonly rows: readonly unknown[];
}

/** A database as data. */
export type StoredSchema = Readonly<Record<string, StoredStore>>;

const BYTES = 'bytes:';

/** What differs each time that the same things are done. */
const CHANCE: ReadonlySet<string> = new Set(['databaseId', 'token']);

function asData(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, found: unknown) => {
      if (CHANCE.has(key)) return 'any';
      return found instanceof Uint8Array ? `${BYTES}${[...found].join()}` : found;
    }),
  );
}

function asRow(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data), (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith(BYTES)
      ? Uint8Array.from(value.slice(BYTES.length).split(',').filter(Boolean), Number)
      : value,
  );
}

/** Everything that is in a database. */
export async function readSchema(raw: IDBDatabase): Promise<StoredSchema> {
  const transaction = raw.transaction([...raw.objectStoreNames]);
  const stores = [...raw.objectStoreNames].map(async (name) => {
    const store = transaction.objectStore(name);
    const indexes: Record<string, unknown> = {};
    for (const index of store.indexNames) indexes[index] = store.index(index).keyPath;
    const rows = await new Promise<unknown[]>((resolve, reject) => {
      const request = store.getAll();
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('not read')));
    });
    return [name, asData({ keyPath: store.keyPath, indexes, rows })];
  });
  return Object.fromEntries(await Promise.all(stores)) as StoredSchema;
}

/** Makes a database of this version from data, without the code under test. */
export function writeSchema(name: string, version: number, schema: StoredSchema): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.addEventListener('upgradeneeded', () => {
      for (const [storeName, { keyPath, indexes, rows }] of Object.entries(schema)) {
        const store = request.result.createObjectStore(storeName, { keyPath: keyPath as string[] });
        for (const [index, path] of Object.entries(indexes)) store.createIndex(index, path as string[]);
        for (const row of rows) store.put(asRow(row));
      }
    });
    request.addEventListener('error', () => reject(request.error ?? new Error('not made')));
    request.addEventListener('success', () => {
      request.result.close();
      resolve();
    });
  });
}
