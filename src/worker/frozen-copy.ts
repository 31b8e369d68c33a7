import { freeze } from '../core/freeze.ts';
import { refuseNonData } from '../core/plain-data.ts';

/** A copy of plain data that nobody can change. @throws `NotData` when `value` is something else. */
export function frozenCopy<T extends object>(value: T, path: string): T {
  refuseNonData(value, path);
  return freeze(structuredClone(value));
}
