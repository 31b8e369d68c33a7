import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';

/** A database that waits longer for its turn than an app's does: the disk of a busy machine may stand still for seconds. */
export function openDatabase(name: string): IndexedDbDatabase {
  return IndexedDbDatabase.open(name, { blockedAfterMs: 30_000 });
}
