import { adviceFor, type Advice } from './error-advice.ts';

/** A way out of what went wrong. */
export interface Offer {
  readonly label: string;
  readonly testId: string;
  readonly accept: () => Promise<unknown>;
}

/** The one error that is shown at a time, and the owner of promises that nobody waits for. */
export class Notices {
  current: Advice | null = null;
  /** What can be done about it, besides what the advice says. */
  offers: readonly Offer[] = [];
  readonly #changed: () => void;
  readonly #makeWay: () => void;

  constructor(changed: () => void, makeWay: () => void) {
    this.#changed = changed;
    this.#makeWay = makeWay;
  }

  /** Shows what `task` rejects with, if it does. */
  readonly run = (task: Promise<unknown>): void => {
    task.catch((error: unknown) => this.show(error));
  };

  /** Shows `error` in plain words. */
  readonly show = (error: unknown): void => this.offer(error, []);

  /** Shows `error` in plain words, with ways out of it. */
  offer(error: unknown, offers: readonly Offer[]): void {
    this.current = adviceFor(error);
    this.offers = offers;
    this.#makeWay();
    this.#changed();
  }

  dismiss(): void {
    if (this.current === null) return;
    this.current = null;
    this.#changed();
  }
}
