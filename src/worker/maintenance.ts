import { type Clock, systemClock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import type { SessionStore } from '../contract/store.ts';
import type { HousekeepingReport } from '../core/maintenance.ts';
import type { KeepRule } from '../protocol/api.ts';
import type { SessionTable } from './session-table.ts';

/** When a worker keeps house by itself, and what it leaves alone. */
export interface HousekeepingOptions {
  readonly everyMs: number;
  readonly keep?: KeepRule;
}

/** Maintenance of one environment's sessions, whether they are open here or not. */
export class Maintenance {
  readonly #environment: RuntimeEnvironment;
  readonly #sessions: SessionTable;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;

  /** `signal` ends the schedule, and a run between two of its transactions. */
  constructor(
    environment: RuntimeEnvironment,
    sessions: SessionTable,
    signal: AbortSignal,
    clock: Clock = systemClock,
  ) {
    this.#environment = environment;
    this.#sessions = sessions;
    this.#signal = signal;
    this.#clock = clock;
  }

  /** Runs `work` on a session's store; if the session is open here, in order with what it writes. */
  async onStore<T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> {
    const open = this.#sessions.find(sessionId);
    if (open !== undefined) return await open.runtime.maintain(work);
    const { sessionStoreFactory } = this.#environment;
    const store = await sessionStoreFactory.open(sessionId, { kind: 'open' });
    try {
      return await work(store);
    } finally {
      sessionStoreFactory.leases.publish(sessionId, { kind: 'changed' });
      await store.close();
    }
  }

  /** One run of housekeeping. @throws `ModuleLoadFailed`; what else goes wrong is in the report */
  async runHousekeeping(keep?: KeepRule): Promise<HousekeepingReport> {
    const { runHousekeeping, DEFAULT_KEEP } = await loadModule('housekeeping', import('./housekeeping.ts'));
    const scope = {
      environment: this.#environment,
      clock: this.#clock,
      signal: this.#signal,
      onStore: <T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> =>
        this.onStore(sessionId, work),
    };
    return await runHousekeeping(scope, keep ?? DEFAULT_KEEP);
  }

  /** Keeps house every so often; `onError` hears of runs that failed. */
  async schedule({ everyMs, keep }: HousekeepingOptions, onError: (error: unknown) => void): Promise<void> {
    const signal = this.#signal;
    while (!signal.aborted) {
      try {
        await this.#clock.sleep(everyMs, signal);
        const { error } = await this.runHousekeeping(keep);
        if (error !== undefined) onError(error);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
    }
  }
}
