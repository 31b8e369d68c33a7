import type { AttachmentMeta, AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import {
  attachmentNotFound,
  type AttachmentOptions,
  checkPut,
  DEFAULT_MAX_BYTES,
  hashBlob,
  toRef,
} from './attachment.ts';

/** Attachments that live as long as this object does. */
export class InMemoryAttachmentStore implements AttachmentStore {
  readonly persistent = false;
  readonly database = null;
  readonly maxBytes: number;
  readonly #blobs = new Map<string, Blob>();

  constructor(options: AttachmentOptions = {}) {
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
  }

  async put(bytes: Blob | Uint8Array<ArrayBuffer>, meta: AttachmentMeta): Promise<AttachmentRef> {
    const { blob, mime } = checkPut(bytes, meta, this.maxBytes);
    const id = await hashBlob(blob);
    if (!this.#blobs.has(id)) this.#blobs.set(id, new Blob([blob], { type: mime }));
    return toRef(id, blob.size, { ...meta, mime });
  }

  async get(id: string): Promise<Blob> {
    const blob = this.#blobs.get(id);
    if (blob === undefined) throw attachmentNotFound(id);
    return blob;
  }

  async totalBytes(): Promise<number> {
    return [...this.#blobs.values()].reduce((sum, blob) => sum + blob.size, 0);
  }
}
