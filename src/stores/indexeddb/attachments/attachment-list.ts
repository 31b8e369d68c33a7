import type { StoredAttachment } from '../../../contract/attachments.ts';
import type { Page } from '../../../core/policy.ts';
import { toRef } from '../../rules/attachment.ts';
import { isCount } from '../../rules/node-fault.ts';
import { damageIn } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_ATTACHMENT, type StoreName } from '../rows/schema.ts';
import { decodeAttachment } from './attachment-row.ts';

/** The row of an attachment as it was found: only its key can be relied on. */
export interface FoundAttachment {
  readonly id: string;
  readonly [field: string]: unknown;
}

/** The object stores that {@link listAttachments} needs. */
export const LIST_STORES: readonly StoreName[] = ['attachments', 'references'];

/** How many rows are read at a time where all of them are. */
const BATCH = 500;

/** A page of what is stored, by id; what is damaged counts as stored. */
export async function listAttachments(
  rows: RowTransaction,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<Page<StoredAttachment>> {
  const found: FoundAttachment[] = [];
  let last: string | undefined = after;
  while (last !== undefined && found.length <= limit) {
    const batch: readonly FoundAttachment[] = await readBatch(rows, last, limit + 1);
    found.push(...batch.filter(isShown));
    last = batch.length > limit ? batch.at(-1)?.id : undefined;
  }
  const items = await Promise.all(found.slice(0, limit).map((row) => describe(rows, row)));
  return { items, next: found.length > limit ? (items.at(-1)?.ref.id ?? null) : null };
}

/** The bytes of all that is stored. Reads no chunk. */
export async function sumBytes(rows: RowTransaction): Promise<number> {
  let sum = 0;
  for (let last: string | undefined = ''; last !== undefined;) {
    const batch: readonly FoundAttachment[] = await readBatch(rows, last, BATCH);
    for (const row of batch) sum += isShown(row) ? countOf(row['byteLength']) : 0;
    last = batch.length === BATCH ? batch.at(-1)?.id : undefined;
  }
  return sum;
}

/** Rows of attachments in any state, by id. */
export async function readBatch(
  rows: RowTransaction,
  after: string,
  limit: number,
): Promise<readonly FoundAttachment[]> {
  const found = await rows.getAll('attachments', IDBKeyRange.lowerBound(after, true), { limit });
  return found as readonly FoundAttachment[];
}

/** Whether a node refers to the attachment. */
export async function isReferenced(rows: RowTransaction, id: string): Promise<boolean> {
  const options = { index: BY_ATTACHMENT, limit: 1 };
  return (await rows.getKeys('references', IDBKeyRange.only(id), options)).length > 0;
}

function isShown({ state }: FoundAttachment): boolean {
  return state !== 'putting' && state !== 'deleting';
}

async function describe(rows: RowTransaction, found: FoundAttachment): Promise<StoredAttachment> {
  const { id, mime } = found;
  const adopted = await isReferenced(rows, id);
  const putAt = countOf(found['putAt']);
  const byteLength = countOf(found['byteLength']);
  try {
    return { ref: toRef(id, byteLength, decodeAttachment(id, found)), putAt, adopted };
  } catch (error) {
    const { reason } = damageIn(error).data;
    const ref = { id, mime: typeof mime === 'string' ? mime : '', byteLength };
    return { ref, putAt, adopted, damage: reason };
  }
}

function countOf(value: unknown): number {
  return isCount(value) ? value : 0;
}
