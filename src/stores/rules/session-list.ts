import { checkId } from '../../core/id.ts';
import type { SessionQuery } from '../../core/policy.ts';
import { isCount } from './node-fault.ts';
import { invalid } from './refusal.ts';

/**
 * A place in the list of sessions: newest change first, then by id backwards. Behind them, by id, come those whose time
 * cannot be read.
 */
export interface ListPosition {
  readonly updatedAt: number | null;
  readonly sessionId: string;
}

/** Stands in a position for a time that cannot be read. */
const NO_TIME = 'damaged';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** The `next` of a page that ends at this position. */
export function encodePosition({ updatedAt, sessionId }: ListPosition): string {
  return `${updatedAt ?? NO_TIME}:${sessionId}`;
}

/** A {@link SessionQuery} that was checked, with its defaults. */
export interface ListQuery {
  readonly after: ListPosition | undefined;
  readonly limit: number;
  readonly parent: string | null | undefined;
}

/** What a page asks for. @throws `InvalidInput` */
export function decodePage({ after, limit = DEFAULT_LIMIT, parent }: SessionQuery): ListQuery {
  if (!isCount(limit) || limit === 0 || limit > MAX_LIMIT)
    throw invalid('limit', `must be 1 to ${MAX_LIMIT}`);
  if (typeof parent === 'string') checkId(parent, 'parent');
  else if (parent !== undefined && parent !== null) throw invalid('parent', 'must be a session id or null');
  if (after === undefined) return { after, limit, parent };
  const colon = after.indexOf(':');
  const time = after.slice(0, Math.max(0, colon));
  const updatedAt = time === NO_TIME ? null : Number(time);
  const isTime = updatedAt === null || (time !== '' && Number.isFinite(updatedAt) && updatedAt >= 0);
  if (!isTime) throw invalid('after', 'must be the `next` of another page');
  return { after: { updatedAt, sessionId: after.slice(colon + 1) }, limit, parent };
}
