import type { Clock } from '../../contract/clock.ts';
import type { SessionEvent, TurnActivity } from '../../core/event.ts';
import type { LiveTurn } from '../../core/live-turn.ts';
import { FollowedTurn } from './followed-turn.ts';

/** What a turn that runs elsewhere is shown with. */
export interface TurnElsewhereParts {
  readonly clock: Clock;
  /** The turn that is shown here, wherever it runs. */
  shown(): LiveTurn | null;
  /** Whether this turn runs here, or is about to. */
  runsHere(turnId: string): boolean;
  /** Whether the lease is here. */
  writesHere(): boolean;
  /** Shows what happened in it. */
  tell(event: SessionEvent): void;
  /** Asks whoever runs it to show it. */
  ask(): void;
  /** Shows what is stored by now. */
  readStored(): Promise<void>;
  /** Nobody answers for it. */
  giveUp(): void;
}

/** Shows the turn of another tab as it runs (FO2). It is loaded with the first notice of one: a session in one tab has none. */
export class TurnElsewhere {
  readonly #parts: TurnElsewhereParts;
  readonly #followed: FollowedTurn;
  /** The last turn that was heard to end: what is still heard of it comes late. */
  #heardEnd: string | null = null;

  constructor(parts: TurnElsewhereParts) {
    this.#parts = parts;
    this.#followed = new FollowedTurn(parts);
  }

  /** Shows what it shows so far. */
  async join(turn: LiveTurn): Promise<void> {
    if (!this.#believes(turn.turnId) || turn.turnId === this.#heardEnd) return;
    await this.#forsakeBefore(turn.turnId);
    this.#followed.hear();
    const same = JSON.stringify(turn) === JSON.stringify(this.#parts.shown());
    if (!same) this.#parts.tell({ type: 'turn-joined', turn });
  }

  /** Shows what happens in it. */
  async follow(activity: readonly TurnActivity[]): Promise<void> {
    let unseen = false;
    for (const event of activity) {
      const { type, turnId } = event;
      if (!this.#believes(turnId)) continue;
      const began = type === 'turn-started';
      if (began) await this.#forsakeBefore(turnId);
      const shown = began || this.#parts.shown()?.turnId === turnId;
      if (shown) {
        this.#followed.hear();
        this.#parts.tell(event);
      }
      // A turn that was refused may begin again under its name.
      if (began) this.#heardEnd = null;
      if (type === 'turn-finished') this.#heardEnd = turnId;
      unseen ||= began || (!shown && turnId !== this.#heardEnd);
    }
    if (unseen) this.#parts.ask();
  }

  /** No turn of another tab is shown any more. */
  end(): void {
    this.#followed.end();
  }

  /** Whether what is heard of this turn counts (FO3). One of the same name that is about to run here is another one. */
  #believes(turnId: string): boolean {
    return !this.#parts.writesHere() && !this.#parts.runsHere(turnId);
  }

  /** Another turn shows: one that is shown and ran elsewhere is over. */
  async #forsakeBefore(turnId: string): Promise<void> {
    const shown = this.#parts.shown()?.turnId ?? turnId;
    if (shown === turnId || this.#parts.runsHere(shown)) return;
    await this.#parts.readStored();
  }
}
