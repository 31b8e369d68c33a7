import type { AttachmentRef } from '../core/attachment.ts';
import type { AttachmentUpload } from '../protocol/api.ts';

/** What is known of bytes besides their content. */
export interface AttachmentOptions {
  readonly name?: string;
  /** The MIME type; default: that of the Blob. */
  readonly mime?: string;
}

/** The attachments that a session can put and get. */
export interface SessionAttachments {
  /**
   * Stores bytes, once per database however often they are put. Of an image that the browser can decode, the reference
   * has the size in pixels.
   *
   * @throws `InvalidInput` without a MIME type, `AttachmentTooLarge`, `StorageFull`.
   */
  put(bytes: Blob | Uint8Array<ArrayBuffer>, options?: AttachmentOptions): Promise<AttachmentRef>;
  /** The bytes of an attachment. @throws `AttachmentNotFound` */
  get(id: string): Promise<Blob>;
}

/** What is sent for these bytes; the worker refuses those that have no MIME type. */
export async function uploadOf(
  bytes: Blob | Uint8Array<ArrayBuffer>,
  options: AttachmentOptions,
): Promise<AttachmentUpload> {
  const blob = bytes instanceof Blob ? bytes : new Blob([bytes], { type: options.mime ?? '' });
  const mime = (options.mime ?? blob.type).toLowerCase();
  const size = mime.startsWith('image/') ? await pixelSize(blob) : {};
  return { blob, mime, name: options.name, ...size };
}

/** Nothing where the browser cannot tell: an image that does not decode here may still mean something to a model. */
async function pixelSize(blob: Blob): Promise<Pick<AttachmentUpload, 'width' | 'height'>> {
  try {
    const image = await createImageBitmap(blob);
    const { width, height } = image;
    image.close();
    return { width, height };
  } catch {
    return {};
  }
}
