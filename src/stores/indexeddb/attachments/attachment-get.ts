import type { AttachmentRef } from '../../../core/attachment.ts';
import { attachmentNotFound, chunkCount, toRef } from '../../rules/attachment.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { AttachmentRow, StoreName } from '../rows/schema.ts';
import { decodeChunk, readAttachment } from './attachment-row.ts';

/** Runs `body` in a transaction that reads these stores. */
export type ReadRows = <T>(
  stores: readonly StoreName[],
  body: (rows: RowTransaction) => Promise<T>,
) => Promise<T>;

/** The bytes of an attachment, each chunk in a transaction of its own. @throws `AttachmentNotFound`, `StoredDataCorrupt` */
export async function getAttachment(read: ReadRows, id: string): Promise<Blob> {
  const { byteLength, mime } = await read(['attachments'], (rows) => readStored(rows, id));
  const parts: Blob[] = [];
  for (let index = 0; index < chunkCount(byteLength); index++) {
    const chunk = await read(['attachments', 'chunks'], async (rows) => {
      const [stored, row] = await Promise.all([readStored(rows, id), rows.get('chunks', [id, index])]);
      return decodeChunk(stored, index, row);
    });
    parts.push(new Blob([chunk]));
  }
  return new Blob(parts, { type: mime });
}

/** The reference to an attachment, or `null` unless it is stored whole. @throws `StoredDataCorrupt` */
export async function findAttachment(rows: RowTransaction, id: string): Promise<AttachmentRef | null> {
  const row = await readAttachment(rows, id);
  return row?.state === 'stored' ? toRef(id, row.byteLength, row) : null;
}

/** @throws `AttachmentNotFound` unless it is stored whole */
async function readStored(rows: RowTransaction, id: string): Promise<AttachmentRow> {
  const row = await readAttachment(rows, id);
  if (row?.state !== 'stored') throw attachmentNotFound(id);
  return row;
}
