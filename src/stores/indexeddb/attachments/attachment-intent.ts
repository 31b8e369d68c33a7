import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { IntentRow } from '../rows/schema.ts';

/**
 * The epoch in which a session may still commit; `undefined` if it is deleted or was never there. A session that is being
 * imported has one.
 *
 * @throws `StoredDataCorrupt` when its head does not say
 */
export async function epochOf(rows: RowTransaction, sessionId: string): Promise<number | undefined> {
  const row = await rows.get('heads', sessionId);
  if (row === undefined || (isFields(row) && row['kind'] === 'deleted')) return undefined;
  if (isFields(row) && row['kind'] === 'live' && isCount(row['epoch'])) return row['epoch'];
  throw corrupt(sessionId, null, 'its head is not complete');
}

/**
 * Whether one of these intents belongs to a session that may still commit it.
 *
 * @throws `StoredDataCorrupt` when none surely does, and one cannot be read, or its session's head
 */
export async function isWanted(rows: RowTransaction, intents: readonly unknown[]): Promise<boolean> {
  const found = await Promise.allSettled(intents.map((intent) => isLive(rows, intent as IntentRow)));
  if (found.some((one) => one.status === 'fulfilled' && one.value)) return true;
  for (const one of found) if (one.status === 'rejected') throw one.reason;
  return false;
}

/** The key can be relied on: the row was found by it. */
async function isLive(rows: RowTransaction, { sessionId, id, epoch }: IntentRow): Promise<boolean> {
  if (Number.isSafeInteger(epoch)) return (await epochOf(rows, sessionId)) === epoch;
  throw corrupt(sessionId, null, `its intent to refer to attachment ${id} is not complete`);
}
