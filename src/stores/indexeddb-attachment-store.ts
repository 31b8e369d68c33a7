import type { AttachmentMeta, AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import {
  attachmentNotFound,
  type AttachmentOptions,
  checkPut,
  chunkCount,
  DEFAULT_MAX_BYTES,
  hashBlob,
  readChunk,
  toRef,
} from './attachment.ts';
import type { IndexedDbDatabase } from './database.ts';
import { isCount, isFields } from './node-fault.ts';
import { newCounts, type RowCounts } from './row-counters.ts';
import type { RowTransaction } from './row-transaction.ts';
import type { AttachmentRow, ChunkRow, StoreName } from './schema.ts';
import { corrupt } from './storage-error.ts';

/**
 * Attachments in an IndexedDB database, in chunks (law ST11). A put that was interrupted shows nowhere, and the next one
 * of the same bytes completes it. No more than one chunk is in memory at a time; `get` returns a `Blob`, which the
 * browser keeps where it likes.
 */
export class IndexedDbAttachmentStore implements AttachmentStore {
  readonly persistent = true;
  readonly database: string;
  readonly maxBytes: number;
  readonly #database: IndexedDbDatabase;
  readonly #counts: RowCounts = newCounts();

  constructor(database: IndexedDbDatabase, options: AttachmentOptions = {}) {
    this.database = database.name;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#database = database;
  }

  async put(bytes: Blob | Uint8Array<ArrayBuffer>, meta: AttachmentMeta): Promise<AttachmentRef> {
    const { blob, mime } = checkPut(bytes, meta, this.maxBytes);
    const id = await hashBlob(blob);
    const ref = toRef(id, blob.size, { ...meta, mime });
    if ((await this.#find(id)) !== undefined) return ref;
    for (let index = 0; index < chunkCount(blob.size); index++) {
      const chunk = await readChunk(blob, index);
      await this.#run(['chunks'], 'readwrite', async (rows) =>
        rows.put('chunks', { id, index, bytes: chunk }),
      );
    }
    await this.#run(['attachments'], 'readwrite', async (rows) => {
      if ((await rows.get('attachments', [id])) === undefined) rows.add('attachments', ref);
    });
    return ref;
  }

  async get(id: string): Promise<Blob> {
    const found = await this.#find(id);
    if (found === undefined) throw attachmentNotFound(id);
    const parts: Blob[] = [];
    for (let index = 0; index < chunkCount(found.byteLength); index++) {
      const chunk = await this.#run(['chunks'], 'readonly', async (rows) => rows.get('chunks', [id, index]));
      parts.push(new Blob([decodeChunk(id, index, chunk)]));
    }
    const blob = new Blob(parts, { type: found.mime });
    if (blob.size !== found.byteLength) throw corrupt('', null, `attachment ${id} is not complete`);
    return blob;
  }

  async totalBytes(): Promise<number> {
    const found = await this.#run(['attachments'], 'readonly', async (rows) => rows.getAll('attachments'));
    return found.reduce<number>((sum, row) => sum + decodeAttachment(row).byteLength, 0);
  }

  async #find(id: string): Promise<AttachmentRow | undefined> {
    const row = await this.#run(['attachments'], 'readonly', async (rows) => rows.get('attachments', [id]));
    return row === undefined ? undefined : decodeAttachment(row);
  }

  #run<T>(
    stores: readonly StoreName[],
    mode: 'readonly' | 'readwrite',
    body: (rows: RowTransaction) => Promise<T>,
  ): Promise<T> {
    return this.#database.transaction({ stores, mode, counts: this.#counts }, body);
  }
}

function decodeAttachment(row: unknown): AttachmentRow {
  if (isFields(row) && typeof row['mime'] === 'string' && isCount(row['byteLength'])) {
    return row as unknown as AttachmentRow;
  }
  throw corrupt('', null, 'an attachment is not stored as one');
}

function decodeChunk(id: string, index: number, row: unknown): Uint8Array<ArrayBuffer> {
  if (isFields(row) && row['bytes'] instanceof Uint8Array) return (row as unknown as ChunkRow).bytes;
  throw corrupt('', null, `chunk ${index} of attachment ${id} is missing`);
}
