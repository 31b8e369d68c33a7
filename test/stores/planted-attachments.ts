import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { StoreName } from '../../src/stores/indexeddb/rows/schema.ts';

const STORES: readonly StoreName[] = ['attachments', 'chunks', 'references', 'intents'];

/** The ids under which {@link plantAttachments} stores: those of several owners lie among each other. */
export function plantedIds(owner: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${(index * 7919) % 65_536}-${owner}-${index}`);
}

/**
 * Stores attachments of one byte past the store, many in a transaction, that `owner` refers to; of every tenth one
 * `sharer` also has an intent, which does not count any more.
 */
export async function plantAttachments(
  database: IndexedDbDatabase,
  owner: string,
  count: number,
  sharer?: string,
): Promise<void> {
  const meta = { mime: 'text/plain', byteLength: 1, state: 'stored', token: 'planted', putAt: 1 } as const;
  const options = { stores: STORES, mode: 'readwrite', counts: newCounts() } as const;
  await database.transaction(options, async (rows) => {
    for (const [index, id] of plantedIds(owner, count).entries()) {
      rows.put('attachments', { id, ...meta });
      rows.put('chunks', { id, index: 0, bytes: Uint8Array.of(index % 256) });
      rows.put('references', { id, sessionId: owner, operationId: `op-${index}` });
      if (sharer !== undefined && index % 10 === 0) {
        rows.put('intents', { id, sessionId: sharer, epoch: 1_000_000 });
      }
    }
  });
}
