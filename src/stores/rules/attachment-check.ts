import type { AttachmentMeta } from '../../contract/attachments.ts';
import type { Clock } from '../../contract/clock.ts';
import { LashError } from '../../core/error.ts';
import { isCount } from './node-fault.ts';
import { checkData, invalid } from './refusal.ts';

/** Options of an attachment store. `maxBytes` bounds one attachment. */
export interface AttachmentOptions {
  readonly maxBytes?: number;
  readonly clock?: Clock;
}

/** Which part of a list is asked for. */
export interface AttachmentPage {
  readonly after?: string;
  readonly limit?: number;
}

/** What is put, once it is checked. */
export interface CheckedPut {
  readonly blob: Blob;
  readonly meta: AttachmentMeta;
}

/** 100 MB. */
export const DEFAULT_MAX_BYTES: number = 100 * 1024 * 1024;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/**
 * Checks what is put and takes a copy that the caller cannot change any more. The MIME type is in lower case.
 *
 * @throws `AttachmentTooLarge`, `InvalidInput`, `NotData`
 */
export function checkPut(
  bytes: Blob | Uint8Array<ArrayBuffer>,
  meta: AttachmentMeta,
  maxBytes: number,
): CheckedPut {
  checkData(meta, 'meta');
  if (typeof meta.mime !== 'string' || meta.mime === '') throw invalid('meta.mime', 'must be a MIME type');
  const byteLength = bytes instanceof Blob ? bytes.size : bytes.byteLength;
  if (byteLength > maxBytes) {
    const message = `An attachment of ${byteLength} bytes is over the limit of ${maxBytes}`;
    throw new LashError('AttachmentTooLarge', message, { byteLength, maxBytes });
  }
  const blob = bytes instanceof Blob ? bytes : new Blob([bytes]);
  return { blob, meta: { ...meta, mime: meta.mime.toLowerCase() } };
}

/** A page's bounds, with its defaults: a list begins after the empty id, which no attachment has. @throws `InvalidInput` */
export function checkAttachmentPage({ after = '', limit = DEFAULT_LIMIT }: AttachmentPage): {
  readonly after: string;
  readonly limit: number;
} {
  if (typeof after !== 'string') throw invalid('after', 'must be the `next` of another page');
  if (!isCount(limit) || limit === 0 || limit > MAX_LIMIT)
    throw invalid('limit', `must be 1 to ${MAX_LIMIT}`);
  return { after, limit };
}
