import type { StoreOpenMode } from '../../contract/store.ts';
import { LashError } from '../../core/error.ts';

/** What a new session is made with. */
export type CreateMode = Extract<StoreOpenMode, { readonly kind: 'create' }>;

/** The id names a session that was deleted. */
export function sessionDeleted(sessionId: string): LashError<'SessionDeleted'> {
  return new LashError('SessionDeleted', `Session ${sessionId} was deleted`, { sessionId });
}

/** The id names no session. */
export function sessionNotFound(sessionId: string): LashError<'SessionNotFound'> {
  return new LashError('SessionNotFound', `There is no session ${sessionId}`, { sessionId });
}

/** The id is taken. */
export function sessionExists(sessionId: string): LashError<'SessionExists'> {
  return new LashError('SessionExists', `Session ${sessionId} exists already`, { sessionId });
}

/** The handle was closed. */
export function sessionClosed(sessionId: string): LashError<'SessionClosed'> {
  return new LashError('SessionClosed', `This handle of session ${sessionId} was closed`, { sessionId });
}
