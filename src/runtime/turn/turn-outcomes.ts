import type { TurnStore } from '../../contract/turn-store.ts';
import type { LashError } from '../../core/error.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { Deferred } from '../deferred.ts';
import { resultOf } from './pending-turns.ts';

/** How turns end that somebody of this runtime waits for, whoever runs them. */
export class TurnOutcomes {
  readonly #turns: TurnStore;
  readonly #awaited = new Map<string, { readonly ended: Deferred<TurnResult>; holders: number }>();

  constructor(turns: TurnStore) {
    this.#turns = turns;
  }

  /** Resolves with how a turn ends, or rejects once that is not heard of any more; `forget` says that its input was not accepted. */
  of(turnId: string): { readonly ended: Promise<TurnResult>; readonly forget: () => void } {
    let awaited = this.#awaited.get(turnId);
    if (awaited === undefined) {
      this.#awaited.set(turnId, (awaited = { ended: new Deferred(), holders: 0 }));
      // Whoever is not told that the input was accepted does not look at this.
      awaited.ended.promise.catch(() => undefined);
    }
    const { ended } = awaited;
    awaited.holders++;
    const forget = (): void => {
      const entry = this.#awaited.get(turnId);
      if (entry?.ended === ended && --entry.holders === 0) this.#awaited.delete(turnId);
    };
    return { ended: ended.promise, forget };
  }

  /** Whether somebody waits for a turn. */
  get isAnyAwaited(): boolean {
    return this.#awaited.size > 0;
  }

  /** Tells whoever waits. */
  settle(turnId: string, result: TurnResult): void {
    this.#awaited.get(turnId)?.ended.resolve(result);
    this.#awaited.delete(turnId);
  }

  /** Nothing will be heard of any turn any more. */
  end(error: LashError): void {
    for (const { ended } of this.#awaited.values()) ended.reject(error);
    this.#awaited.clear();
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
