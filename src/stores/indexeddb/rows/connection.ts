import type { LashError } from '../../../core/error.ts';
import { isFields } from '../../rules/node-fault.ts';
import { unavailable, wiped } from '../../rules/storage-error.ts';
import { FIRST_STORE_NAMES, SCHEMA_VERSION, STORE_NAMES, type StoreName, upgradeSchema } from './schema.ts';

/** An open connection and what was found out about its browser. */
export interface Connection {
  readonly handle: IDBDatabase;
  readonly databaseId: string;
  /**
   * Whether a write that fails after `commit()` was called undoes its transaction, as the standard says. Firefox then
   * completes it without that write, so that there `commit()` has to wait for the writes, which costs a round trip.
   */
  readonly undoesLateFailures: boolean;
  /** When an object store was last heard of, by `performance.now()`. */
  readonly heardOf: Map<string, number>;
}

/** What a connection reports about its end. */
export interface ConnectionEvents {
  /** Its database is being upgraded by another page; the connection was closed to make way. */
  readonly onUpgrade: () => void;
  /** It was closed by the browser, or its database is being deleted. */
  readonly onLost: () => void;
}

/**
 * Connects to the database of this name and tells its id. `knownId` is the id that it must have, if it was seen before:
 * then it is not made where it is missing.
 *
 * @throws `StorageWiped`, `SchemaTooNew`, `StorageUnavailable` if it is not one of ours, which is left as it is; or a
 *   `DOMException`
 */
export async function connect(
  name: string,
  knownId: string | undefined,
  { onUpgrade, onLost }: ConnectionEvents,
): Promise<Connection> {
  const handle = await openOurs(name, knownId);
  handle.onversionchange = ({ newVersion }) => {
    handle.close();
    if (newVersion === null) onLost();
    else onUpgrade();
  };
  handle.onclose = onLost;
  try {
    return { handle, ...(await identify(handle, knownId, 'readwrite')), heardOf: new Map() };
  } catch (error) {
    handle.close();
    throw error;
  }
}

async function openOurs(name: string, knownId: string | undefined): Promise<IDBDatabase> {
  try {
    return await openHandle(name, knownId, SCHEMA_VERSION);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'VersionError')) throw error;
    const newer = await openHandle(name, knownId);
    await identify(newer, knownId, 'readonly').finally(() => newer.close());
    throw error;
  }
}

/** Without `version` it opens what is there, whatever its version. */
function openHandle(name: string, knownId: string | undefined, version?: number): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    if (typeof indexedDB === 'undefined') {
      throw unavailable(name, 'there is no IndexedDB here', { retryable: false });
    }
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => {
      const { result, transaction } = request;
      const isNew = oldVersion === 0;
      const gone = isNew && knownId !== undefined ? wiped(name) : undefined;
      const refusal = isNew ? gone : foreignness(result, knownId, FIRST_STORE_NAMES);
      if (refusal !== undefined) reject(refusal);
      if (refusal !== undefined || version === undefined) transaction?.abort();
      else if (transaction !== null) upgradeSchema(result, transaction, oldVersion, newDatabaseId());
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException('It was not opened', 'UnknownError'));
  });
}

/**
 * Reads which database it is. With `readwrite` it tries in the same transaction how the browser commits: of two writes
 * of the row that is there already, the first one must fail.
 */
function identify(
  handle: IDBDatabase,
  knownId: string | undefined,
  mode: 'readonly' | 'readwrite',
): Promise<Pick<Connection, 'databaseId' | 'undoesLateFailures'>> {
  return new Promise((resolve, reject) => {
    const refusal = foreignness(handle, knownId);
    if (refusal !== undefined) {
      reject(refusal);
      return;
    }
    const transaction = handle.transaction('database', mode, { durability: 'relaxed' });
    const store = transaction.objectStore('database');
    const request = store.get('database');
    let doomed: IDBRequest | undefined;
    let databaseId = '';
    request.onsuccess = () => {
      const row: unknown = request.result;
      const id = isFields(row) ? row['databaseId'] : undefined;
      if (typeof id !== 'string') reject(foreign(handle.name, knownId, 'it has no id'));
      else if (knownId !== undefined && id !== knownId) reject(wiped(handle.name));
      else {
        databaseId = id;
        if (mode === 'readonly') return;
        doomed = store.add(row);
        store.put(row);
        transaction.commit();
      }
    };
    transaction.oncomplete = () => resolve({ databaseId, undoesLateFailures: false });
    transaction.onabort = () => {
      // Not every browser gives the transaction the error of its request.
      const cause = transaction.error ?? doomed?.error;
      if (cause?.name === 'ConstraintError') resolve({ databaseId, undoesLateFailures: true });
      else reject(cause ?? new DOMException('Aborted', 'UnknownError'));
    };
  });
}

/** What to say of a database that lacks one of these object stores; nothing if it has them all. */
function foreignness(
  handle: IDBDatabase,
  knownId: string | undefined,
  names: readonly StoreName[] = STORE_NAMES,
): LashError | undefined {
  const missing = names.find((store) => !handle.objectStoreNames.contains(store));
  return missing && foreign(handle.name, knownId, `it has no ${missing}`);
}

function foreign(name: string, knownId: string | undefined, reason: string): LashError {
  if (knownId !== undefined) return wiped(name);
  return unavailable(name, `it is not a database of lash-web: ${reason}`, { retryable: false });
}

function newDatabaseId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
