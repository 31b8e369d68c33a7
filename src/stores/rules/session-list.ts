import { invalid } from './commit-plan.ts';
import { isCount } from './node-fault.ts';

/** A place in the list of sessions: newest change first, then by id backwards. */
export interface ListPosition {
  readonly updatedAt: number;
  readonly sessionId: string;
}

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** The `next` of a page that ends at this position. */
export function encodePosition({ updatedAt, sessionId }: ListPosition): string {
  return `${updatedAt}:${sessionId}`;
}

/** What a page asks for, with its defaults. @throws `InvalidInput` */
export function decodePage({
  after,
  limit = DEFAULT_LIMIT,
}: {
  readonly after?: string;
  readonly limit?: number;
}): {
  readonly after: ListPosition | undefined;
  readonly limit: number;
} {
  if (!isCount(limit) || limit === 0 || limit > MAX_LIMIT)
    throw invalid('limit', `must be 1 to ${MAX_LIMIT}`);
  if (after === undefined) return { after: undefined, limit };
  const colon = after.indexOf(':');
  const updatedAt = Number(after.slice(0, colon));
  if (colon < 1 || !isCount(updatedAt)) throw invalid('after', 'must be the `next` of another page');
  return { after: { updatedAt, sessionId: after.slice(colon + 1) }, limit };
}
