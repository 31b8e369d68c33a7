import { isCount } from './node-fault.ts';
import { invalid } from './refusal.ts';

/** Depths of a path: `from` up to but not including `to`. Empty when both are the same. */
export interface PathRange {
  readonly from: number;
  readonly to: number;
}

/** Checks the bounds of a page. @throws `InvalidInput` */
export function checkPage({ before, limit }: { readonly before?: number; readonly limit?: number }): void {
  if (before !== undefined && !isCount(before)) throw invalid('scope.before', 'must be a depth from 0 on');
  if (limit !== undefined && (!isCount(limit) || limit === 0))
    throw invalid('scope.limit', 'must be at least 1');
}

/** The depths that a page of a path of `length` nodes covers. */
export function pathRange(
  length: number,
  { before, limit }: { readonly before?: number; readonly limit?: number },
): PathRange {
  const to = Math.min(before ?? length, length);
  return { from: limit === undefined ? 0 : Math.max(0, to - limit), to };
}
