import type { WalkPage } from '../../contract/store.ts';
import { isCount } from './node-fault.ts';
import { invalid } from './refusal.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** What a page of a walk asks for: `after` as the `fields` numbers that {@link encodeWalk} was given. @throws `InvalidInput` */
export function decodeWalk(
  { after, limit = DEFAULT_LIMIT }: WalkPage,
  fields: number,
): { readonly after: readonly number[] | undefined; readonly limit: number } {
  if (!isCount(limit) || limit === 0 || limit > MAX_LIMIT)
    throw invalid('limit', `must be 1 to ${MAX_LIMIT}`);
  if (after === undefined) return { after: undefined, limit };
  const numbers = after.split('.').map(Number);
  if (numbers.length !== fields || after === '' || !numbers.every(isCount)) {
    throw invalid('after', 'must be the `next` of another page');
  }
  return { after: numbers, limit };
}

/** The `next` of a page. */
export function encodeWalk(...numbers: readonly number[]): string {
  return numbers.join('.');
}
