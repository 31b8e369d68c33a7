import { isLashError } from '../../core/error.ts';

/** Goes on with the turns of a session, one after the other, whoever asks for it. */
export class GoingOn {
  readonly #trouble: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();
  /** What was found is about to run. */
  #starting: Promise<unknown> | null = null;

  /** `trouble` is told what went wrong: nobody waits for it. */
  constructor(trouble: (error: unknown) => void) {
    this.#trouble = trouble;
  }

  /** Resolves when everything is over that was given so far. */
  get idle(): Promise<void> {
    return this.#last;
  }

  /** Runs `work` when its time has come. */
  next(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch(this.#trouble);
  }

  /** Counts `work` as being about to run until it is over. */
  async start<T>(work: Promise<T>): Promise<T> {
    this.#starting = work;
    try {
      return await work;
    } finally {
      this.#starting = null;
    }
  }

  /** Begins `work` when nothing is about to run, within the task in which that is seen. @throws `StorageBlocked` if that met it */
  async settled<T>(work: () => Promise<T>): Promise<T> {
    while (this.#starting !== null) await this.#starting.catch(throwBlocked);
    return await work();
  }
}

/** What else was met is told where it was begun. */
function throwBlocked(error: unknown): void {
  if (isLashError(error, 'StorageBlocked')) throw error;
}
