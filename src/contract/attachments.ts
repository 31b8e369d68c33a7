import type { AttachmentRef } from '../core/attachment.ts';

/** What is known of bytes besides their content. */
export interface AttachmentMeta {
  readonly mime: string;
  readonly name?: string;
  readonly width?: number;
  readonly height?: number;
}

/**
 * The socket of attachment stores: bytes by their SHA-256 (law ST11). The laws that `attachmentStoreConformance` checks:
 *
 * - AT1 What `put` was given, `get` returns, byte for byte, from 0 bytes up to the limit.
 * - AT2 The id is the lowercase hex SHA-256 of the bytes; the same bytes have one id and are stored once.
 * - AT3 More bytes than the limit are `AttachmentTooLarge`, and nothing is stored.
 * - AT4 An unknown id is `AttachmentNotFound`.
 */
export interface AttachmentStore {
  /** Whether what it stores outlives the worker. */
  readonly persistent: boolean;
  /** The database, or `null` for one in memory. */
  readonly database: string | null;
  readonly maxBytes: number;
  /** Stores `bytes`. @throws `AttachmentTooLarge`, `InvalidInput` (no MIME type), `StorageFull` */
  put(bytes: Blob | Uint8Array<ArrayBuffer>, meta: AttachmentMeta): Promise<AttachmentRef>;
  /** The bytes of `id`; the Blob's type is the MIME type of the first put. @throws `AttachmentNotFound` */
  get(id: string): Promise<Blob>;
  /** Bytes that all attachments take, each counted once. */
  totalBytes(): Promise<number>;
}
