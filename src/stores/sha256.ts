import { sha256 } from '@noble/hashes/sha2.js';

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

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
    return toHex(this.#hash.digest());
  }
}

/**
 * SHA-256 of `bytes` in lowercase hex: by the browser, which is faster, or by {@link Sha256} where the browser refuses
 * to, because the page's origin is not secure.
 */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  if (subtle === undefined) return new Sha256().update(bytes).hex();
  return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}
