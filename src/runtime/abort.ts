/** What waiting resolves with when the signal was first. */
export const ABORTED: unique symbol = Symbol('aborted');

/**
 * Waits for one piece of work after the other under one signal. All of them share one listener: adding and removing one
 * per piece costs a browser several times what a streamed token costs.
 */
export class AbortGate {
  readonly #signal: AbortSignal;
  #stop: () => void = () => undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * What `work` resolves with, or {@link ABORTED} at once when the signal aborts; how `work` ends after that is dropped.
   * Work that rejects because it was told to stop counts as aborted.
   */
  wait<T>(work: Promise<T>): Promise<T | typeof ABORTED> {
    return new Promise((resolve) => {
      this.#stop = () => resolve(ABORTED);
      if (this.#signal.aborted) this.#stop();
      work.then(resolve, () => resolve(this.#signal.aborted ? ABORTED : work));
    });
  }

  /** Lets go of the signal. */
  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => this.#stop();
}

/** Waits for one piece of work; see {@link AbortGate.wait}. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | typeof ABORTED> {
  const gate = new AbortGate(signal);
  try {
    return await gate.wait(work);
  } finally {
    gate.close();
  }
}
