import type { ReceiptRow, SegmentRow } from '../../src/stores/indexeddb/rows/schema.ts';
import type { StoreDamage } from '../../src/testing/store-context.ts';
import { damage } from './raw-database.ts';

/** Breaks a node that is alone in its commit, in the rows of the database. */
export async function damageNode(
  database: string,
  kind: StoreDamage,
  sessionId: string,
  nodeId: string,
): Promise<void> {
  const operationId = nodeId.slice(0, nodeId.lastIndexOf('.'));
  await damage(database, (store) => {
    const found = store('receipts').get([sessionId, operationId]);
    found.addEventListener('success', () => {
      const { chain, firstSeq } = found.result as ReceiptRow;
      if (kind === 'tombstoned') {
        store('tombs').put({ sessionId, chain, from: firstSeq });
        return;
      }
      const key = [sessionId, chain, firstSeq, 1, operationId];
      const segment = store('segments').get(key);
      segment.addEventListener('success', () => {
        if (kind === 'missing') store('segments').delete(key);
        else store('segments').put({ ...(segment.result as SegmentRow), parentId: 'nobody.0' });
      });
    });
  });
}
