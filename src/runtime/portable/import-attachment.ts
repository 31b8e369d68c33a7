import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

import type { AttachmentRef } from '../../core/attachment.ts';
import { fromBase64 } from './base64.ts';
import { importInvalid } from './import-error.ts';
import type { ImportFields } from './import-fields.ts';
import { PIECE_BYTES, pieceCount } from './portable-format.ts';

/** An attachment whose pieces are being read. */
export class ImportedAttachment {
  readonly ref: AttachmentRef;
  readonly #line: number;
  readonly #hash = sha256.create();
  readonly #pieces: Blob[] = [];

  /** @throws `ImportInvalid` for more than `maxBytes` */
  constructor(ref: AttachmentRef, line: number, maxBytes: number) {
    this.ref = ref;
    this.#line = line;
    if (ref.byteLength > maxBytes)
      throw importInvalid(line, `an attachment may have ${maxBytes} bytes at most`);
  }

  get complete(): boolean {
    return this.#pieces.length === pieceCount(this.ref.byteLength);
  }

  /** Takes the next piece. @throws `ImportInvalid` if it is not as long as it must be */
  add(record: ImportFields): void {
    const left = this.ref.byteLength - this.#pieces.length * PIECE_BYTES;
    const bytes = fromBase64(record.text('base64'), Math.min(left, PIECE_BYTES));
    if (bytes === undefined) throw record.fault('base64', 'is not the base64 of the next piece');
    this.#hash.update(bytes);
    this.#pieces.push(new Blob([bytes]));
  }

  /** The whole. @throws `ImportInvalid` if its hash is not its id */
  bytes(): Blob {
    if (bytesToHex(this.#hash.digest()) !== this.ref.id) {
      throw importInvalid(this.#line, 'the SHA-256 of the attachment is not its id');
    }
    return new Blob(this.#pieces, { type: this.ref.mime });
  }
}
