import { refuseNonData } from '../core/plain-data.ts';

/** A copy of plain data that nobody can change. @throws `NotData` when `value` is something else. */
export function frozenCopy<T extends object>(value: T, path: string): T {
  refuseNonData(value, path);
  return freeze(structuredClone(value));
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
