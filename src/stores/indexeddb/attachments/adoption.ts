import { attachmentNotFound } from '../../rules/attachment.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { StoreName } from '../rows/schema.ts';
import { decodeAttachment } from './attachment-row.ts';

/** The object stores that {@link adopt} needs. */
export const ADOPTION_STORES: readonly StoreName[] = ['attachments', 'references', 'intents'];

/**
 * Makes an operation's nodes refer to attachments, within the transaction of its commit: from then on no sweep takes
 * them (law ST11). The session's intents end, as they have come true.
 *
 * @throws `AttachmentNotFound` if one of them is not stored whole, `StoredDataCorrupt` if it is damaged; the transaction must then not complete
 */
export async function adopt(
  rows: RowTransaction,
  sessionId: string,
  operationId: string,
  ids: readonly string[],
): Promise<void> {
  const found = await Promise.all(ids.map((id) => rows.get('attachments', id)));
  for (const [at, id] of ids.entries()) {
    const row = found[at];
    if (row === undefined || decodeAttachment(id, row).state !== 'stored') throw attachmentNotFound(id);
    rows.put('references', { sessionId, id, operationId });
    rows.delete('intents', IDBKeyRange.only([sessionId, id]));
  }
}
