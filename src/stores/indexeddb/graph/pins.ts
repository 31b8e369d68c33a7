import type { RowTransaction } from '../rows/row-transaction.ts';
import type { StoreName } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';
import type { LiveHead } from './decode.ts';
import { placeOf } from './node-places.ts';

/** Makes a live node a root (law ST8). @throws `NodeNotFound` */
export async function pin(access: SessionAccess, nodeId: string): Promise<void> {
  const { sessionId } = access;
  await write(access, ['pins', 'receipts', 'tombs'], async (rows, head) => {
    const place = await placeOf(rows, sessionId, head, nodeId);
    if (place !== null) rows.put('pins', { sessionId, nodeId, place });
  });
}

/** Takes that back. */
export async function unpin(access: SessionAccess, nodeId: string): Promise<void> {
  await write(access, ['pins'], async (rows) => rows.remove('pins', [access.sessionId, nodeId]));
}

/** A pin that is set or taken back twice is the same (law ST16). */
async function write(
  access: SessionAccess,
  stores: readonly StoreName[],
  body: (rows: RowTransaction, head: LiveHead) => Promise<void>,
): Promise<void> {
  await inSession(access, 'readwrite', stores, body, true);
}
