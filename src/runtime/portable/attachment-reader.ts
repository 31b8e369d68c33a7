import type { AttachmentRef } from '../../core/attachment.ts';
import { given } from '../given.ts';
import type { ImportFields } from './import-fields.ts';

/** What `attachmentRecord` wrote. @throws `ImportInvalid` */
export function readAttachment(record: ImportFields): AttachmentRef {
  const id = record.text('id');
  const mime = record.text('mime');
  if (!/^[0-9a-f]{64}$/.test(id)) throw record.fault('id', 'is not a SHA-256');
  if (mime === '') throw record.fault('mime', 'is empty');
  return {
    id,
    mime,
    byteLength: record.count('byte_len'),
    ...given('name', record.optionalText('label')),
    ...given('width', record.optionalCount('width')),
    ...given('height', record.optionalCount('height')),
  };
}

/** Where long content went, if it did. @throws `ImportInvalid` */
export function readOverflow(extras: ImportFields | undefined): { readonly overflow?: AttachmentRef } {
  const overflow = extras?.optionalFields('overflow');
  return overflow === undefined ? {} : { overflow: readAttachment(overflow) };
}
