/** How long, and until when, a server is waited for. */
export interface ServerWaitLimits {
  /** The host's signal. */
  readonly signal: AbortSignal;
  /** How long the server may be silent; unlimited where it is not given. */
  readonly idleTimeoutMs: number | undefined;
}

/**
 * Waits for what a server sends, one thing at a time, and gives up when the host aborts or when nothing came for too
 * long: neither `fetch` nor a browser ends a connection that stays open and silent.
 */
export class ServerWait {
  readonly #limits: ServerWaitLimits;
  readonly #abort = new AbortController();
  readonly #onHostAbort = (): void => this.#end(this.#limits.signal.reason);
  #giveUp: (reason: unknown) => void = () => undefined;

  constructor(limits: ServerWaitLimits) {
    this.#limits = limits;
    if (limits.signal.aborted) this.#onHostAbort();
    else limits.signal.addEventListener('abort', this.#onHostAbort, { once: true });
  }

  /** For the request: aborted as soon as nobody waits for its answer any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** `coming`, whether or not the server obeys an abort. It rejects with `silence()` when it takes too long. */
  async next<T>(coming: Promise<T>, silence: (idleMs: number) => Error): Promise<T> {
    const { idleTimeoutMs } = this.#limits;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        coming.then(resolve, reject);
        this.#giveUp = reject;
        if (this.signal.aborted) reject(this.signal.reason as Error);
        else if (idleTimeoutMs !== undefined)
          timer = setTimeout(() => this.#end(silence(idleTimeoutMs)), idleTimeoutMs);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Listens to the host no longer. */
  close(): void {
    this.#limits.signal.removeEventListener('abort', this.#onHostAbort);
  }

  /** The waiting one is told first, so that it hears of the silence and not of the abort that follows from it. */
  #end(reason: unknown): void {
    this.#giveUp(reason);
    this.#abort.abort(reason);
  }
}
