import type { Clock } from '../../contract/clock.ts';
import { describeError } from '../../core/error.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { pause } from './patient-storage.ts';

/** What a turn is told that has run for as long as it may; `null` if `signal` aborted before. */
export async function expiry(
  clock: Clock,
  maxMs: number,
  signal: AbortSignal,
): Promise<TurnInputEvent | null> {
  await pause(clock, maxMs, signal);
  if (signal.aborted) return null;
  const message = `The turn ran for ${maxMs} ms and was not done.`;
  const error = describeError('TurnLimitReached', message, { limit: 'time', max: maxMs });
  return { type: 'limit', error, at: clock.now() };
}
