import type { LashError } from '../core/error.ts';
import type { SessionEvent } from '../core/event.ts';
import type { SessionView } from '../core/view.ts';
import { SessionFeed } from './session-feed.ts';
import { type MakeCall, sessionClosed } from './session.ts';
import { isWithoutWorker } from './worker-link.ts';

/** The sessions that a page has open, by their number on the connection; and those of a lost worker, by id. */
export class SessionFeeds {
  readonly #open = new Map<number, SessionFeed>();
  readonly #stranded = new Map<string, SessionFeed>();

  /** The open session of this number. */
  get(session: number): SessionFeed | undefined {
    return this.#open.get(session);
  }

  /** Takes a session's fresh view: that of a new one, or of one that was open before the worker was lost. */
  show(session: number, view: SessionView): SessionFeed {
    const feed =
      this.#open.get(session) ?? this.#stranded.get(view.sessionId) ?? new SessionFeed(session, view);
    feed.attach(session, view);
    this.#open.set(session, feed);
    return feed;
  }

  /** Takes an event; returns the session if its view changed. Events of a closed session are dropped. */
  apply(session: number, event: SessionEvent): SessionFeed | undefined {
    const feed = this.#open.get(session);
    return feed?.apply(event) === true ? feed : undefined;
  }

  /** The input of a turn is stored. */
  accepted(session: number, turnId: string): void {
    this.#open.get(session)?.accepted(turnId);
  }

  /** The session is closed; `error` says why if it is not that the page closed it. */
  close(session: number, error: LashError | undefined): void {
    const feed = this.#open.get(session);
    if (feed === undefined) return;
    feed.end(error ?? sessionClosed(feed.sessionId));
    this.#open.delete(session);
  }

  /** There is no worker any more: what is open waits until it is open again, and its calls fail with `error`. */
  strand(error: LashError): void {
    for (const feed of [...this.#open.values(), ...this.#stranded.values()]) {
      feed.end(error);
      this.#stranded.set(feed.sessionId, feed);
    }
    this.#open.clear();
  }

  /**
   * Opens again what is stranded; one that does not open has ended with the reason. The worker counts openings, so each
   * is made again.
   *
   * @throws `WorkerLost`, `WorkerUnresponsive`; what was not opened by then stays stranded.
   */
  async reopen(call: MakeCall): Promise<void> {
    for (const feed of this.#stranded.values()) {
      const { sessionId, reopening, holders } = feed;
      try {
        for (let opened = 0; opened < holders; opened++)
          await call('openSession', { ...reopening, sessionId });
      } catch (error) {
        if (isWithoutWorker(error)) throw error;
        feed.end(error as LashError);
      }
      this.#stranded.delete(sessionId);
    }
  }
}
