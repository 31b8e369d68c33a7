/** That a turn is told to stop: it may be told so again. */
export class TurnStops {
  readonly #first = new AbortController();
  #next = new AbortController();

  /** Aborts once the turn is told to stop, also before the machine hears that. */
  get signal(): AbortSignal {
    return this.#first.signal;
  }

  /** Aborts when the turn is told to stop from now on, whether or not it was before. */
  get next(): AbortSignal {
    return this.#next.signal;
  }

  abort(reason: unknown): void {
    const next = this.#next;
    this.#next = new AbortController();
    this.#first.abort(reason);
    next.abort(reason);
  }
}
