import type { ModelEvent } from '../core/model-event.ts';
import { roughSize } from '../core/rough-size.ts';
import type { PageModelEvents } from '../protocol/api.ts';
import type { Outcome } from '../protocol/wire.ts';

/** So many events of a call may wait on the page ... */
const MAX_EVENTS = 256;
/** ... or about so many bytes of them. */
const MAX_BYTES = 65_536;

type Batch = Omit<PageModelEvents, 'call'>;

/**
 * The events of one call on their way to the worker: one batch at a time, and what comes meanwhile leaves with the next
 * one. No timer says when, since those of a page that is hidden stand almost still.
 */
export class ModelBatches {
  readonly #send: (batch: Batch) => Promise<boolean>;
  #waiting: ModelEvent[] = [];
  #bytes = 0;
  #end: Outcome<null> | undefined;
  #isWanted = true;
  #sending: Promise<void> | undefined;

  /** `send` resolves with whether more is wanted, and never rejects. */
  constructor(send: (batch: Batch) => Promise<boolean>) {
    this.#send = send;
  }

  /** Takes an event. Resolves when there is room for another one, with whether more is wanted. */
  async add(event: ModelEvent): Promise<boolean> {
    this.#waiting.push(event);
    this.#bytes += roughSize(event);
    this.#sending ??= this.#drain();
    if (this.#waiting.length >= MAX_EVENTS || this.#bytes >= MAX_BYTES) await this.#sending;
    return this.#isWanted;
  }

  /** Sends the rest, and how the call ended. */
  async end(end: Outcome<null>): Promise<void> {
    this.#end = end;
    await (this.#sending ??= this.#drain());
  }

  async #drain(): Promise<void> {
    let isOver = false;
    while (this.#isWanted && !isOver && (this.#waiting.length > 0 || this.#end !== undefined)) {
      const events = this.#waiting;
      const end = this.#end;
      this.#waiting = [];
      this.#bytes = 0;
      isOver = end !== undefined;
      this.#isWanted = await this.#send(end === undefined ? { events } : { events, end });
    }
    this.#sending = undefined;
  }
}
