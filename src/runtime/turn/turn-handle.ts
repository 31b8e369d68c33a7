import { reasonText } from '../../core/error.ts';
import type { SessionEvent, TurnActivity } from '../../core/event.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { Deferred } from '../deferred.ts';
import type { Feed } from '../feed.ts';

/** What a handle needs to know of its turn, wherever that runs. */
export interface TurnSource {
  readonly turnId: string;
  readonly feed: Feed;
  readonly accepted: Promise<void>;
  /** How the turn ended, whoever ran it. */
  readonly result: Promise<TurnResult>;
  cancel(reason: string): Promise<void>;
}

/** A turn, as its caller holds it. Dropping it does not stop the turn. */
export class TurnHandle implements AsyncIterable<TurnActivity> {
  readonly turnId: string;
  /** Resolves once the input is stored; rejects with the reason if it was not accepted. */
  readonly accepted: Promise<void>;
  /**
   * How the turn ended, however it ended; rejects if the input was not accepted, and with `SessionClosed` or `SessionDeleted`
   * where that came before a queued or waiting turn was over, or before storage took the end of one that ran.
   */
  readonly result: Promise<TurnResult>;
  readonly #source: TurnSource;

  constructor(source: TurnSource) {
    this.turnId = source.turnId;
    this.#source = source;
    this.accepted = source.accepted;
    this.result = source.accepted.then(async () => await source.result);
    // `accepted` and the iterator tell of a refusal as well; a caller may look at one of the three only.
    this.accepted.catch(() => undefined);
    this.result.catch(() => undefined);
  }

  /**
   * Asks the turn to stop and resolves with how it ended: `cancelled`, or what it was if it was done first (law TU5).
   * Rejects if the input was not accepted.
   */
  async cancel(reason = 'stopped by the caller'): Promise<TurnResult> {
    try {
      await this.#source.cancel(reason);
    } catch (error) {
      // Of an input that was not accepted that is the reason.
      await this.accepted;
      throw error;
    }
    return await this.result;
  }

  /**
   * The turn's activity from now on, up to and with the terminal event. It ends, and does not throw, if the turn fails;
   * it throws if the input was not accepted.
   */
  [Symbol.asyncIterator](): AsyncIterator<TurnActivity, undefined> {
    const waiting: TurnActivity[] = [];
    let wake = new Deferred<void>();
    let ended: { readonly error?: unknown } | null = null;
    const stop = this.#source.feed.subscribe((event) => {
      if (!isActivityOf(event, this.turnId)) return;
      waiting.push(event);
      wake.resolve();
    });
    const end = (how: { readonly error?: unknown }): void => {
      ended ??= how;
      stop();
      wake.resolve();
    };
    this.result.then(
      () => end({}),
      (error: unknown) => end({ error }),
    );
    return {
      next: async () => {
        for (;;) {
          const value = waiting.shift();
          if (value !== undefined) return { done: false, value };
          if (ended !== null && 'error' in ended) throw ended.error;
          if (ended !== null) return { done: true, value: undefined };
          await wake.promise;
          wake = new Deferred<void>();
        }
      },
      return: async () => {
        waiting.length = 0;
        end({});
        return await Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** Stops the turn when `signal` aborts. */
export function stopWith(signal: AbortSignal, handle: TurnHandle): void {
  const stop = (): void => {
    // Why a turn was refused is told by the handle.
    handle.cancel(reasonText(signal.reason)).catch(() => undefined);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const detach = (): void => signal.removeEventListener('abort', stop);
  handle.result.then(detach, detach);
}

function isActivityOf(event: SessionEvent, turnId: string): event is TurnActivity {
  return 'turnId' in event && event.turnId === turnId;
}
