import { attachmentDamaged, CHUNK_BYTES } from '../../rules/attachment.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { AttachmentRow } from '../rows/schema.ts';

/** Strict readers of an attachment's rows (law ST6): what is not as it was written is `StoredDataCorrupt`. */

/** @throws `StoredDataCorrupt` */
export function decodeAttachment(id: string, row: unknown): AttachmentRow {
  const sound =
    isFields(row) &&
    typeof row['mime'] === 'string' &&
    isCount(row['byteLength']) &&
    (row['state'] === 'putting' || row['state'] === 'stored' || row['state'] === 'deleting') &&
    typeof row['token'] === 'string' &&
    isCount(row['putAt']);
  if (!sound) throw attachmentDamaged(id);
  return row as unknown as AttachmentRow;
}

/** The bytes of chunk `index`. @throws `StoredDataCorrupt`, also when there is no row, and when it is not whole */
export function decodeChunk(
  { id, byteLength }: AttachmentRow,
  index: number,
  row: unknown,
): Uint8Array<ArrayBuffer> {
  const bytes = isFields(row) ? row['bytes'] : undefined;
  const length = Math.min(CHUNK_BYTES, byteLength - index * CHUNK_BYTES);
  if (bytes instanceof Uint8Array && bytes.length === length) return bytes as Uint8Array<ArrayBuffer>;
  throw corrupt('', null, `chunk ${index} of attachment ${id} is missing or not whole`);
}

/** @throws `StoredDataCorrupt`, but returns `undefined` when there is no row */
export async function readAttachment(rows: RowTransaction, id: string): Promise<AttachmentRow | undefined> {
  const row = await rows.get('attachments', id);
  return row === undefined ? undefined : decodeAttachment(id, row);
}
