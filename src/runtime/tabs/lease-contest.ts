import type { Clock } from '../../contract/clock.ts';
import type { SessionLease, SessionLeases, SessionNotice } from '../../contract/lease.ts';
import { LashError } from '../../core/error.ts';
import { Deferred } from '../deferred.ts';

/**
 * How long the holder of a lease may take to answer, in milliseconds. It bounds the wait for one that is frozen; being
 * wrong about one that is slow costs it its turn, and never damages anything, since the epoch fences it.
 */
export const ANSWER_MS = 1500;
/** How often it is asked meanwhile: it may be another one than before. */
const ASK_MS = 100;

/** Whose lease it is about. */
export interface ContestParts {
  readonly sessionId: string;
  readonly leases: SessionLeases;
  readonly clock: Clock;
}

/**
 * Gets a lease that somebody holds: asks for it, and takes it away from whoever does not answer (law WS2), or with
 * `force` also from whoever says that it is busy.
 *
 * @throws `SessionHeldElsewhere`
 */
export async function contest(parts: ContestParts, force: boolean): Promise<SessionLease> {
  const { sessionId, leases, clock } = parts;
  let heard = new Deferred<void>();
  let busy: string | null = null;
  let asked = 0;
  const listener = (notice: SessionNotice): void => {
    if (notice.kind === 'busy') busy = notice.turnId;
    else if (notice.kind === 'released') asked = 0;
    else return;
    heard.resolve();
  };
  const stop = leases.subscribe(sessionId, listener);
  try {
    while (asked < ANSWER_MS / ASK_MS) {
      const free = await leases.acquire(sessionId);
      if (free !== null) return free;
      if (busy !== null && force) break;
      if (busy !== null) throw heldElsewhere(sessionId, busy);
      leases.publish(sessionId, { kind: 'wanted' }, listener);
      asked++;
      await firstOf(heard.promise, ASK_MS, clock);
      heard = new Deferred();
    }
    const taken = await leases.acquire(sessionId, { force: true });
    if (taken === null) throw heldElsewhere(sessionId, busy);
    return taken;
  } finally {
    stop();
  }
}

async function firstOf(heard: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const over = new AbortController();
  const slept = clock.sleep(ms, over.signal).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  await Promise.race([heard, slept]);
  over.abort();
  await slept;
}

function heldElsewhere(sessionId: string, turnId: string | null): LashError<'SessionHeldElsewhere'> {
  const message = 'Another tab writes this session now; wait for it, or take the session over';
  return new LashError('SessionHeldElsewhere', message, { sessionId, turnId });
}
