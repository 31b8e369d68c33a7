import type { SecretVault } from './secrets.ts';

/** Runs one piece of work after the other. What goes wrong is told without secrets (law SE1). */
export class InOrder {
  readonly #secrets: SecretVault;
  #last: Promise<unknown> = Promise.resolve();

  constructor(secrets: SecretVault) {
    this.#secrets = secrets;
  }

  /** Resolves when all work that was given so far is over, however it ended. */
  get idle(): Promise<unknown> {
    return this.#last;
  }

  /** Runs `work` when its time has come; how it ends is the caller's to hear. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    try {
      return await done;
    } catch (error) {
      throw this.#secrets.redactError(error);
    }
  }
}
