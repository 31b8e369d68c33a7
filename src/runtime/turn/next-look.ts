import type { Clock } from '../../contract/clock.ts';

/** How often whoever runs a turn elsewhere is asked, while somebody here waits for one, in milliseconds. */
export const ASK_AGAIN_MS = 2000;

/** When the turns that are stored are looked at again, where nobody says that something came. */
export class NextLook {
  readonly #clock: Clock;
  /** Looks at them; with `contests`, also at one that another tab seems to run. */
  readonly #look: (contests: boolean) => void;
  #waiting = new AbortController();
  readonly #closing = new AbortController();
  #insists = false;

  constructor(clock: Clock, look: (contests: boolean) => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** Once `coming` resolves, in place of what was waited for before; its signal aborts when that is not waited for any more. */
  when(coming: (signal: AbortSignal) => Promise<void>): void {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    coming(waiting.signal).then(
      () => this.#look(false),
      () => undefined,
    );
  }

  /** Again and again while `isWaitedFor`: whoever runs a turn elsewhere may be frozen (law WS2). */
  whileWaitedFor(isWaitedFor: () => boolean): void {
    if (this.#insists) return;
    this.#insists = true;
    const { signal } = this.#closing;
    const insist = async (): Promise<void> => {
      for (;;) {
        await this.#clock.sleep(ASK_AGAIN_MS, signal);
        if (!isWaitedFor()) return;
        this.#look(true);
      }
    };
    insist()
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      })
      .finally(() => (this.#insists = false));
  }

  /** Nothing is looked at any more. */
  stop(): void {
    this.#waiting.abort();
    this.#closing.abort();
  }
}
