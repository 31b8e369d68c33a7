import type { Clock } from '../contract/clock.ts';

/** How often it looks, in milliseconds. */
const LOOK_MS = 2000;

/** Looks again and again while tasks run elsewhere: nobody tells when a tab dies. */
export class OwnerWatch {
  readonly #clock: Clock;
  readonly #until: AbortSignal;
  readonly #isNeeded: () => boolean;
  readonly #look: () => Promise<void>;
  #isOn = false;

  constructor(clock: Clock, until: AbortSignal, isNeeded: () => boolean, look: () => Promise<void>) {
    this.#clock = clock;
    this.#until = until;
    this.#isNeeded = isNeeded;
    this.#look = look;
  }

  /** Begins, where it is needed and has not. It ends by itself. */
  begin(): void {
    if (this.#isOn || this.#until.aborted || !this.#isNeeded()) return;
    this.#isOn = true;
    this.#watch()
      // The session is closed here.
      .catch(() => undefined)
      .finally(() => (this.#isOn = false));
  }

  async #watch(): Promise<void> {
    while (this.#isNeeded()) {
      await this.#clock.sleep(LOOK_MS, this.#until);
      // What storage does not take now it takes the next time.
      await this.#look().catch(() => undefined);
    }
  }
}
