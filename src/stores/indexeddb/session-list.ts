import type { Page, SessionQuery, SessionSummary } from '../../core/policy.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import { isCount, isFields } from '../rules/node-fault.ts';
import { decodePage, encodePosition, type ListPosition, type ListQuery } from '../rules/session-list.ts';
import { parentFault } from '../rules/session-parent.ts';
import { corrupt, damageIn } from '../rules/storage-error.ts';
import { decodeHead, decodeMeta, headMissing, type LiveHead } from './graph/decode.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import { BY_ORDINARY, BY_PARENT, BY_RELATION, BY_UPDATE, keysOf, type MetaRow } from './rows/schema.ts';
import type { DatabaseAccess } from './session-access.ts';

/** A session of the list, its rows as they were found. */
interface FoundSession {
  readonly sessionId: string;
  readonly head: unknown;
  readonly meta: unknown;
}

/** No time is behind it. */
const END_OF_TIME: readonly IDBValidKey[] = [Number.MAX_SAFE_INTEGER, []];

const RELATIONS: readonly SessionParent['relation'][] = ['child', 'handoff'];

/** A page of sessions, as `SessionStoreFactory.list` promises. @throws `InvalidInput` */
export async function listSessions(
  { database, counts }: DatabaseAccess,
  query: SessionQuery,
): Promise<Page<SessionSummary>> {
  const asked = decodePage(query);
  const options = { stores: ['heads', 'meta'], mode: 'readonly', counts } as const;
  const { found, next } = await database.transaction(options, (rows) => readPage(rows, asked));
  return { items: found.map(summaryOf), next };
}

/**
 * A page of the sessions that are not hidden. An index gives those whose time can be read, in their order. Behind the last
 * of them come the others: who belongs to the list by its meta, and is not among those that have a time. So the last page
 * costs keys: of the children of a session theirs, of any other list those of all sessions.
 */
async function readPage(
  rows: RowTransaction,
  { after, limit, parent }: ListQuery,
): Promise<{ readonly found: readonly FoundSession[]; readonly next: string | null }> {
  const { index, prefix } = orderOf(parent);
  const isBehind = after?.updatedAt === null;
  const timed = isBehind ? [] : await rows.getLast('heads', index, timedBefore(prefix, after), limit + 1);
  const heads = timed.slice(0, limit) as readonly ListPosition[];
  const found = await Promise.all(heads.map((head) => findSession(rows, head.sessionId, head)));
  const last = heads.at(-1);
  if (last !== undefined && timed.length > limit) return { found: found.flat(), next: encodePosition(last) };
  const untimed = (await readUntimed(rows, parent)).filter((id) => !isBehind || id > after.sessionId);
  const ids = untimed.slice(0, limit - heads.length);
  const others = await Promise.all(ids.map(async (id) => findSession(rows, id, await rows.get('heads', id))));
  const next = untimed.length > ids.length ? { updatedAt: null, sessionId: ids.at(-1) ?? '' } : null;
  return { found: [...found, ...others].flat(), next: next && encodePosition(next) };
}

/** A session as the list shows it: where a row of it is damaged, what else can be read. */
function summaryOf({ sessionId, head, meta }: FoundSession): SessionSummary {
  try {
    if (head === undefined) throw headMissing(sessionId);
    const found = decodeHead(sessionId, head);
    const named = decodeMeta(sessionId, meta);
    if (!isInPlace(found, named)) throw corrupt(sessionId, null, 'its head says that it is another child');
    const { updatedAt, nodeCount, bytes } = found;
    const { title, createdAt, parent } = named;
    return { sessionId, title, createdAt, updatedAt, nodeCount, bytes, ...(parent && { parent }) };
  } catch (error) {
    const damage = damageIn(error).data.reason;
    const { title, parent, ...fields } = { ...(meta as object), ...(head as object) } as Readonly<
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
      ...(parentFault(parent) === undefined && { parent: parent as SessionParent }),
      damage,
    };
  }
}

/** Whether the head row puts a session into the lists that it belongs to by its meta. */
function isInPlace({ ordinary, parentId }: LiveHead, { parent }: MetaRow): boolean {
  return parentId === parent?.sessionId && (ordinary === 1) === (parent?.relation !== 'child');
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

/** The index of `heads` that orders a list, and what the list's keys begin with there. */
function orderOf(parent: ListQuery['parent']): {
  readonly index: string;
  readonly prefix: readonly IDBValidKey[];
} {
  if (parent === undefined) return { index: BY_UPDATE, prefix: [] };
  return parent === null ? { index: BY_ORDINARY, prefix: [1] } : { index: BY_PARENT, prefix: [parent] };
}

/** The ids of the sessions of a list that its index does not hold, or holds under what is no time. */
async function readUntimed(rows: RowTransaction, parent: ListQuery['parent']): Promise<readonly string[]> {
  const { index, prefix } = orderOf(parent);
  const before = IDBKeyRange.bound([...prefix], [...prefix, 0], false, true);
  const behind = IDBKeyRange.bound([...prefix, ...END_OF_TIME], [...prefix, [[]]], true);
  const [named, timed, ...astray] = await Promise.all([
    readNamed(rows, parent),
    ...[timedBefore(prefix, undefined), before, behind].map((range) =>
      rows.getKeys('heads', range, { index }),
    ),
  ]);
  const known = new Set(timed);
  const ids = new Set([...named, ...astray.flat()].filter((id) => !known.has(id)));
  return ([...ids] as string[]).toSorted();
}

/** The ids of the sessions that belong to a list by their meta. */
async function readNamed(rows: RowTransaction, parent: ListQuery['parent']): Promise<readonly IDBValidKey[]> {
  const related = (range: IDBKeyRange): Promise<readonly IDBValidKey[]> =>
    rows.getKeys('meta', range, { index: BY_RELATION });
  if (typeof parent === 'string') {
    const ranges = RELATIONS.map((relation) => IDBKeyRange.only([relation, parent]));
    return (await Promise.all(ranges.map(related))).flat();
  }
  const all = await rows.getKeys('meta', null);
  if (parent === undefined) return all;
  const children = new Set(await related(keysOf(['child'])));
  return all.filter((id) => !children.has(id));
}

/** The part of a list's index that comes after a page that ends at `after`; all times at the beginning. */
function timedBefore(prefix: readonly IDBValidKey[], after: ListPosition | undefined): IDBKeyRange {
  const from = [...prefix, 0];
  const isEnd = after === undefined || after.updatedAt === null;
  return isEnd
    ? IDBKeyRange.bound(from, [...prefix, ...END_OF_TIME])
    : IDBKeyRange.bound(from, [...prefix, after.updatedAt, after.sessionId], false, true);
}
