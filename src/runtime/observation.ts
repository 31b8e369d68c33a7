import { EventLog, type LogBounds, type Observed, Observer } from '../core/event-log.ts';
import type { SessionView } from '../core/view.ts';
import { Deferred } from './deferred.ts';
import type { Feed } from './feed.ts';

/** What is observed. */
export interface ObservedSession {
  /** Tells this opening of the session from others. */
  readonly incarnation: string;
  readonly feed: Feed;
  view(): SessionView;
}

/** Tells a session's observers what happens, from when the first one came. None of them slows the session. */
export class SessionObservation {
  readonly #session: ObservedSession;
  readonly #log: EventLog;
  #next = new Deferred<void>();
  #ended = false;

  constructor(session: ObservedSession, bounds?: LogBounds) {
    this.#session = session;
    this.#log = new EventLog(session.incarnation, bounds);
    session.feed.subscribe((event) => {
      this.#log.append(event);
      if (event.type === 'session-deleted') this.#ended = true;
      this.#wake();
    });
  }

  /** The session is closed: observers are told what they have not heard yet, and then that it is over. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** @throws `InvalidInput` for what is not a cursor */
  async *observe(cursor?: string): AsyncGenerator<Observed, void, undefined> {
    const observer = new Observer(() => this.#log, cursor);
    for (;;) {
      const observed = observer.take(() => this.#session.view());
      if (observed !== null) yield observed;
      else if (this.#ended) return;
      else await this.#next.promise;
    }
  }

  #wake(): void {
    this.#next.resolve();
    this.#next = new Deferred<void>();
  }
}
