import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionStore } from '../contract/store.ts';
import { isLashError, LashError } from '../core/error.ts';
import { checkParkedSession, type ParkedSession } from '../core/parked-session.ts';
import type { CheckStore } from './runtime-options.ts';

/**
 * Opens a parked session again, once it was found to be at least what was left (law RE6).
 *
 * @throws `InvalidInput` for what is no parked session, `StorageWiped`, `SessionLost`, and what `open` throws
 */
export async function resumeParked<T>(
  value: unknown,
  { sessionStoreFactory }: RuntimeEnvironment,
  open: (sessionId: string, check: CheckStore) => Promise<T>,
): Promise<T> {
  const parked = checkParkedSession(value);
  const { sessionId, databaseId } = parked;
  if ((await sessionStoreFactory.databaseId()) !== databaseId) {
    const database = sessionStoreFactory.database ?? 'memory';
    throw new LashError('StorageWiped', `The session ${sessionId} lay in a database that is gone`, {
      database,
    });
  }
  try {
    return await open(sessionId, (store) => checkFound(store, parked));
  } catch (error) {
    throw isLashError(error, 'SessionNotFound') ? lost(sessionId, 'it is not there any more') : error;
  }
}

async function checkFound(store: SessionStore, { sessionId, revision, leaf }: ParkedSession): Promise<void> {
  const { head } = await store.load({ kind: 'head' });
  if (head.revision < revision)
    throw lost(sessionId, `it is at revision ${head.revision}, and was at ${revision}`);
  if (head.revision === revision && head.leaf !== leaf) throw lost(sessionId, 'it went on from another node');
}

function lost(sessionId: string, reason: string): LashError<'SessionLost'> {
  return new LashError('SessionLost', `The session ${sessionId} is not what it was: ${reason}`, {
    sessionId,
    reason,
  });
}
