import { describe, expect, test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { Author } from '../../src/testing/author.ts';
import { costOf, removalsOf } from './maintenance-bench.ts';
import { plantAttachments } from './planted-attachments.ts';
import { withDatabase } from './raw-database.ts';

const OWN = 1000;

interface Costs {
  readonly inventory: RowCounters;
  readonly deletion: RowCounters;
}

/** What it costs to look at, and to delete, a session with {@link OWN} attachments in a database with so many others. */
async function costsNextTo(others: number): Promise<Costs> {
  let costs: Costs | undefined;
  await withDatabase(async ({ database, factory }) => {
    const { store } = await Author.create(factory, 'session');
    await Author.create(factory, 'a before');
    await Author.create(factory, 'z behind');
    await plantAttachments(database, 'session', OWN, 'z behind');
    for (const owner of ['a before', 'z behind']) {
      await plantAttachments(database, owner, others / 2, 'session');
    }
    const inventory = await costOf(factory, async () => {
      expect(await store.inventory()).toMatchObject({ attachments: OWN, attachmentBytes: OWN });
    });
    const deletion = await costOf(factory, () => factory.delete('session'));
    expect(await new IndexedDbAttachmentStore(database).totalBytes()).toBe(others);
    costs = { inventory, deletion };
  });
  return costs as Costs;
}

describe('[ST19] what a session takes', () => {
  test('is counted and deleted at a cost of its own attachments, whatever else is stored', async () => {
    const [alone, crowded] = [await costsNextTo(0), await costsNextTo(2 * OWN)];
    console.log(`${OWN} attachments, alone and next to ${2 * OWN}:\n${JSON.stringify([alone, crowded])}`);
    expect(crowded.inventory).toEqual(alone.inventory);
    expect(alone.inventory.rowsRead).toBeLessThan(2 * OWN + 20);
    // The other sessions' attachments of which this one had an intent are looked at too, and are kept.
    const shared = OWN / 5;
    expect(crowded.deletion.rowsRead - alone.deletion.rowsRead).toBeLessThan(6 * shared);
    expect(alone.deletion.rowsRead).toBeLessThan(11 * OWN);
  });

  test('is deleted at most 100 rows at a time, however many attachments it is', () =>
    withDatabase(async ({ database, factory }) => {
      await Author.create(factory, 'session');
      await plantAttachments(database, 'session', 230);
      const removals = await removalsOf(() => factory.delete('session'));
      expect(Math.max(...removals)).toBeLessThanOrEqual(100);
    }));
});
