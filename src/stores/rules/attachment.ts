import type { AttachmentMeta } from '../../contract/attachments.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { LashError } from '../../core/error.ts';
import { corrupt } from './storage-error.ts';

/** How many bytes are read, hashed and stored at a time: 256 KiB. */
export const CHUNK_BYTES: number = 256 * 1024;

/** The bytes of one chunk of `blob`, counted from 0. */
export async function readChunk(blob: Blob, index: number): Promise<Uint8Array<ArrayBuffer>> {
  const start = index * CHUNK_BYTES;
  return new Uint8Array(await blob.slice(start, start + CHUNK_BYTES).arrayBuffer());
}

/** How many chunks `byteLength` bytes take. */
export function chunkCount(byteLength: number): number {
  return Math.ceil(byteLength / CHUNK_BYTES);
}

/** The reference to bytes of this id and length. */
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

/** The row of an attachment is not as it was written. */
export function attachmentDamaged(attachmentId: string): LashError<'StoredDataCorrupt'> {
  return corrupt('', null, `attachment ${attachmentId} is not stored as one`);
}

/** No attachment has this id. */
export function attachmentNotFound(attachmentId: string): LashError<'AttachmentNotFound'> {
  return new LashError('AttachmentNotFound', `There is no attachment ${attachmentId}`, { attachmentId });
}
