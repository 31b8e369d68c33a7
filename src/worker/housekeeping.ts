import type { Clock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { SessionStore } from '../contract/store.ts';
import { isLashError, toWireError, type WireError } from '../core/error.ts';
import type {
  HousekeepingReport,
  MaintenanceStatus,
  SessionHousekeeping,
  SweepReport,
} from '../core/maintenance.ts';
import type { KeepRule } from '../protocol/api.ts';

/** Every branch that was written to within 30 days stays (law ST10). */
export const DEFAULT_KEEP: KeepRule = { youngerThanMs: 30 * 24 * 60 * 60 * 1000 };

/** The id under which housekeeping holds a lease: no session has the empty one. */
const HOUSEKEEPING = '';

const PAGE = 500;

/** What housekeeping works on. `onStore` runs work on a session's store, in order with what the session itself writes. */
export interface HousekeepingScope {
  readonly environment: RuntimeEnvironment;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onStore<T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T>;
}

/**
 * One run over all sessions: tombstones orphans that `keep` does not protect, vacuums, and sweeps components and
 * attachments (law ST10). One tab at a time. What it leaves, or what goes wrong in one session, does not keep it from
 * the others.
 */
export async function runHousekeeping(scope: HousekeepingScope, keep: KeepRule): Promise<HousekeepingReport> {
  const lease = await scope.environment.sessionStoreFactory.leases.acquire(HOUSEKEEPING);
  if (lease === null) return { status: 'Refused', sessions: [], attachments: null };
  const run = new HousekeepingRun(scope, keep);
  try {
    return await run.report();
  } finally {
    await lease.release();
  }
}

class HousekeepingRun {
  readonly #scope: HousekeepingScope;
  readonly #writtenBefore: number;
  readonly #sessions: SessionHousekeeping[] = [];
  #status: MaintenanceStatus = 'NothingToDo';
  #attachments: SweepReport | null = null;
  /** The first one. */
  #error: WireError | undefined;

  constructor(scope: HousekeepingScope, keep: KeepRule) {
    this.#scope = scope;
    this.#writtenBefore = Math.max(0, scope.clock.now() - keep.youngerThanMs);
  }

  async report(): Promise<HousekeepingReport> {
    try {
      for (const sessionId of await this.#sessionIds()) {
        if (this.#scope.signal.aborted) break;
        await this.#keep(sessionId).catch((error: unknown) => this.#fail(error));
      }
      if (this.#scope.signal.aborted) this.#note('Incomplete');
    } catch (error) {
      this.#fail(error);
    }
    const error = this.#error;
    const report = { status: this.#status, sessions: this.#sessions, attachments: this.#attachments };
    return error === undefined ? report : { ...report, error };
  }

  async #sessionIds(): Promise<readonly string[]> {
    const { sessionStoreFactory } = this.#scope.environment;
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await sessionStoreFactory.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
      ids.push(...page.items.map(({ sessionId }) => sessionId));
      after = page.next ?? undefined;
    } while (after !== undefined);
    return ids;
  }

  async #keep(sessionId: string): Promise<void> {
    const { signal } = this.#scope;
    try {
      await this.#scope.onStore(sessionId, async (store) => {
        const tombstoned = await this.#tombstone(store);
        const vacuum = await store.vacuum({ signal });
        const { components } = await store.gcUnreachable({ only: 'components', signal });
        // The attachments are the whole database's: one sweep, from whichever session is kept first.
        if (this.#attachments === null) {
          this.#attachments = (await store.gcUnreachable({ only: 'attachments', signal })).attachments;
          this.#note(this.#attachments.status);
        }
        this.#note(tombstoned > 0 ? 'Swept' : 'NothingToDo');
        for (const { status } of [vacuum, components]) this.#note(status);
        if (tombstoned > 0 || vacuum.status !== 'NothingToDo') {
          this.#sessions.push({ sessionId, tombstoned, vacuum });
        }
      });
    } catch (error) {
      if (!isLashError(error, 'SessionDeleted') && !isLashError(error, 'SessionNotFound')) throw error;
    }
  }

  #fail(error: unknown): void {
    this.#error ??= toWireError(error);
    this.#note('Failed');
  }

  async #tombstone(store: SessionStore): Promise<number> {
    let count = 0;
    let after: string | undefined;
    do {
      const page = await store.orphanedNodeIds({
        limit: PAGE,
        writtenBefore: this.#writtenBefore,
        ...(after === undefined ? {} : { after }),
      });
      if (page.items.length > 0) count += (await store.tombstoneNodes(page.items)).tombstoned.length;
      after = page.next ?? undefined;
    } while (after !== undefined && !this.#scope.signal.aborted);
    return count;
  }

  #note(status: MaintenanceStatus): void {
    if (GRAVITY[status] > GRAVITY[this.#status]) this.#status = status;
  }
}

/** A refusal of one sweep is the usual answer where nothing was ever adopted; it does not speak for the run. */
const GRAVITY: Readonly<Record<MaintenanceStatus, number>> = {
  NothingToDo: 0,
  Refused: 0,
  Swept: 1,
  Incomplete: 2,
  Failed: 3,
};
