import type { AttachmentMeta } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import { LashError } from '../core/error.ts';
import { checkData, invalid } from './commit-plan.ts';
import { Sha256 } from './sha256.ts';

/** Options of an attachment store. `maxBytes` bounds one attachment. */
export interface AttachmentOptions {
  readonly maxBytes?: number;
}

/** 100 MB. */
export const DEFAULT_MAX_BYTES: number = 100 * 1024 * 1024;

/** How many bytes are read, hashed and stored at a time: 256 KiB. */
export const CHUNK_BYTES: number = 256 * 1024;

/**
 * Checks what is put and takes a copy that the caller cannot change any more. The MIME type is in lower case.
 *
 * @throws `AttachmentTooLarge`, `InvalidInput`, `NotData`
 */
export function checkPut(
  bytes: Blob | Uint8Array<ArrayBuffer>,
  meta: AttachmentMeta,
  maxBytes: number,
): { readonly blob: Blob; readonly mime: string } {
  checkData(meta, 'meta');
  if (typeof meta.mime !== 'string' || meta.mime === '') throw invalid('meta.mime', 'must be a MIME type');
  const byteLength = bytes instanceof Blob ? bytes.size : bytes.byteLength;
  if (byteLength > maxBytes) {
    const message = `An attachment of ${byteLength} bytes is over the limit of ${maxBytes}`;
    throw new LashError('AttachmentTooLarge', message, { byteLength, maxBytes });
  }
  return { blob: bytes instanceof Blob ? bytes : new Blob([bytes]), mime: meta.mime.toLowerCase() };
}

/** The bytes of one chunk of `blob`, counted from 0. */
export async function readChunk(blob: Blob, index: number): Promise<Uint8Array<ArrayBuffer>> {
  const start = index * CHUNK_BYTES;
  return new Uint8Array(await blob.slice(start, start + CHUNK_BYTES).arrayBuffer());
}

/** How many chunks `byteLength` bytes take. */
export function chunkCount(byteLength: number): number {
  return Math.ceil(byteLength / CHUNK_BYTES);
}

/** The SHA-256 of a blob in lowercase hex, with one chunk in memory at a time (law ST11). */
export async function hashBlob(blob: Blob): Promise<string> {
  const hash = new Sha256();
  for (let index = 0; index < chunkCount(blob.size); index++) hash.update(await readChunk(blob, index));
  return hash.hex();
}

/** The reference that a put returns. */
export function toRef(
  id: string,
  byteLength: number,
  { mime, name, width, height }: AttachmentMeta,
): AttachmentRef {
  return {
    id,
    mime,
    byteLength,
    ...(name === undefined ? {} : { name }),
    ...(width === undefined ? {} : { width }),
    ...(height === undefined ? {} : { height }),
  };
}

/** No attachment has this id. */
export function attachmentNotFound(attachmentId: string): LashError<'AttachmentNotFound'> {
  return new LashError('AttachmentNotFound', `There is no attachment ${attachmentId}`, { attachmentId });
}
