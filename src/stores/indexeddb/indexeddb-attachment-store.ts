import type {
  AttachmentMeta,
  AttachmentOwner,
  AttachmentStore,
  StoredAttachment,
} from '../../contract/attachments.ts';
import { type Clock, systemClock } from '../../contract/clock.ts';
import { loadModule } from '../../contract/load-module.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import type { Page } from '../../core/policy.ts';
import {
  attachmentNotFound,
  type AttachmentOptions,
  type AttachmentPage,
  checkAttachmentPage,
  checkPut,
  chunkCount,
  DEFAULT_MAX_BYTES,
  toRef,
} from '../rules/attachment.ts';
import { decodeChunk, readAttachment } from './attachments/attachment-row.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import { newCounts, type RowCounters, type RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import type { AttachmentRow, StoreName } from './rows/schema.ts';

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
  readonly #clock: Clock;
  readonly #counts: RowCounts = newCounts();

  constructor(database: IndexedDbDatabase, options: AttachmentOptions = {}) {
    this.database = database.name;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#database = database;
    this.#clock = options.clock ?? systemClock;
  }

  /** What this store asked of the database so far. */
  get counters(): RowCounters {
    return { ...this.#counts };
  }

  async put(
    bytes: Blob | Uint8Array<ArrayBuffer>,
    meta: AttachmentMeta,
    owner?: AttachmentOwner,
  ): Promise<AttachmentRef> {
    const checked = checkPut(bytes, meta, this.maxBytes);
    const { putAttachment } = await loadModule('attachment-put', import('./attachments/attachment-put.ts'));
    const where = { database: this.#database, counts: this.#counts, clock: this.#clock };
    return putAttachment({ ...where, ...checked, owner });
  }

  async get(id: string): Promise<Blob> {
    const { byteLength, mime } = await this.#read(['attachments'], (rows) => readStored(rows, id));
    const parts: Blob[] = [];
    for (let index = 0; index < chunkCount(byteLength); index++) {
      const chunk = await this.#read(['attachments', 'chunks'], async (rows) => {
        const [stored, row] = await Promise.all([readStored(rows, id), rows.get('chunks', [id, index])]);
        return decodeChunk(stored, index, row);
      });
      parts.push(new Blob([chunk]));
    }
    return new Blob(parts, { type: mime });
  }

  async find(id: string): Promise<AttachmentRef | null> {
    const row = await this.#read(['attachments'], (rows) => readAttachment(rows, id));
    return row?.state === 'stored' ? toRef(id, row.byteLength, row) : null;
  }

  async list(page: AttachmentPage = {}): Promise<Page<StoredAttachment>> {
    const checked = checkAttachmentPage(page);
    const { LIST_STORES, listAttachments } = await loadModule(
      'attachment-list',
      import('./attachments/attachment-list.ts'),
    );
    return this.#read(LIST_STORES, (rows) => listAttachments(rows, checked));
  }

  async totalBytes(): Promise<number> {
    const { sumBytes } = await loadModule('attachment-list', import('./attachments/attachment-list.ts'));
    return this.#read(['attachments'], sumBytes);
  }

  #read<T>(stores: readonly StoreName[], body: (rows: RowTransaction) => Promise<T>): Promise<T> {
    return this.#database.transaction({ stores, mode: 'readonly', counts: this.#counts }, body);
  }
}

/** @throws `AttachmentNotFound` unless it is stored whole */
async function readStored(rows: RowTransaction, id: string): Promise<AttachmentRow> {
  const row = await readAttachment(rows, id);
  if (row?.state !== 'stored') throw attachmentNotFound(id);
  return row;
}
