import type { Clock } from '../../contract/clock.ts';
import { describeError } from '../../core/error.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { pause } from './patient-storage.ts';

/**
 * How long a turn has run, and for how long it may. Whoever goes on with it goes on counting from what was recorded last; while
 * nobody runs it, nothing is counted.
 */
export class TurnTime {
  readonly #clock: Clock;
  readonly #maxMs: number | undefined;
  readonly #usedMs: number;
  readonly #since: number;

  /** `usedMs`: what others have recorded. */
  constructor(clock: Clock, maxMs: number | undefined, usedMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#usedMs = usedMs;
    this.#since = clock.now();
  }

  /** What is to be recorded of it now: nothing where it has no limit. */
  get used(): { readonly usedMs?: number } {
    return this.#maxMs === undefined ? {} : { usedMs: this.#now };
  }

  /** What the turn is told once it has run for as long as it may; `null` if it may for ever, or `signal` aborted before. */
  async expiry(signal: AbortSignal): Promise<TurnInputEvent | null> {
    const max = this.#maxMs;
    if (max === undefined) return null;
    await pause(this.#clock, Math.max(0, max - this.#now), signal);
    if (signal.aborted) return null;
    const message = `The turn ran for ${max} ms and was not done.`;
    const error = describeError('TurnLimitReached', message, { limit: 'time', max });
    return { type: 'limit', error, at: this.#clock.now() };
  }

  get #now(): number {
    return this.#usedMs + Math.max(0, this.#clock.now() - this.#since);
  }
}
