import type { Clock } from '../contract/clock.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. Its ids are `id-1`, `id-2` and so on. */
export class ManualClock implements Clock {
  #now: number;
  #ids = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** Begins at `start`, in Unix milliseconds; default 2026-01-01 in UTC. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  /** How many milliseconds each sleeper still has to sleep, the next one first. */
  get sleeping(): readonly number[] {
    return Array.from(this.#sleepers, ({ due }) => due - this.#now).toSorted((a, b) => a - b);
  }

  now(): number {
    return this.#now;
  }

  newId(): string {
    this.#ids++;
    return `id-${this.#ids}`;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason as Error);
      };
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { due: this.#now + ms, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /**
   * Moves time on by `ms`, waking sleepers in the order in which they are due, each at its own time. What a sleeper does
   * when it wakes, such as sleeping again, happens before time moves on.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#nextUntil(end); next !== undefined; next = this.#nextUntil(end)) {
      this.#now = Math.max(this.#now, next.due);
      next.wake();
      await macrotask();
    }
    this.#now = end;
  }

  #nextUntil(end: number): Sleeper | undefined {
    let next: Sleeper | undefined;
    for (const sleeper of this.#sleepers) {
      if (sleeper.due <= end && (next === undefined || sleeper.due < next.due)) next = sleeper;
    }
    return next;
  }
}

/** All promises that are ready have run once a task of the event loop has passed. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
