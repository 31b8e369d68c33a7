import type { AttachmentMeta, AttachmentOwner } from '../../../contract/attachments.ts';
import type { Clock } from '../../../contract/clock.ts';
import type { AttachmentRef } from '../../../core/attachment.ts';
import { chunkCount, readChunk, toRef } from '../../rules/attachment.ts';
import { hashBlob } from '../../rules/hash-blob.ts';
import type { IndexedDbDatabase } from '../rows/database.ts';
import type { RowCounts } from '../rows/row-counters.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { AttachmentRow, StoreName } from '../rows/schema.ts';
import { epochOf } from './attachment-intent.ts';
import { readAttachment } from './attachment-row.ts';

/** What is put, by whom, and where. */
export interface AttachmentPut {
  readonly database: IndexedDbDatabase;
  readonly counts: RowCounts;
  readonly clock: Clock;
  readonly blob: Blob;
  readonly meta: AttachmentMeta;
  readonly owner: AttachmentOwner | undefined;
}

const SETTLE_STORES: readonly StoreName[] = ['attachments', 'intents', 'heads'];

/**
 * Puts an attachment: its row is `putting` while the chunks are written, each in a transaction of its own, and `stored`
 * after the last one. Several puts of the same bytes share the work, and so does a put with one that was interrupted.
 * One whose bytes a sweep took meanwhile begins anew (law ST11).
 */
export async function putAttachment(put: AttachmentPut): Promise<AttachmentRef> {
  const { blob, meta } = put;
  const ref = toRef(await hashBlob(blob), blob.size, meta);
  while (!(await tryPut(put, ref)));
  return ref;
}

/** Returns `false` if a sweep took what was written. */
async function tryPut(put: AttachmentPut, ref: AttachmentRef): Promise<boolean> {
  const token = await begin(put, ref);
  if (token === undefined) return true;
  for (let index = 0; index < chunkCount(ref.byteLength); index++) {
    if (!(await writeChunk(put, ref.id, token, index))) break;
  }
  return finish(put, ref.id, token);
}

/** The token under which to write the chunks, or `undefined` if they are stored already. */
function begin(put: AttachmentPut, ref: AttachmentRef): Promise<string | undefined> {
  const newToken = put.clock.newId();
  return write(put, SETTLE_STORES, async (rows) => {
    const row = await readAttachment(rows, ref.id);
    if (row?.state === 'stored') {
      await settle(rows, put, row);
      return undefined;
    }
    const putAt = put.clock.now();
    const going: AttachmentRow =
      row?.state === 'putting' ? { ...row, putAt } : { ...ref, state: 'putting', token: newToken, putAt };
    rows.put('attachments', going);
    return going.token;
  });
}

/** Returns `false` if no more chunks are wanted: all are stored, or none of this put's are there any more. */
async function writeChunk(put: AttachmentPut, id: string, token: string, index: number): Promise<boolean> {
  const bytes = await readChunk(put.blob, index);
  return write(put, ['attachments', 'chunks'], async (rows) => {
    const [row, written] = await Promise.all([
      readAttachment(rows, id),
      rows.getKeys('chunks', IDBKeyRange.only([id, index]), { limit: 1 }),
    ]);
    if (row?.state !== 'putting' || row.token !== token) return false;
    if (written.length === 0) rows.add('chunks', { id, index, bytes });
    return true;
  });
}

/** Returns whether the attachment is stored now. */
function finish(put: AttachmentPut, id: string, token: string): Promise<boolean> {
  return write(put, SETTLE_STORES, async (rows) => {
    const row = await readAttachment(rows, id);
    const whole = row?.state === 'stored' || (row?.state === 'putting' && row.token === token);
    if (row !== undefined && whole) await settle(rows, put, row);
    return whole;
  });
}

/** Marks an attachment as stored just now, for its owner to refer to. */
async function settle(
  rows: RowTransaction,
  { clock, owner }: AttachmentPut,
  row: AttachmentRow,
): Promise<void> {
  rows.put('attachments', { ...row, state: 'stored', putAt: clock.now() });
  if (owner === undefined) return;
  const { sessionId } = owner;
  const epoch = await epochOf(rows, sessionId);
  if (epoch !== undefined) rows.put('intents', { sessionId, id: row.id, epoch });
}

/** Each step finds what it did before, and does no more then (law ST16). */
function write<T>(
  { database, counts }: AttachmentPut,
  stores: readonly StoreName[],
  body: (rows: RowTransaction) => Promise<T>,
): Promise<T> {
  return database.transaction({ stores, mode: 'readwrite', counts, repeatable: true }, body);
}
