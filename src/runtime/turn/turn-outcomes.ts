import type { TurnStore } from '../../contract/turn-store.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { Deferred } from '../deferred.ts';
import { resultOf } from './pending-turns.ts';

/** How turns end that somebody of this runtime waits for, whoever runs them. */
export class TurnOutcomes {
  readonly #turns: TurnStore;
  readonly #awaited = new Map<string, Deferred<TurnResult>>();

  constructor(turns: TurnStore) {
    this.#turns = turns;
  }

  /** Resolves with how a turn ends. */
  of(turnId: string): Promise<TurnResult> {
    let outcome = this.#awaited.get(turnId);
    if (outcome === undefined) this.#awaited.set(turnId, (outcome = new Deferred<TurnResult>()));
    return outcome.promise;
  }

  /** Tells whoever waits. */
  settle(turnId: string, result: TurnResult): void {
    this.#awaited.get(turnId)?.resolve(result);
    this.#awaited.delete(turnId);
  }

  /**
   * Looks what is stored of turns of which nobody told how they ended: those that are waited for, and `shown`. `running` is
   * none of them. Resolves with how `shown` ended, if it did.
   */
  async look(shown: string | null, running: string | null): Promise<TurnResult | null> {
    let ended: TurnResult | null = null;
    for (const turnId of new Set([...this.#awaited.keys(), ...(shown === null ? [] : [shown])])) {
      if (turnId === running) continue;
      const stored = await this.#turns.find(turnId);
      if (stored?.status !== 'ended') continue;
      const result = resultOf(stored);
      if (turnId === shown) ended = result;
      this.settle(turnId, result);
    }
    return ended;
  }
}
