import type { TurnActivity } from '../core/event.ts';
import { continues, isDelta } from '../protocol/channel-item.ts';

/** The activity of one turn that nobody has taken yet. Deltas that wait are joined, so it is no longer than the turn. */
export class TurnInbox {
  readonly turnId: string;
  /** Resolves with `accept`. */
  readonly accepted: Promise<void>;
  /** Called once the input is stored. */
  accept: () => void = () => undefined;
  readonly #waiting: TurnActivity[] = [];
  #wake: () => void = () => undefined;
  #ended = false;

  constructor(turnId: string) {
    this.turnId = turnId;
    this.accepted = new Promise((resolve) => (this.accept = resolve));
  }

  /** Puts an activity in. */
  deliver(activity: TurnActivity): void {
    const last = this.#waiting.at(-1);
    if (last !== undefined && isDelta(last) && isDelta(activity) && continues(last, activity)) {
      this.#waiting[this.#waiting.length - 1] = { ...last, text: last.text + activity.text };
    } else this.#waiting.push(activity);
    this.#wake();
  }

  /** Nothing will be put in any more. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Takes the oldest activity, waiting for it if need be; `undefined` when there will be none. */
  async take(): Promise<TurnActivity | undefined> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#waiting.shift();
  }
}
