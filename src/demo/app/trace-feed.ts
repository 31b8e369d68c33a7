import type { RuntimeClient, SessionView } from 'lash-web';

import { traceRows, traceTurns, type TraceRow, type TraceTurn } from './trace-timeline.ts';

const POLL_MS = 400;
/**
 * Whoever runs a turn stores its records a moment later, and much later where the machine is busy. After this many reads
 * without the last one, each after twice the pause of the one before, it is not coming.
 */
const READS_AFTER_END = 6;
/** The same, of a task that has taken a step. */
const READS_AFTER_STEP = 3;
const MAX_ROWS = 1000;

/**
 * The newest part of a session's trace, read in small steps while a turn runs. Every tab stores its records in the same
 * place, so that a turn of another tab shows too.
 */
export class TraceFeed {
  turns: readonly TraceTurn[] = [];
  /** How many older rows are left out here; the download has them. */
  omitted = 0;
  #turnId: string | null = null;
  #running = false;
  #readsLeft = 0;
  #taskSteps = '';
  #taskReadsLeft = 0;
  #rows: readonly TraceRow[] = [];
  #sessionId: string | null = null;
  #cursor: string | undefined;
  #reading = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #client: () => RuntimeClient;
  readonly #changed: () => void;
  readonly #failed: (error: unknown) => void;

  constructor(client: () => RuntimeClient, changed: () => void, failed: (error: unknown) => void) {
    this.#client = client;
    this.#changed = changed;
    this.#failed = failed;
  }

  /** The turn of which records may still come: the running one, or one that has just ended. */
  get awaited(): string | null {
    return this.#running || this.#readsLeft > 0 ? this.#turnId : null;
  }

  /** Shows the trace of another session from its beginning, or none. */
  show(session: SessionView | null): void {
    this.#sessionId = session?.sessionId ?? null;
    this.#cursor = undefined;
    this.#rows = [];
    this.turns = [];
    this.omitted = 0;
    this.#note(session);
    this.#noteTasks(session);
    this.#changed();
    this.#readOn();
  }

  /** Reads on while a turn runs, in whatever tab, and until its last record is there; and when a task has taken a step. */
  follow(session: SessionView): void {
    const isNews = [this.#note(session), this.#noteTasks(session)];
    if (isNews.includes(true)) this.#readOn();
  }

  /** Remembers which turn runs or was the last one, and says whether that is news. */
  #note(session: SessionView | null): boolean {
    const running = (session?.turn ?? null) !== null;
    const turnId = (session?.turn ?? session?.lastTurn)?.turnId ?? null;
    if (turnId === this.#turnId && running === this.#running) return false;
    this.#turnId = turnId;
    this.#running = running;
    this.#readsLeft = turnId === null ? 0 : READS_AFTER_END;
    return true;
  }

  #noteTasks(session: SessionView | null): boolean {
    const steps = (session?.tasks ?? []).map(({ id, attempt, state }) => `${id} ${attempt} ${state}`).join();
    if (steps === this.#taskSteps) return false;
    this.#taskSteps = steps;
    this.#taskReadsLeft = READS_AFTER_STEP;
    return true;
  }

  #readOn(): void {
    clearTimeout(this.#timer);
    // Whoever reads already goes on by itself.
    if (!this.#reading) this.#read().then(() => this.#wait(), this.#failed);
  }

  #wait(): void {
    if (this.#taskReadsLeft > 0) this.#taskReadsLeft--;
    if (this.awaited !== null) this.#waitForTurn();
    if (this.awaited === null && this.#taskReadsLeft === 0) return;
    const isOften = this.#running || this.#taskReadsLeft > 0;
    const pause = isOften ? POLL_MS : POLL_MS * 2 ** (READS_AFTER_END - 1 - this.#readsLeft);
    this.#timer = setTimeout(() => this.#readOn(), pause);
  }

  #waitForTurn(): void {
    if (this.turns.some(({ turnId, ended }) => ended && turnId === this.#turnId)) this.#readsLeft = 0;
    else if (!this.#running) this.#readsLeft--;
    if (this.awaited === null) this.#changed();
  }

  async #read(): Promise<void> {
    if (this.#sessionId === null) return;
    this.#reading = true;
    try {
      for (let done = false; !done;) {
        const sessionId: string | null = this.#sessionId;
        if (sessionId === null) return;
        const cursor = this.#cursor;
        const request = { sessionId, ...(cursor === undefined ? {} : { cursor }) };
        const chunk = await this.#client().readTrace(request);
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
