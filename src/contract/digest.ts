import { loadModule } from './load-module.ts';

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * SHA-256 of `bytes` in lowercase hex: by the browser, which is faster, or by a library that is loaded then, where the
 * browser refuses to, because the page's origin is not secure.
 *
 * @throws `ModuleLoadFailed`
 */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = crypto as { readonly subtle?: SubtleCrypto };
  if (subtle !== undefined) return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
  const { sha256 } = await loadModule('sha256', import('./sha256.ts'));
  return toHex(sha256(bytes));
}

function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte];
  return text;
}
