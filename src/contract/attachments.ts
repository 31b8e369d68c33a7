import type { AttachmentRef } from '../core/attachment.ts';
import type { Page } from '../core/policy.ts';

/** What is known of bytes besides their content. */
export interface AttachmentMeta {
  readonly mime: string;
  readonly name?: string;
  readonly width?: number;
  readonly height?: number;
}

/** Who puts an attachment: the session whose next commit may refer to it. */
export interface AttachmentOwner {
  readonly sessionId: string;
}

/**
 * An attachment in a list. `adopted`: a node refers to it. `putAt` is the last put, in Unix milliseconds. With `damage`,
 * which says what of it cannot be read, `get` is `StoredDataCorrupt`, and what cannot be read is empty or 0.
 */
export interface StoredAttachment {
  readonly ref: AttachmentRef;
  readonly putAt: number;
  readonly adopted: boolean;
  readonly damage?: string;
}

/**
 * The socket of attachment stores: bytes by their SHA-256 (law ST11). The laws that `attachmentStoreConformance` checks:
 *
 * - AT1 What `put` was given, `get` returns, byte for byte, from 0 bytes up to the limit.
 * - AT2 The id is the lowercase hex SHA-256 of the bytes; the same bytes have one id and are stored once.
 * - AT3 More bytes than the limit are `AttachmentTooLarge`, and nothing is stored.
 * - AT4 An unknown id is `AttachmentNotFound`.
 * - AT5 What `find` and `list` show agrees with what `get` returns. A put that was interrupted shows nowhere. One that is
 *   damaged hides no other.
 * - AT6 Bytes that a node refers to stay. Bytes that nobody refers to yet are an intent: they stay while a commit of the
 *   session that put them can still adopt them, and for a time after the last put. What cannot be judged, because a row is
 *   damaged, stays too: a sweep goes on past it and says so in the end.
 * - AT7 Whatever the order of put, commit and sweep: a committed reference has its bytes.
 */
export interface AttachmentStore {
  /** Whether what it stores outlives the worker. */
  readonly persistent: boolean;
  /** The database, or `null` for one in memory. */
  readonly database: string | null;
  readonly maxBytes: number;
  /**
   * Stores `bytes` for a session, so that a commit of it can refer to them. The same bytes again refresh the time that
   * a sweep waits. @throws `AttachmentTooLarge`, `InvalidInput` (no MIME type), `StorageFull`
   */
  put(
    bytes: Blob | Uint8Array<ArrayBuffer>,
    meta: AttachmentMeta,
    owner?: AttachmentOwner,
  ): Promise<AttachmentRef>;
  /**
   * The bytes of `id`; the Blob's type is the MIME type of the first put.
   *
   * @throws `AttachmentNotFound`; `StoredDataCorrupt` if it is damaged, as `find` and a put of the same bytes do
   */
  get(id: string): Promise<Blob>;
  /** What is known of `id`, or `null`. */
  find(id: string): Promise<AttachmentRef | null>;
  /** All attachments by id. Default 100, at most 1,000 a page. */
  list(page?: { readonly after?: string; readonly limit?: number }): Promise<Page<StoredAttachment>>;
  /** Bytes that all attachments take, each counted once; of one that is damaged what its row says, if it does. */
  totalBytes(): Promise<number>;
}
