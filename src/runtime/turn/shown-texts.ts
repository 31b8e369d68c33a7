import type { Clock } from '../../contract/clock.ts';
import type { ShownText, TurnJournal } from './turn-journal.ts';

/** How long shown text is gathered before it is written, in milliseconds, and the pause between two writes (law TU8). */
const PAUSE_MS = 250;

/** Text that is joined while it waits. */
interface Gathered extends ShownText {
  text: string;
}

/**
 * Keeps what a model call has shown so far in the turn's journal, so that whoever goes on after a crash can show it. Each
 * write holds only what came since the last one.
 */
export class ShownTexts {
  readonly #journal: TurnJournal;
  readonly #clock: Clock;
  #gathered: Gathered[] = [];
  #writing: Promise<void> | null = null;
  #waiting = new AbortController();

  constructor(journal: TurnJournal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
  }

  add(shown: ShownText): void {
    const last = this.#gathered.at(-1);
    if (last?.correlationId === shown.correlationId && last.kind === shown.kind) last.text += shown.text;
    else this.#gathered.push({ ...shown });
    this.#writing ??= this.#write();
  }

  /** Forgets what is not written yet, and resolves when nothing is being written. */
  async stop(): Promise<void> {
    this.#gathered = [];
    this.#waiting.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        this.#waiting = new AbortController();
        await this.#clock.sleep(PAUSE_MS, this.#waiting.signal);
        const shown = this.#gathered;
        this.#gathered = [];
        if (shown.length > 0) await this.#journal.add([{ shown }]);
      }
    } catch {
      // Stopped, or storage refused it: what has to be stored is told by the turn's next record or commit.
      this.#gathered = [];
    } finally {
      this.#writing = null;
    }
  }
}
