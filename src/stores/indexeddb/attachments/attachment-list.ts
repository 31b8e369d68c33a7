import type { StoredAttachment } from '../../../contract/attachments.ts';
import type { Page } from '../../../core/policy.ts';
import { toRef } from '../../rules/attachment.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { type AttachmentRow, BY_ATTACHMENT, type StoreName } from '../rows/schema.ts';
import { decodeAttachment } from './attachment-row.ts';

/** The object stores that {@link listAttachments} needs. */
export const LIST_STORES: readonly StoreName[] = ['attachments', 'references'];

/** How many rows are read at a time where all of them are. */
const BATCH = 500;

/** A page of what is stored, by id. */
export async function listAttachments(
  rows: RowTransaction,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<Page<StoredAttachment>> {
  const found: AttachmentRow[] = [];
  let last: string | undefined = after;
  while (last !== undefined && found.length <= limit) {
    const batch: readonly AttachmentRow[] = await readBatch(rows, last, limit + 1);
    found.push(...batch.filter((row) => row.state === 'stored'));
    last = batch.length > limit ? batch.at(-1)?.id : undefined;
  }
  const items = await Promise.all(found.slice(0, limit).map((row) => describe(rows, row)));
  return { items, next: found.length > limit ? (items.at(-1)?.ref.id ?? null) : null };
}

/** The bytes of all that is stored. Reads no chunk. */
export async function sumBytes(rows: RowTransaction): Promise<number> {
  let sum = 0;
  for (let last: string | undefined = ''; last !== undefined;) {
    const batch: readonly AttachmentRow[] = await readBatch(rows, last, BATCH);
    for (const { state, byteLength } of batch) sum += state === 'stored' ? byteLength : 0;
    last = batch.length === BATCH ? batch.at(-1)?.id : undefined;
  }
  return sum;
}

/** Rows of attachments in any state, by id. */
export async function readBatch(
  rows: RowTransaction,
  after: string,
  limit: number,
): Promise<readonly AttachmentRow[]> {
  const found = await rows.getAll('attachments', IDBKeyRange.lowerBound(after, true), { limit });
  return found.map(decodeAttachment).filter((row) => row !== undefined);
}

/** Whether a node refers to the attachment. */
export async function isReferenced(rows: RowTransaction, id: string): Promise<boolean> {
  const options = { index: BY_ATTACHMENT, limit: 1 };
  return (await rows.getKeys('references', IDBKeyRange.only(id), options)).length > 0;
}

async function describe(rows: RowTransaction, row: AttachmentRow): Promise<StoredAttachment> {
  const { id, byteLength, putAt } = row;
  return { ref: toRef(id, byteLength, row), putAt, adopted: await isReferenced(rows, id) };
}
