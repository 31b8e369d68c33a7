import { LashError } from '../core/error.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { EventSender } from '../protocol/event-channel.ts';
import type { LashRuntime } from '../runtime/runtime.ts';
import type { TurnHandle } from '../runtime/turn/turn-handle.ts';

/** A runtime that a page has open, by its number on the connection. Its view and events go to the page's channel. */
export class OpenSession {
  readonly number: number;
  readonly runtime: LashRuntime;
  /** How often the page has opened it. */
  holders = 1;
  readonly #turns = new Map<string, TurnHandle>();
  readonly #unsubscribe: () => void;

  constructor(number: number, runtime: LashRuntime, channel: EventSender) {
    this.number = number;
    this.runtime = runtime;
    channel.push({ kind: 'view', session: number, view: runtime.view() });
    this.#unsubscribe = runtime.subscribe((event) => channel.push({ kind: 'event', session: number, event }));
  }

  /** Runs a turn to its end. @throws what kept the input from being accepted. */
  async turn(turnId: string, input: TurnInput, request: TurnRequest): Promise<TurnResult> {
    const handle = this.runtime.turn(input, { ...request, inputId: turnId });
    this.#turns.set(turnId, handle);
    try {
      const [, result] = await Promise.all([handle.accepted, handle.result]);
      return result;
    } finally {
      if (this.#turns.get(turnId) === handle) this.#turns.delete(turnId);
    }
  }

  /** Asks a running turn to stop; how it ended is the answer to its own call. */
  async cancel(turnId: string, reason?: string): Promise<void> {
    await this.#turns.get(turnId)?.cancel(reason);
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
