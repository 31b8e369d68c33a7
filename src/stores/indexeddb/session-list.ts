import type { SessionSummary } from '../../core/policy.ts';
import { isCount, isFields } from '../rules/node-fault.ts';
import { encodePosition, type ListPosition } from '../rules/session-list.ts';
import { damageIn } from '../rules/storage-error.ts';
import { decodeHead, decodeMeta, headMissing } from './graph/decode.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import { BY_UPDATE, type StoreName } from './rows/schema.ts';

/** A session of the list, its rows as they were found. */
interface FoundSession {
  readonly sessionId: string;
  readonly head: unknown;
  readonly meta: unknown;
}

/** No time is behind it. */
const END_OF_TIME: IDBValidKey = [Number.MAX_SAFE_INTEGER, []];

/** The object stores that {@link readListPage} needs. */
export const LIST_STORES: readonly StoreName[] = ['heads', 'meta'];

/**
 * A page of the sessions that are not hidden. The index gives those whose time can be read, in their order. Behind the
 * last of them come the others: who has meta, and is not among those that have a time. So the last page costs the keys of
 * all.
 */
export async function readListPage(
  rows: RowTransaction,
  { after, limit }: { readonly after: ListPosition | undefined; readonly limit: number },
): Promise<{ readonly found: readonly FoundSession[]; readonly next: string | null }> {
  const isBehind = after?.updatedAt === null;
  const timed = isBehind ? [] : await rows.getLast('heads', BY_UPDATE, timedBefore(after), limit + 1);
  const heads = timed.slice(0, limit) as readonly ListPosition[];
  const found = await Promise.all(heads.map((head) => findSession(rows, head.sessionId, head)));
  const last = heads.at(-1);
  if (last !== undefined && timed.length > limit) return { found: found.flat(), next: encodePosition(last) };
  const untimed = (await readUntimed(rows)).filter((id) => !isBehind || id > after.sessionId);
  const ids = untimed.slice(0, limit - heads.length);
  const others = await Promise.all(ids.map(async (id) => findSession(rows, id, await rows.get('heads', id))));
  const next = untimed.length > ids.length ? { updatedAt: null, sessionId: ids.at(-1) ?? '' } : null;
  return { found: [...found, ...others].flat(), next: next && encodePosition(next) };
}

/** A session as the list shows it: where a row of it is damaged, what else can be read. */
export function summaryOf({ sessionId, head, meta }: FoundSession): SessionSummary {
  try {
    if (head === undefined) throw headMissing(sessionId);
    const { updatedAt, nodeCount, bytes } = decodeHead(sessionId, head);
    const { title, createdAt } = decodeMeta(sessionId, meta);
    return { sessionId, title, createdAt, updatedAt, nodeCount, bytes };
  } catch (error) {
    const damage = damageIn(error).data.reason;
    const { title, ...fields } = { ...(meta as object), ...(head as object) } as Readonly<
      Record<string, unknown>
    >;
    const count = (name: string): number => (isCount(fields[name]) ? fields[name] : 0);
    return {
      sessionId,
      title: typeof title === 'string' ? title : '',
      createdAt: count('createdAt'),
      updatedAt: count('updatedAt'),
      nodeCount: count('nodeCount'),
      bytes: count('bytes'),
      damage,
    };
  }
}

/** Nothing if the session is hidden: deleted, or being imported. */
async function findSession(
  rows: RowTransaction,
  sessionId: string,
  head: unknown,
): Promise<readonly FoundSession[]> {
  const isHidden = isFields(head) && (head['kind'] === 'deleted' || head['pending'] === 1);
  return isHidden ? [] : [{ sessionId, head, meta: await rows.get('meta', sessionId) }];
}

/** The ids of the sessions that the list's index does not hold, or holds under what is no time. */
async function readUntimed(rows: RowTransaction): Promise<readonly string[]> {
  const [named, timed, before, behind] = await Promise.all([
    rows.getKeys('meta', null),
    rows.getKeys('heads', timedBefore(undefined), { index: BY_UPDATE }),
    rows.getKeys('heads', IDBKeyRange.upperBound([0], true), { index: BY_UPDATE }),
    rows.getKeys('heads', IDBKeyRange.lowerBound(END_OF_TIME, true), { index: BY_UPDATE }),
  ]);
  const known = new Set(timed);
  const ids = new Set([...named, ...before, ...behind].filter((id) => !known.has(id)));
  return ([...ids] as string[]).toSorted();
}

/** The part of the index that comes after a page that ends at `after`; all times at the beginning. */
function timedBefore(after: ListPosition | undefined): IDBKeyRange {
  const isEnd = after === undefined || after.updatedAt === null;
  return isEnd
    ? IDBKeyRange.bound([0], END_OF_TIME)
    : IDBKeyRange.bound([0], [after.updatedAt, after.sessionId], false, true);
}
