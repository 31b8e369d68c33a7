import type { Clock } from '../../contract/clock.ts';
import type { SessionNotice } from '../../contract/lease.ts';
import type { TurnActivity } from '../../core/event.ts';
import type { LiveTurn } from '../../core/live-turn.ts';

/** How long activity is gathered before it is published, in milliseconds: 20 notices a second at most. */
const GATHER_MS = 50;

/**
 * Publishes what this runtime's turns show. That a turn begins and ends is always told; the rest only once somebody
 * follows the turn, who is shown all of it so far first.
 */
export class ActivityRelay {
  readonly #clock: Clock;
  readonly #publish: (notice: SessionNotice) => void;
  #gathered: TurnActivity[] = [];
  #followed = false;
  #waiting = new AbortController();

  constructor(clock: Clock, publish: (notice: SessionNotice) => void) {
    this.#clock = clock;
    this.#publish = publish;
  }

  /** Somebody follows the running turn. */
  show(turn: LiveTurn): void {
    this.#followed = true;
    this.#gathered = [];
    this.#publish({ kind: 'turn', turn });
  }

  add(activity: TurnActivity): void {
    const began = activity.type === 'turn-started';
    const ended = activity.type === 'turn-finished';
    if (began) this.#followed = false;
    if (!began && !ended && !this.#followed) return;
    if (this.#gathered.length === 0 && !began && !ended) this.#flushLater();
    gather(this.#gathered, activity);
    if (began || ended) this.flush();
  }

  /** Publishes what was gathered. */
  flush(): void {
    this.#waiting.abort();
    if (this.#gathered.length === 0) return;
    const activity = this.#gathered;
    this.#gathered = [];
    this.#publish({ kind: 'activity', activity });
  }

  #flushLater(): void {
    this.#waiting = new AbortController();
    const { signal } = this.#waiting;
    this.#clock
      .sleep(GATHER_MS, signal)
      .then(() => this.flush())
      .catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
  }
}

/** Neighbouring deltas of one model call become one. */
function gather(gathered: TurnActivity[], activity: TurnActivity): void {
  const last = gathered.at(-1);
  if (
    last !== undefined &&
    (last.type === 'text-delta' || last.type === 'reasoning-delta') &&
    last.type === activity.type &&
    last.correlationId === activity.correlationId
  ) {
    gathered[gathered.length - 1] = { ...last, text: last.text + activity.text };
  } else gathered.push(activity);
}
