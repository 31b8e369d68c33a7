import type { LashError } from '../core/error.ts';
import type { Observed } from '../core/event-log.ts';
import type { SessionEvent, TurnActivity } from '../core/event.ts';
import type { LiveTurn } from '../core/live-turn.ts';
import type { SessionPolicy } from '../core/policy.ts';
import { reduceView, type SessionView } from '../core/view.ts';
import type { OpenedSession, OpenSessionRequest } from '../protocol/api.ts';
import { Listeners } from './listeners.ts';
import { TurnInbox } from './turn-inbox.ts';

/** Tells what happens in a session from behind `cursor` on, until there is no more of it and `isOver` says so. */
export type ObserveFeed = (
  cursor: string | undefined,
  isOver: () => boolean,
) => AsyncGenerator<Observed, void, undefined>;

/**
 * What this page knows of one open session, whoever on it has opened it: its number on the connection, its view, who
 * listens, and which turns are under way.
 */
export class SessionFeed {
  readonly sessionId: string;
  /** The session's number on the connection. */
  session: number;
  /** How often the page has opened the session. */
  holders = 0;
  /** How to open it again after the worker was lost. */
  reopening: OpenSessionRequest = { mode: 'open' };
  policy: SessionPolicy | undefined;
  /** Why the session is not open, or not yet again: its number is that of no session then, or of another one. */
  ended: LashError | undefined;
  /** Set once somebody observes the session. */
  observation: ObserveFeed | undefined;
  /** Is told each event, each fresh view, and that the session, or a handle of it, may be over. */
  told: ((what: SessionEvent | 'view' | 'over') => void) | undefined;
  readonly #listeners = new Listeners<void>();
  readonly #inboxes = new Set<TurnInbox>();
  #view: SessionView;

  constructor(session: number, view: SessionView) {
    this.sessionId = view.sessionId;
    this.session = session;
    this.#view = view;
  }

  /** What a page shows; the same object while nothing changed. */
  get view(): SessionView {
    return this.#view;
  }

  /** Counts one more opening. */
  hold(opened: OpenedSession, request: OpenSessionRequest): void {
    this.holders += 1;
    this.policy = opened.policy;
    const { mode, unfinishedTurns } = request;
    this.reopening =
      mode === 'readOnly'
        ? request
        : { mode: 'open', ...(unfinishedTurns === undefined ? {} : { unfinishedTurns }) };
  }

  /** Calls `listener` at each `notify`. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Where the activity of a turn goes until the returned function is called. */
  expectTurn(turnId: string): { readonly inbox: TurnInbox; readonly end: () => void } {
    const inbox = new TurnInbox(turnId);
    this.#inboxes.add(inbox);
    const end = (): void => {
      inbox.end();
      this.#inboxes.delete(inbox);
    };
    return { inbox, end };
  }

  /** Shows a fresh view; the session has this number from now on. */
  attach(session: number, view: SessionView): void {
    this.session = session;
    this.#view = view;
    this.ended = undefined;
    // Of what streams meanwhile, the view may be all that there is.
    const { turn } = view;
    for (const activity of turn === null ? [] : shownActivity(turn)) this.#deliver(activity);
    this.told?.('view');
  }

  /** The input of this turn is stored. */
  accepted(turnId: string): void {
    this.#toTurn(turnId, (inbox) => inbox.accept());
  }

  /** Takes one event. Whether the view changed; whoever calls it calls `notify` after the batch. */
  apply(event: SessionEvent): boolean {
    if ('turnId' in event) this.#deliver(event);
    const changed = this.show(reduceView(this.#view, event));
    this.told?.(event);
    return changed;
  }

  /** The session is not open any more, or not before it is opened again. */
  end(error: LashError): void {
    this.ended = error;
    this.told?.('over');
  }

  /** Whether `view` is another one than before. */
  show(view: SessionView): boolean {
    const changed = view !== this.#view;
    this.#view = view;
    return changed;
  }

  /** Calls the listeners. */
  notify(): void {
    this.#listeners.tell();
  }

  #deliver(activity: TurnActivity): void {
    this.#toTurn(activity.turnId, (inbox) => inbox.deliver(activity));
  }

  #toTurn(turnId: string, tell: (inbox: TurnInbox) => void): void {
    for (const inbox of this.#inboxes) if (inbox.turnId === turnId) tell(inbox);
  }
}

/** What a model call has streamed so far, in the place of what was told of it. */
function shownActivity({ turnId, correlationId, text, reasoning }: LiveTurn): readonly TurnActivity[] {
  if (correlationId === null) return [];
  const call = { turnId, correlationId };
  return [
    { type: 'attempt-withdrawn', ...call },
    { type: 'reasoning-delta', ...call, text: reasoning },
    { type: 'text-delta', ...call, text },
  ];
}
