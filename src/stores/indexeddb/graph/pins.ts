import { inSession, type SessionAccess } from '../session-access.ts';
import { placeOf } from './node-places.ts';

/** Makes a live node a root (law ST8). @throws `NodeNotFound` */
export async function pin(access: SessionAccess, nodeId: string): Promise<void> {
  const { sessionId } = access;
  await inSession(access, 'readwrite', ['pins', 'receipts', 'tombs'], async (rows, head) => {
    const place = await placeOf(rows, sessionId, head, nodeId);
    if (place !== null) rows.put('pins', { sessionId, nodeId, place });
  });
}

/** Takes that back. */
export async function unpin(access: SessionAccess, nodeId: string): Promise<void> {
  await inSession(access, 'readwrite', ['pins'], async (rows) =>
    rows.remove('pins', [access.sessionId, nodeId]),
  );
}
