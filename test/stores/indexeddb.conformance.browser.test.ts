import { deleteDB } from 'idb';
import { describe, test } from 'vitest';

import { IndexedDbDatabase } from '../../src/stores/database.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb-session-store-factory.ts';
import { attachmentStoreConformance } from '../../src/testing/attachment-conformance.ts';
import { sessionStoreConformance } from '../../src/testing/store-conformance.ts';

/** Runs `body` with connections to a database of its own, and takes all of it away again. */
async function withDatabase(body: (connect: () => IndexedDbDatabase) => Promise<void>): Promise<void> {
  const name = `conformance-${crypto.randomUUID()}`;
  const opened: IndexedDbDatabase[] = [];
  try {
    await body(() => {
      const database = IndexedDbDatabase.open(name);
      opened.push(database);
      return database;
    });
  } finally {
    await Promise.all(opened.map((database) => database.close()));
    await deleteDB(name);
  }
}

describe('sessions in IndexedDB', () => {
  for (const { name, run } of sessionStoreConformance) {
    test(name, () =>
      withDatabase((connect) =>
        run({
          factory: new IndexedDbSessionStoreFactory(connect()),
          reopen: async () => new IndexedDbSessionStoreFactory(connect()),
        }),
      ),
    );
  }
});

describe('attachments in IndexedDB', () => {
  const options = { maxBytes: 3 * 1024 * 1024 };
  for (const { name, run } of attachmentStoreConformance) {
    test(name, () =>
      withDatabase((connect) =>
        run({
          store: new IndexedDbAttachmentStore(connect(), options),
          reopen: async () => new IndexedDbAttachmentStore(connect(), options),
        }),
      ),
    );
  }
});
