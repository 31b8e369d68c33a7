import { adviceFor, type Advice } from './error-advice.ts';

/** The one error that is shown at a time, and the owner of promises that nobody waits for. */
export class Notices {
  current: Advice | null = null;
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Shows what `task` rejects with, if it does. */
  readonly run = (task: Promise<unknown>): void => {
    task.catch((error: unknown) => this.show(error));
  };

  /** Shows `error` in plain words. */
  readonly show = (error: unknown): void => {
    this.current = adviceFor(error);
    this.#changed();
  };

  dismiss(): void {
    if (this.current === null) return;
    this.current = null;
    this.#changed();
  }
}
