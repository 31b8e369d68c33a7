import { LashError } from '../core/error.ts';

/** The error of a call on a runtime that was closed. */
export function sessionClosed(sessionId: string): LashError<'SessionClosed'> {
  return new LashError('SessionClosed', `Session ${sessionId} was closed`, { sessionId });
}

/** The error of a write on a runtime that only reads. */
export function readOnly(sessionId: string): LashError<'ReadOnly'> {
  return new LashError('ReadOnly', `Session ${sessionId} was opened to read only`, { sessionId });
}

/** The error of what cannot be done during a turn. */
export function turnRunning(sessionId: string, turnId: string): LashError<'TurnRunning'> {
  return new LashError('TurnRunning', 'A turn is running; wait for it or stop it', { sessionId, turnId });
}

/** The error of what was stopped on purpose. */
export function cancelled(reason: string): LashError<'Cancelled'> {
  return new LashError('Cancelled', `Stopped: ${reason}`, { reason });
}
