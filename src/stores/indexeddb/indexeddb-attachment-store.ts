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
  type AttachmentOptions,
  type AttachmentPage,
  checkAttachmentPage,
  checkPut,
  DEFAULT_MAX_BYTES,
} from '../rules/attachment-check.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import { newCounts, type RowCounters, type RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import type { StoreName } from './rows/schema.ts';

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
    const { getAttachment } = await loadModule('attachment-get', import('./attachments/attachment-get.ts'));
    return getAttachment((stores, body) => this.#read(stores, body), id);
  }

  async find(id: string): Promise<AttachmentRef | null> {
    const { findAttachment } = await loadModule('attachment-get', import('./attachments/attachment-get.ts'));
    return this.#read(['attachments'], (rows) => findAttachment(rows, id));
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
