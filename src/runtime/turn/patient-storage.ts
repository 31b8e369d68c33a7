import type { Clock } from '../../contract/clock.ts';
import { isLashError, type LashError, toLashError } from '../../core/error.ts';

/** After how long something that storage did not take is tried again, in milliseconds: doubled each time, up to the last. */
const RETRY_MS = [500, 10_000] as const;

/** Whether an error is of storage that may take the same thing later. */
export function isPassing(error: unknown): error is LashError {
  return (
    isLashError(error, 'StorageFull') ||
    isLashError(error, 'StorageBlocked') ||
    isLashError(error, 'StorageUnavailable')
  );
}

/**
 * Does what needs storage, again and again while that is full, blocked or not there: what a turn has come to is not given
 * up for something that passes (law ST17).
 */
export class PatientStorage {
  readonly #clock: Clock;
  readonly #tell: (waitsFor: LashError | null) => void;
  readonly #over = new AbortController();

  /** `tell` is told what storage said whenever it is waited for, and `null` when that is over. */
  constructor(clock: Clock, tell: (waitsFor: LashError | null) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /**
   * With `signal`, no longer than until that aborts. `isWaitedFor` says what else than trouble that passes is waited for.
   *
   * @throws what `work` throws, if it is not waited for, or not any longer
   */
  async run<T>(
    work: () => Promise<T>,
    signal: AbortSignal = this.#over.signal,
    isWaitedFor: (error: unknown) => boolean = isPassing,
  ): Promise<T> {
    const over = AbortSignal.any([this.#over.signal, signal]);
    for (let delay: number = RETRY_MS[0]; ; delay = Math.min(delay * 2, RETRY_MS[1])) {
      try {
        return await work();
      } catch (error) {
        if (!isWaitedFor(error) || over.aborted) throw error;
        this.#tell(toLashError(error));
        await pause(this.#clock, delay, over);
        if (over.aborted) throw error;
        this.#tell(null);
      }
    }
  }

  /** Aborts when nothing is waited for any longer. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Whether nothing is waited for any longer. */
  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Waits for storage no longer. */
  stop(): void {
    this.#over.abort();
  }
}

/** Waits, and no longer than `signal` lets it. */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
