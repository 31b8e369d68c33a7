import type { LashError } from '../../core/error.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import { cancelled } from '../session-errors.ts';

/** What a run does at present, by effect: each under a signal of its own. */
export class RunningEffects {
  readonly #aborts = new Map<string, AbortController>();

  /** Runs `work`. `stopped` says why the turn is being stopped already: then its signal has aborted. */
  async run(
    id: string,
    work: (signal: AbortSignal) => Promise<TurnInputEvent | null>,
    stopped: string | null,
  ): Promise<TurnInputEvent | null> {
    const abort = new AbortController();
    this.#aborts.set(id, abort);
    if (stopped !== null) abort.abort(cancelled(stopped));
    try {
      return await work(abort.signal);
    } finally {
      if (this.#aborts.get(id) === abort) this.#aborts.delete(id);
    }
  }

  /** Tells one of them to stop. */
  stop(id: string, reason: string): void {
    this.#aborts.get(id)?.abort(cancelled(reason));
  }

  /** Tells all of them to stop. */
  stopAll(reason: string): void {
    this.endAll(cancelled(reason));
  }

  /** Aborts all of them with this error: one that is not `Cancelled` says that somebody else goes on with the turn. */
  endAll(error: LashError): void {
    for (const abort of this.#aborts.values()) abort.abort(error);
  }
}
