import type { TurnActivity } from '../core/event.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { TurnInbox } from './turn-inbox.ts';

/**
 * A turn that was asked for from this page. Iterate it once to see what happens, from when it was asked for, however late
 * one starts to iterate; deltas that wait are joined. It ends after the terminal event and does not throw for a turn that
 * failed. It throws, as `accepted` and `result` reject, if the input was not accepted, with `WorkerLost`, and with `SessionClosed`
 * or `SessionDeleted` where that came before the turn was over; a caller who looks at none of the three does not hear of that. Where the page was too slow for what streams, the call is withdrawn and
 * told anew, and tools that began and ended meanwhile are not told (law WB5). Dropping it does not stop the turn: asked for again with its id as
 * `inputId` and the same input, also after a reload, it is the same turn.
 */
export class ClientTurn implements AsyncIterable<TurnActivity> {
  readonly turnId: string;
  /** Resolves once the input is stored, be it in the queue. */
  readonly accepted: Promise<void>;
  /** Resolves with how the turn ended, once its input was accepted. */
  readonly result: Promise<TurnResult>;
  readonly #inbox: TurnInbox;
  readonly #cancel: (reason: string | undefined) => void;

  /** Made by `SessionClient.turn`. */
  constructor(inbox: TurnInbox, result: Promise<TurnResult>, cancel: (reason: string | undefined) => void) {
    this.turnId = inbox.turnId;
    this.result = result;
    this.#inbox = inbox;
    this.#cancel = cancel;
    this.accepted = Promise.race([inbox.accepted, result.then(() => undefined)]);
    // A caller may look at one of the three only.
    this.accepted.catch(() => undefined);
  }

  /** Asks the turn to stop, by its id (law WB6). It may be done first: the result says how it ended. */
  cancel(reason?: string): Promise<TurnResult> {
    this.#cancel(reason);
    return this.result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnActivity, void, undefined> {
    for (;;) {
      const activity = await this.#inbox.take();
      if (activity !== undefined) yield activity;
      // Of a turn that was over before, the result is all that there is.
      else yield { type: 'turn-finished', turnId: this.turnId, result: await this.result };
      if (activity === undefined || activity.type === 'turn-finished') return;
    }
  }
}
