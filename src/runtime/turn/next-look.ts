import type { TurnWait } from '../../core/turn-wait.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { whenBrought } from './brought.ts';

/** How often whoever runs a turn elsewhere is asked, while somebody here waits for one, in milliseconds. */
export const ASK_AGAIN_MS = 2000;

/** When the turns that are stored are looked at again, where nobody says that something came. */
export class NextLook {
  readonly #parts: SessionParts;
  /** Looks at them; with `contests`, also at one that another tab seems to run. */
  readonly #look: (contests: boolean) => void;
  #waiting = new AbortController();
  readonly #closing = new AbortController();
  #insists = false;

  constructor(parts: SessionParts, look: (contests: boolean) => void) {
    this.#parts = parts;
    this.#look = look;
  }

  /** When the time has come, or the network is there. Whatever else is brought, whoever brings it says so. */
  whenBrought(waits: readonly TurnWait[]): void {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    whenBrought(waits, this.#parts, waiting.signal).then(
      () => this.#look(false),
      () => undefined,
    );
  }

  /** Again and again while `isWaitedFor`: whoever runs a turn elsewhere may be frozen (law WS2). */
  whileWaitedFor(isWaitedFor: () => boolean): void {
    if (this.#insists) return;
    this.#insists = true;
    const { signal } = this.#closing;
    const insist = async (): Promise<void> => {
      for (;;) {
        await this.#parts.clock.sleep(ASK_AGAIN_MS, signal);
        if (!isWaitedFor()) return;
        this.#look(true);
      }
    };
    insist()
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      })
      .finally(() => (this.#insists = false));
  }

  /** Nothing is looked at any more. */
  stop(): void {
    this.#waiting.abort();
    this.#closing.abort();
  }
}
