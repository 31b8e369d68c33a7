import type { Clock } from '../../contract/clock.ts';

/** How long nothing may be heard of a turn before it is asked about, in milliseconds; up to twice that, as it is measured. */
const SILENCE_MS = 1000;
/** How long whoever runs it may take to answer, in milliseconds. */
const ANSWER_MS = 500;

/** What is done about a turn of which nothing is heard. */
export interface FollowedTurnParts {
  readonly clock: Clock;
  /** Asks whoever runs it, or ran it. */
  ask(): void;
  /** Nobody answered. */
  giveUp(): void;
}

/** Watches over the turn of another tab that is shown here: no notice of its end is sure to come (law LE3). */
export class FollowedTurn {
  readonly #parts: FollowedTurnParts;
  #heard = false;
  #watch: AbortController | null = null;

  constructor(parts: FollowedTurnParts) {
    this.#parts = parts;
  }

  /** Something was heard of the turn: the first word or a further one. */
  hear(): void {
    this.#heard = true;
    if (this.#watch === null) this.#begin(SILENCE_MS);
  }

  /** There is reason to think that the turn is over: it is asked about now. */
  doubt(): void {
    if (this.#watch !== null) this.#begin(0);
  }

  /** No turn of another tab is shown any more. */
  end(): void {
    this.#watch?.abort();
    this.#watch = null;
  }

  #begin(silenceMs: number): void {
    this.end();
    const watch = new AbortController();
    this.#watch = watch;
    this.#run(silenceMs, watch.signal).catch((error: unknown) => {
      if (!watch.signal.aborted) throw error;
    });
  }

  async #run(silenceMs: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    for (let ms = silenceMs; ; ms = SILENCE_MS) {
      this.#heard = false;
      await clock.sleep(ms, signal);
      if (this.#heard) continue;
      this.#parts.ask();
      await clock.sleep(ANSWER_MS, signal);
      if (!this.#heard) this.#parts.giveUp();
    }
  }
}
