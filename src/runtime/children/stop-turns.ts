import { isLashError, LashError } from '../../core/error.ts';
import type { SessionEvent } from '../../core/event.ts';
import { Deferred } from '../deferred.ts';
import type { ChildRuntime } from './child-runtime.ts';

/** Why a child's turn is stopped. */
const STOP_REASON = 'whoever asked for it is done';

/**
 * Stops the turns of a child that are not over, those included that wait or that nobody runs, and resolves once they are. When
 * `over` aborts, storage that does not take their end is not waited for.
 *
 * @throws `StorageUnavailable` then, and what storage throws
 */
export async function stopTurns(child: ChildRuntime, over: AbortSignal): Promise<void> {
  for (;;) {
    const change = new Deferred<void>();
    const hear = (): void => change.resolve();
    const unsubscribe = child.subscribe((event) => {
      if (isNews(event)) hear();
    });
    over.addEventListener('abort', hear, { once: true });
    try {
      const pending = await child.pendingTurns();
      for (const { turnId } of pending) await stop(child, turnId);
      if (pending.length === 0 || (await child.pendingTurns()).length === 0) return;
      if (over.aborted && waitsForStorage(child)) throw away(child.sessionId);
      await change.promise;
    } finally {
      unsubscribe();
      over.removeEventListener('abort', hear);
    }
  }
}

/** Whether something may be over now, or cannot be. */
function isNews(event: SessionEvent): boolean {
  switch (event.type) {
    case 'turn-finished':
    case 'queue-changed':
    case 'session-deleted':
      return true;
    case 'turn-waiting':
      return event.waits.some(({ kind }) => kind === 'storage');
    default:
      return false;
  }
}

async function stop(child: ChildRuntime, turnId: string): Promise<void> {
  try {
    await child.cancelTurn(turnId, STOP_REASON);
    // Whoever runs it elsewhere does so for a parent that is gone.
    if (child.view().writer === 'elsewhere') await child.takeOver({ force: true });
  } catch (error) {
    const isOver = isLashError(error, 'TurnNotFound') || isLashError(error, 'SessionHeldElsewhere');
    if (!isOver) throw error;
  }
}

function waitsForStorage(child: ChildRuntime): boolean {
  return child.view().turn?.waits.some(({ kind }) => kind === 'storage') === true;
}

function away(sessionId: string): LashError<'StorageUnavailable'> {
  const reason = `it did not take the end of the child session ${sessionId}`;
  return new LashError('StorageUnavailable', `Storage is away: ${reason}`, { database: '', reason });
}
