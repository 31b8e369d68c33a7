import { expect, test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { Author } from '../../src/testing/author.ts';
import { findFaults, readRows } from './raw-check.ts';
import { withDatabase } from './raw-database.ts';

/** A browser closes a database that nobody uses for two seconds or so, and reads its description again on next use. */
const UNTIL_CLOSED_MS = 4000;

test('[ST16] rows that were written before the browser closed the database are found and replaced after it', async () => {
  await withDatabase(async ({ name, database, factory, connect }) => {
    const attachments = new IndexedDbAttachmentStore(database);
    const author = await Author.create(factory);
    await author.say('before');
    await author.store.takeLease();
    await attachments.put(Uint8Array.of(1), { mime: 'text/plain' });
    await database.close();
    const before = await readRows(name);
    await new Promise((resolve) => setTimeout(resolve, UNTIL_CLOSED_MS));

    const again = connect();
    const store = await new IndexedDbSessionStoreFactory(again).open('session', { kind: 'open' });
    expect(await store.takeLease()).toBe(2);
    expect((await store.load({ kind: 'head' })).epoch).toBe(2);
    await store.saveSessionMeta({ title: 'after', at: 2000 });
    await new IndexedDbAttachmentStore(again).put(Uint8Array.of(1), { mime: 'text/plain' });
    const after = await readRows(name);
    for (const rows of ['database', 'heads', 'meta', 'attachments'] as const) {
      expect(after[rows], rows).toHaveLength(before[rows].length);
    }
    expect(await findFaults(name, true)).toEqual([]);
  });
});
