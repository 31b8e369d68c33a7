import type { TurnStore } from '../../contract/turn-store.ts';
import type { TurnRun } from './turn-run.ts';

/** The turn of a session that runs in this runtime, or is about to. */
export class RunningTurn {
  #begun: { readonly turnId: string; readonly run: TurnRun } | null = null;
  #starting: string | null = null;
  #hasRun = false;

  /** The turn that runs, or is being begun. */
  get turnId(): string | null {
    return this.#begun?.turnId ?? this.#starting;
  }

  /** What runs it; `null` while there is none, or it is only being begun. */
  get run(): TurnRun | null {
    return this.#begun?.run ?? null;
  }

  /** Whether a turn of the session ran in this runtime. */
  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** What runs this turn. */
  of(turnId: string): TurnRun | null {
    return this.#begun?.turnId === turnId ? this.#begun.run : null;
  }

  /** The turn is being begun. */
  claim(turnId: string): void {
    this.#starting = turnId;
  }

  /** It is not any more. */
  unclaim(turnId: string): void {
    if (this.#starting === turnId) this.#starting = null;
  }

  begin(turnId: string, run: TurnRun): void {
    this.#begun = { turnId, run };
    this.#hasRun = true;
    this.#starting = null;
  }

  end(): void {
    this.#begun = null;
  }

  /** Tells the run what is stored for its turn. */
  async hear(turns: TurnStore): Promise<void> {
    const begun = this.#begun;
    if (begun === null) return;
    const signals = await turns.signals(begun.turnId);
    begun.run.hear(new Map(signals.map(({ signalId, value }) => [signalId, value])));
  }
}
