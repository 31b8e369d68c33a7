/**
 * About how many bytes `value` takes on its way between threads: the characters of its strings and keys, and 8 for
 * everything else. It is a measure for batching, not for storage.
 */
export function roughSize(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 8;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) {
    let size = 8;
    for (const item of value) size += roughSize(item);
    return size;
  }
  let size = 8;
  for (const [key, item] of Object.entries(value)) size += key.length + roughSize(item);
  return size;
}
