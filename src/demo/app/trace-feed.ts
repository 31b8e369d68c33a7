import type { RuntimeClient } from 'lash-web';

import { traceRows, traceTurns, type TraceRow, type TraceTurn } from './trace-timeline.ts';

const POLL_MS = 400;
const MAX_ROWS = 1000;

/** The newest part of a session's trace, read in small steps while something happens. */
export class TraceFeed {
  turns: readonly TraceTurn[] = [];
  /** How many older rows are left out here; the download has them. */
  omitted = 0;
  #rows: readonly TraceRow[] = [];
  #sessionId: string | null = null;
  #cursor: string | undefined;
  #reading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #running: () => boolean;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;

  constructor(running: () => boolean, changed: () => void, failed: (error: unknown) => void) {
    this.#running = running;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** Shows another session's trace, from its beginning. */
  show(client: RuntimeClient, sessionId: string | null): void {
    clearTimeout(this.#timer);
    this.#sessionId = sessionId;
    this.#cursor = undefined;
    this.#rows = [];
    this.turns = [];
    this.omitted = 0;
    this.#changed();
    this.follow(client);
  }

  /** Reads what is new, then again and again while a turn runs, and once more after. */
  follow(client: RuntimeClient): void {
    clearTimeout(this.#timer);
    const again = this.#running();
    this.#read(client).then(
      () => {
        if (again) this.#timer = setTimeout(() => this.follow(client), POLL_MS);
      },
      (error: unknown) => this.#failed(error),
    );
  }

  async #read(client: RuntimeClient): Promise<void> {
    if (this.#reading || this.#sessionId === null) return;
    this.#reading = true;
    try {
      for (let done = false; !done;) {
        const sessionId: string | null = this.#sessionId;
        if (sessionId === null) return;
        const cursor = this.#cursor;
        const chunk = await client.readTrace({ sessionId, ...(cursor === undefined ? {} : { cursor }) });
        if (sessionId !== this.#sessionId) continue;
        done = chunk.done;
        this.#cursor = chunk.cursor;
        this.#append(traceRows(chunk.text));
      }
    } finally {
      this.#reading = false;
    }
  }

  #append(rows: readonly TraceRow[]): void {
    if (rows.length === 0) return;
    const all = [...this.#rows, ...rows];
    this.#rows = all.slice(-MAX_ROWS);
    this.omitted += all.length - this.#rows.length;
    this.turns = traceTurns(this.#rows);
    this.#changed();
  }
}
