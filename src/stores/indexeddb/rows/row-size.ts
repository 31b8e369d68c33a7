import { utf8Length } from '../../../core/json.ts';

/** How many bytes a row takes, near enough to compare: text as UTF-8, a number 8, `null` and a boolean 1. */
export function rowSize(value: unknown): number {
  if (typeof value === 'string') return utf8Length(value);
  if (typeof value === 'number') return 8;
  return typeof value === 'object' && value !== null ? objectSize(value) : 1;
}

function objectSize(value: object): number {
  if (value instanceof Uint8Array) return value.byteLength;
  let size = 0;
  if (Array.isArray(value)) {
    for (const item of value) size += rowSize(item);
    return size;
  }
  for (const [key, item] of Object.entries(value)) size += key.length + rowSize(item);
  return size;
}
