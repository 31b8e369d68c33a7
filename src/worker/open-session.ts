import { LashError } from '../core/error.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import type { LashRuntime } from '../runtime/runtime.ts';

/** A runtime that a page has open, by its number on the connection. Its view and events go to the page's channel. */
export class OpenSession {
  readonly number: number;
  readonly runtime: LashRuntime;
  /** How often the page has opened it. */
  holders = 1;
  readonly #channel: EventSender;
  readonly #unsubscribe: () => void;

  constructor(number: number, runtime: LashRuntime, channel: EventSender) {
    this.number = number;
    this.runtime = runtime;
    this.#channel = channel;
    channel.show(number, () => runtime.view());
    this.#unsubscribe = runtime.subscribe((event) => channel.push({ kind: 'event', session: number, event }));
  }

  /** Follows a turn to its end, and says when its input is stored. @throws what kept the input from being accepted. */
  async turn(turnId: string, input: TurnInput, request: TurnRequest): Promise<TurnResult> {
    const { accepted, result } = this.runtime.turn(input, { ...request, inputId: turnId });
    await accepted;
    this.#channel.push({ kind: 'turn-accepted', session: this.number, turnId });
    return await result;
  }

  /** Closes the runtime; the page hears no more of it. */
  async close(): Promise<void> {
    try {
      await this.runtime.close();
    } finally {
      this.#unsubscribe();
    }
  }
}

/** The error of a call that names a session which is not open. */
export function sessionClosed(sessionId: string): LashError {
  return new LashError('SessionClosed', `The session ${sessionId} is not open`, { sessionId });
}
