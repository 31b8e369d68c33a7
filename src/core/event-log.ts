import { LashError } from './error.ts';
import type { SessionEvent } from './event.ts';
import { roughSize } from './rough-size.ts';
import type { SessionView } from './view.ts';

/** How many events a log keeps for whoever comes late or again, and how many bytes of them, more or less. */
export interface LogBounds {
  readonly events: number;
  readonly bytes: number;
}

/** What a session's log keeps. */
export const LOG_BOUNDS: LogBounds = { events: 2048, bytes: 256 * 1024 };

/**
 * Why an observer cannot be told all that it missed: the log does not go back that far (`trimmed`), or it knows nothing of
 * the place, since the session was opened anew or the cursor is ahead of it (`unavailable`).
 */
export type ObservationGap = 'trimmed' | 'unavailable';

/** What an observer of a session is told. `cursor` stands behind it: whoever comes again with it is told what follows. */
export type Observed =
  /** The session as it is now. It comes first where there is no cursor, and with `gap` wherever something is missing. */
  | {
      readonly type: 'view';
      readonly cursor: string;
      readonly view: SessionView;
      readonly gap: ObservationGap | null;
    }
  /** What happened next; numbers are counted from 1 for as long as the session is open. */
  | {
      readonly type: 'event';
      readonly cursor: string;
      readonly number: number;
      readonly event: SessionEvent;
    };

/** The newest events of a session that is open, numbered. `incarnation` tells one opening from another. */
export class EventLog {
  readonly #incarnation: string;
  readonly #bounds: LogBounds;
  readonly #entries: { readonly event: SessionEvent; readonly bytes: number }[] = [];
  #bytes = 0;
  #last = 0;

  constructor(incarnation: string, bounds: LogBounds = LOG_BOUNDS) {
    this.#incarnation = incarnation;
    this.#bounds = bounds;
  }

  /** The number of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** Adds an event, and lets go of the oldest ones where there are too many. */
  append(event: SessionEvent): void {
    const bytes = roughSize(event);
    this.#entries.push({ event, bytes });
    this.#bytes += bytes;
    this.#last += 1;
    while (this.#entries.length > this.#bounds.events || this.#bytes > this.#bounds.bytes) {
      this.#bytes -= this.#entries.shift()?.bytes ?? this.#bytes;
    }
  }

  /** The event behind this number: `null` if there is none yet, `undefined` if it was let go of. */
  after(number: number): SessionEvent | null | undefined {
    if (number === this.#last) return null;
    return this.#entries[number - (this.#last - this.#entries.length)]?.event;
  }

  /** The cursor that stands behind the event of this number. */
  cursor(number: number): string {
    return `${this.#incarnation}.${number}`;
  }

  /** The number that a cursor stands behind, or `null` if that is of another log, or ahead. @throws `InvalidInput` */
  place(cursor: string): number | null {
    const [, incarnation, digits] = /^([\w-]+)\.(0|[1-9]\d{0,14})$/.exec(cursor) ?? [];
    if (incarnation === undefined) {
      const reason = 'is not a cursor of an observation';
      throw new LashError('InvalidInput', `The cursor ${reason}`, { path: 'cursor', reason });
    }
    const number = Number(digits);
    return incarnation === this.#incarnation && number <= this.#last ? number : null;
  }
}

/** One observer of a session. It is told everything once and in order, or that something is missing. */
export class Observer {
  readonly #current: () => EventLog;
  #log: EventLog;
  #place = 0;
  /** Set while the view is to be told next, to the gap that it closes. */
  #gap: ObservationGap | null | undefined;

  /** `current` is the session's log; where it is another one, the session was opened anew. @throws `InvalidInput` */
  constructor(current: () => EventLog, cursor?: string) {
    this.#current = current;
    this.#log = current();
    const place = cursor === undefined ? null : this.#log.place(cursor);
    if (place === null) this.#gap = cursor === undefined ? null : 'unavailable';
    else this.#place = place;
  }

  /** What comes next; `null` if nothing does yet. */
  take(view: () => SessionView): Observed | null {
    const log = this.#current();
    if (log !== this.#log) this.#gap = 'unavailable';
    this.#log = log;
    if (this.#gap === undefined) {
      const event = log.after(this.#place);
      if (event === null) return null;
      if (event !== undefined) {
        this.#place += 1;
        return { type: 'event', cursor: log.cursor(this.#place), number: this.#place, event };
      }
      this.#gap = 'trimmed';
    }
    const gap = this.#gap;
    this.#gap = undefined;
    this.#place = log.last;
    return { type: 'view', cursor: log.cursor(log.last), view: view(), gap };
  }
}
