/** How many bytes become a string at a time: arguments of a call are few, and a multiple of 3 gives no padding within. */
const SLICE = 24_576;

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += SLICE) {
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + SLICE)));
  }
  return text;
}

/** The `byteLength` bytes that `text` is the base64 of, or `undefined` if it is not that. */
export function fromBase64(text: string, byteLength: number): Uint8Array<ArrayBuffer> | undefined {
  if (text.length !== 4 * Math.ceil(byteLength / 3) || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const binary = atob(text);
  if (binary.length !== byteLength) return undefined;
  const bytes = new Uint8Array(byteLength);
  for (let index = 0; index < byteLength; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
