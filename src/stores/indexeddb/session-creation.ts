import { systemClock } from '../../contract/clock.ts';
import type { SessionParent } from '../../core/session-parent.ts';
import { initialHead } from '../rules/head-state.ts';
import { checkCreate } from '../rules/meta-check.ts';
import { isFields } from '../rules/node-fault.ts';
import { type CreateMode, sessionExists } from '../rules/session-state.ts';
import { decodeHead, headMissing, type LiveHead } from './graph/decode.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import type { StoreName } from './rows/schema.ts';
import type { DatabaseAccess } from './session-access.ts';

const STORES: readonly StoreName[] = ['heads', 'meta'];

/**
 * Writes a new session; `pending` hides it. Where the answer was lost, the session that is there is this call's own if it
 * has its token (law ST16): so of two calls for one id never both succeed.
 *
 * @throws `InvalidInput`, `NotData`; `SessionExists`, also for one that is being imported; `SessionDeleted`
 */
export async function createSession(
  { database, durability, counts }: DatabaseAccess,
  sessionId: string,
  mode: CreateMode,
  pending: { readonly pending?: 1 } = {},
): Promise<void> {
  const { title, policy, at, parent } = checkCreate(mode);
  const token = systemClock.newId();
  const options = {
    stores: STORES,
    mode: 'readwrite',
    durability,
    counts,
    repeatable: true,
  } as const;
  await database.transaction(options, async (rows) => {
    if (await isTaken(rows, sessionId, token)) return;
    const graph = { place: null, atTip: false, chains: 0 };
    rows.add('heads', {
      ...initialHead(at),
      ...pending,
      ...graph,
      ...listsOf(parent),
      sessionId,
      kind: 'live',
    });
    rows.add('meta', { sessionId, token, title, createdAt: at, policy, ...(parent && { parent }) });
  });
}

/** What orders a session in the lists that it belongs to besides that of all. */
function listsOf(parent: SessionParent | undefined): Pick<LiveHead, 'ordinary' | 'parentId'> {
  return {
    ...(parent?.relation !== 'child' && { ordinary: 1 }),
    ...(parent !== undefined && { parentId: parent.sessionId }),
  };
}

/** @throws `SessionExists`, `SessionDeleted` unless the id is free */
export async function checkFree({ database, counts }: DatabaseAccess, sessionId: string): Promise<void> {
  await database.transaction({ stores: STORES, mode: 'readonly', counts }, (rows) =>
    isTaken(rows, sessionId, null),
  );
}

/** Whether the session is there already by the call with this token. @throws `SessionExists`, `SessionDeleted` */
async function isTaken(rows: RowTransaction, sessionId: string, token: string | null): Promise<boolean> {
  const [head, meta] = await Promise.all(STORES.map((store) => rows.get(store, sessionId)));
  if (head === undefined && meta === undefined) return false;
  if (head === undefined) throw headMissing(sessionId);
  decodeHead(sessionId, head, true);
  if (isFields(meta) && meta['token'] === token) return true;
  throw sessionExists(sessionId);
}
