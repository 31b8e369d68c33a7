import type { PendingTurn } from '../../core/pending-turn.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { pendingTurns } from './pending-turns.ts';
import type { TurnOutcomes } from './turn-outcomes.ts';
import type { TurnsHost } from './turns-host.ts';

/** What a page is shown of turns that this runtime does not run: what is queued, and how others ended. */
export class ShownTurns {
  readonly #host: TurnsHost;
  readonly #outcomes: TurnOutcomes;

  constructor(host: TurnsHost, outcomes: TurnOutcomes) {
    this.#host = host;
    this.#outcomes = outcomes;
  }

  /** The turn that is shown as running. */
  get turnId(): string | null {
    return this.#host.view().turn?.turnId ?? null;
  }

  /** What is not over, and why. `running` runs here. */
  async pending(running: string | null): Promise<readonly PendingTurn[]> {
    const stored = await this.#host.parts.turns.pending();
    const held = running !== null || (await this.isHeld());
    return pendingTurns(stored, held);
  }

  /** Tells what is still queued, and how those ended that are over: what a turn read is. */
  async tellTaken(running: string | null): Promise<void> {
    await this.tellQueue(running);
    await this.settle(running);
  }

  /** Tells what is queued, if that is news. */
  async tellQueue(running: string | null): Promise<void> {
    const queue = (await this.pending(running)).filter(({ status }) => status === 'queued');
    if (queue.length === 0 && this.#host.view().queue.length === 0) return;
    this.#host.parts.feed.emit({ type: 'queue-changed', queue });
  }

  /** Tells how turns ended of which nobody told. */
  async settle(running: string | null): Promise<void> {
    const { turnId } = this;
    const result = await this.#outcomes.look(turnId, running);
    if (turnId !== null && result !== null) this.end(turnId, result);
  }

  /** Tells how a turn ended that another runtime ran. */
  end(turnId: string, result: TurnResult): void {
    if (turnId === this.turnId) this.#host.tabs().tell({ type: 'turn-finished', turnId, result });
    else this.#outcomes.settle(turnId, result);
  }

  /** Whether anybody holds the writer's lease, here or in another tab. */
  async isHeld(): Promise<boolean> {
    const { environment, history } = this.#host.parts;
    return await environment.sessionStoreFactory.leases.isHeld(history.sessionId);
  }
}
