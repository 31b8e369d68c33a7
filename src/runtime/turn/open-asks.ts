/** The inputs that were asked for, and are neither accepted nor refused yet. */
export class OpenAsks {
  readonly #open = new Map<Promise<void>, string>();
  /** Turns that were told to stop before they ran, with the reason. */
  readonly #stops = new Map<string, string>();

  /** Those of now, each with the id of its turn and when it is over, however. */
  get now(): readonly { readonly turnId: string; readonly over: Promise<void> }[] {
    return [...this.#open].map(([over, turnId]) => ({ turnId, over }));
  }

  /** Counts `asking` as open until it is over. */
  async track(turnId: string, asking: Promise<void>): Promise<void> {
    const over = asking.catch(() => undefined);
    this.#open.set(over, turnId);
    try {
      await asking;
    } finally {
      this.#open.delete(over);
    }
  }

  /** Has a turn stopped that may be about to begin, or on its way into the queue; resolves when it is none of both. */
  async stop(turnId: string, reason: string): Promise<void> {
    this.#stops.set(turnId, reason);
    for (const ask of this.now) if (ask.turnId === turnId) await ask.over;
    this.#stops.delete(turnId);
  }

  /** Why the turn was told to stop, once. */
  takeStop(turnId: string): string | undefined {
    const reason = this.#stops.get(turnId);
    this.#stops.delete(turnId);
    return reason;
  }
}
