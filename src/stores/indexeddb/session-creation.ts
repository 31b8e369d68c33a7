import type { StoreOpenMode } from '../../contract/store.ts';
import { initialHead } from '../rules/commit-plan.ts';
import { sessionExists } from '../rules/session-state.ts';
import { decodeHead } from './graph/decode.ts';
import type { RowTransaction } from './rows/row-transaction.ts';

/**
 * Adds the rows of a new session; `pending` hides it.
 *
 * @throws `SessionExists`, also for one that is being imported; `SessionDeleted`
 */
export async function addSession(
  rows: RowTransaction,
  sessionId: string,
  { title, policy, at }: Extract<StoreOpenMode, { readonly kind: 'create' }>,
  pending: { readonly pending?: 1 } = {},
): Promise<void> {
  await checkFree(rows, sessionId);
  const graph = { place: null, atTip: false, chains: 0 };
  rows.add('heads', { ...initialHead(at), ...pending, ...graph, sessionId, kind: 'live' });
  rows.add('meta', { sessionId, title, createdAt: at, policy });
}

/** @throws `SessionExists`, `SessionDeleted` */
export async function checkFree(rows: RowTransaction, sessionId: string): Promise<void> {
  const row = await rows.get('heads', sessionId);
  if (row === undefined) return;
  decodeHead(sessionId, row, true);
  throw sessionExists(sessionId);
}
