import type { Clock } from '../../contract/clock.ts';
import { isLashError, type LashError } from '../../core/error.ts';

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

  /** @throws what `work` throws, if it is no trouble that passes or `stop` was called */
  async run<T>(work: () => Promise<T>): Promise<T> {
    for (let delay: number = RETRY_MS[0]; ; delay = Math.min(delay * 2, RETRY_MS[1])) {
      try {
        return await work();
      } catch (error) {
        if (!isPassing(error) || this.#over.signal.aborted) throw error;
        this.#tell(error);
        await pause(this.#clock, delay, this.#over.signal);
        if (this.#over.signal.aborted) throw error;
        this.#tell(null);
      }
    }
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
