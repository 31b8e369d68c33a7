import { isLashError, LashError } from '../core/error.ts';
import type { BackgroundTaskRecord } from '../core/task.ts';

/** The error of a value that cannot be meant. */
export function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}

/** The error of an id that is taken. */
export function taskExists(sessionId: string, taskId: string): LashError<'TaskExists'> {
  const message = `The session ${sessionId} has a background task ${taskId} already`;
  return new LashError('TaskExists', message, { sessionId, taskId });
}

/** The error of an id that is not there, or of a task that is another session's now. */
export function taskNotFound(
  sessionId: string,
  taskId: string,
  record?: BackgroundTaskRecord,
): LashError<'TaskNotFound'> {
  const where = record === undefined ? 'is not there' : `is a task of the session ${record.sessionId} now`;
  return new LashError('TaskNotFound', `The background task ${taskId} ${where}`, { sessionId, taskId });
}

/** The error of a move that the machine refused. */
export function moveRefused(
  { id: taskId, state }: BackgroundTaskRecord,
  move: string,
  refusal: 'ended' | 'impossible',
): LashError<'TaskEnded' | 'InvalidTaskMove'> {
  const data = { taskId, state, move };
  return refusal === 'ended'
    ? new LashError('TaskEnded', `The background task ${taskId} is ${state} already`, data)
    : new LashError('InvalidTaskMove', `The background task ${taskId} is ${state}: no ${move} now`, data);
}

/** Whether the task itself said no: it ended, is somebody else's, or is not there. */
export function isRefusal(error: unknown): boolean {
  return (
    isLashError(error, 'TaskEnded') ||
    isLashError(error, 'InvalidTaskMove') ||
    isLashError(error, 'TaskNotFound')
  );
}

/** The error of a name that no plugin knows. */
export function taskNotDefined(name: string): LashError<'TaskNotDefined'> {
  return new LashError('TaskNotDefined', `No plugin here defines background tasks called ${name}`, { name });
}

/** The error of a call on a session that was closed. */
export function sessionClosed(sessionId: string): LashError<'SessionClosed'> {
  return new LashError('SessionClosed', `Session ${sessionId} was closed`, { sessionId });
}

/** The error of a call on a session that is gone. */
export function sessionDeleted(sessionId: string): LashError<'SessionDeleted'> {
  return new LashError('SessionDeleted', `The session ${sessionId} was deleted`, { sessionId });
}

/** What a run's signal aborts with. */
export function stopped(reason: string): LashError<'Cancelled'> {
  return new LashError('Cancelled', `Stopped: ${reason}`, { reason });
}
