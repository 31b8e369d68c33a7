import { describe, test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { sweepAttachments } from '../../src/stores/indexeddb/upkeep/attachment-sweep.ts';
import { attachmentStoreConformance } from '../../src/testing/attachment-conformance.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { damage, editRow, withDatabase } from './raw-database.ts';

describe('attachments in IndexedDB', () => {
  for (const { name, run } of attachmentStoreConformance) {
    test(name, () =>
      withDatabase(async ({ name: databaseName, database, factory, connect }) => {
        const clock = new ManualClock();
        const options = { maxBytes: 5 * 1024 * 1024, clock };
        await run({
          store: new IndexedDbAttachmentStore(database, options),
          factory,
          reopen: async () => new IndexedDbAttachmentStore(connect(), options),
          sweep: (keepYoungerThanMs) =>
            sweepAttachments(connect(), { keepYoungerThanMs, now: clock.now(), counts: newCounts() }),
          pass: (ms) => clock.advance(ms),
          damage: (id) =>
            damage(databaseName, (store) =>
              editRow(store('attachments'), id, (row) => ({ ...row, token: 7 })),
            ),
        });
      }),
    );
  }
});
