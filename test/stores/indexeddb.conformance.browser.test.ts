import { deleteDB } from 'idb';
import { describe, test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { sessionStoreConformance } from '../../src/testing/store-conformance.ts';
import type { SessionStoreContext } from '../../src/testing/store-context.ts';
import { openDatabase } from '../support/open-database.ts';
import { damageNode } from './damage-node.ts';
import { damage } from './raw-database.ts';

/** Runs `body` on a database of its own, and takes all of it away again. */
async function withDatabase(body: (context: SessionStoreContext) => Promise<void>): Promise<void> {
  const name = `conformance-${crypto.randomUUID()}`;
  const opened: IndexedDbDatabase[] = [];
  const connect = (): IndexedDbDatabase => {
    const database = openDatabase(name);
    opened.push(database);
    return database;
  };
  const database = connect();
  try {
    await body({
      factory: new IndexedDbSessionStoreFactory(database),
      attachments: new IndexedDbAttachmentStore(database),
      reopen: async () => new IndexedDbSessionStoreFactory(connect()),
      damage: (kind, sessionId, nodeId) => damageNode(name, kind, sessionId, nodeId),
      damageHead: (sessionId) =>
        damage(name, (store) => store('heads').put({ sessionId, kind: 'live', epoch: 1 })),
    });
  } finally {
    await Promise.all(opened.map((one) => one.close()));
    await deleteDB(name);
  }
}

describe('sessions in IndexedDB', () => {
  for (const { name, run } of sessionStoreConformance) test(name, () => withDatabase(run));
});
