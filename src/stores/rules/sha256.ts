import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

/** SHA-256 of bytes that come in pieces. */
export class Sha256 {
  readonly #hash = sha256.create();

  /** Adds the next bytes. */
  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  /** The digest in lowercase hex. Ends this object. */
  hex(): string {
    return bytesToHex(this.#hash.digest());
  }
}
