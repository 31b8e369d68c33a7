import { isCount, isFields } from '../../rules/node-fault.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';

/**
 * The epoch in which a session may still commit; `undefined` if it is deleted or was never there. A session that is being
 * imported has one.
 */
export async function epochOf(rows: RowTransaction, sessionId: string): Promise<number | undefined> {
  const row = await rows.get('heads', sessionId);
  return isFields(row) && row['kind'] === 'live' && isCount(row['epoch']) ? row['epoch'] : undefined;
}
