import type { DatabaseEvent } from '../core/database-event.ts';
import type { WireError } from '../core/error.ts';
import type { SessionEvent } from '../core/event.ts';
import type { JsonValue } from '../core/json.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { SessionView } from '../core/view.ts';

/** What the worker tells a page of its own accord. `session` is the number of an open session on this connection. */
export type ChannelItem =
  /**
   * The session as it is now; the events behind it go on from there. It comes first, and again in the place of events that
   * were too many for the page (law WB5).
   */
  | { readonly kind: 'view'; readonly session: number; readonly view: SessionView }
  | { readonly kind: 'event'; readonly session: number; readonly event: SessionEvent }
  /** The input of this turn is stored, whenever its turn is (law TU1). */
  | { readonly kind: 'turn-accepted'; readonly session: number; readonly turnId: string }
  /** The session is closed and its number means nothing any more; `error` says why if the page did not ask for it. */
  | { readonly kind: 'closed'; readonly session: number; readonly error?: WireError }
  /** Run a tool of the page's; `answerTool` brings what came of it. */
  | { readonly kind: 'tool-call'; readonly call: number; readonly request: PageToolRequest }
  /** Nobody waits for that call any more. */
  | { readonly kind: 'tool-cancelled'; readonly call: number; readonly reason: string }
  /** Call a model of the page's; `modelEvents` brings what it says. */
  | {
      readonly kind: 'model-call';
      readonly call: number;
      readonly provider: string;
      readonly request: ModelRequest;
    }
  | { readonly kind: 'model-cancelled'; readonly call: number; readonly reason: string }
  /** Something happened to the database of the sessions (laws ST16, ST18). */
  | { readonly kind: 'database'; readonly event: DatabaseEvent }
  /** Something in the worker threw where nobody caught it. */
  | { readonly kind: 'warning'; readonly error: WireError };

/** One call of a tool that the page offered. `args` fits the tool's schema. */
export interface PageToolRequest {
  /** The number of the page's offer that the tool is of. */
  readonly offer: number;
  readonly tool: string;
  readonly args: JsonValue;
  readonly sessionId: string;
  readonly turnId: string;
  readonly callId: string;
}

/** A piece of what a model is writing. */
export type Delta = Extract<SessionEvent, { readonly type: 'text-delta' | 'reasoning-delta' }>;

/** Whether `event` is a delta: the only kind of event that may be joined with another one (law WB5). */
export function isDelta(event: SessionEvent): event is Delta {
  return event.type === 'text-delta' || event.type === 'reasoning-delta';
}

/** Whether `later` goes on where `earlier` stopped: they are of one kind and one model call. */
export function continues(earlier: Delta, later: Delta): boolean {
  return (
    earlier.type === later.type &&
    earlier.correlationId === later.correlationId &&
    earlier.turnId === later.turnId
  );
}
