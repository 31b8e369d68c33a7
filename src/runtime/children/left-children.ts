import type { SessionStore } from '../../contract/store.ts';
import type { TaskStore } from '../../contract/task-store.ts';
import { isLashError } from '../../core/error.ts';
import type { SessionSummary } from '../../core/policy.ts';
import { type BackgroundTaskRecord, hasEnded } from '../../core/task.ts';
import type { UsageEntry } from '../../core/usage.ts';
import { isPassing } from '../turn/patient-storage.ts';
import type { ChildCall } from './child-call.ts';
import type { ChildEngine } from './child-engine.ts';
import { childPrefix } from './child-names.ts';
import { spentIn } from './spent-in.ts';
import { stopTurns } from './stop-turns.ts';

/** The children of calls whose tab is gone, which whoever goes on has not asked for again. */
export class LeftChildren {
  readonly #engine: ChildEngine;

  constructor(engine: ChildEngine) {
    this.#engine = engine;
  }

  /** All that are stored of this call. @throws what storage throws that is not waited for any longer */
  async of(call: ChildCall): Promise<readonly SessionSummary[]> {
    const prefix = await childPrefix(this.#engine.parent.meta.sessionId, call);
    return await call.storage.run(async () => {
      const children: SessionSummary[] = [];
      for await (const child of this.#engine.all())
        if (child.sessionId.startsWith(prefix)) children.push(child);
      return children;
    });
  }

  /** Stops what is not over in one of them, hands its background tasks on, and resolves with what it used in all. @throws as {@link of} */
  async end(call: ChildCall, { sessionId, parent }: SessionSummary): Promise<readonly UsageEntry[]> {
    const source = parent?.source ?? 'child';
    try {
      return await call.storage.run(async () => {
        if (await this.#isAnythingLeft(sessionId)) await this.#stop(call, sessionId, source);
        return spentIn(await this.#ledgerOf(sessionId), source);
      });
    } catch (error) {
      if (isPassing(error)) throw error;
      // It is gone, or cannot be read: there is nothing to stop, and nothing to count.
      return [];
    }
  }

  async #isAnythingLeft(sessionId: string): Promise<boolean> {
    return await this.#within(
      sessionId,
      async ({ turns, tasks }) =>
        (await turns.pending()).length > 0 || (await isAnyTaskLeft(tasks, sessionId)),
    );
  }

  async #ledgerOf(sessionId: string): Promise<readonly UsageEntry[]> {
    return await this.#within(sessionId, async (store) => (await store.load({ kind: 'head' })).ledger);
  }

  async #stop(call: ChildCall, sessionId: string, source: string): Promise<void> {
    // It goes on only to be stopped.
    const child = await this.#engine.openStored(call, sessionId, source, 'ask');
    await stopTurns(child, call.storage.over).finally(async () => await child.close({ tasks: 'toParent' }));
  }

  async #within<T>(sessionId: string, work: (store: SessionStore) => Promise<T>): Promise<T> {
    const { sessionStoreFactory: factory } = this.#engine.parent.environment;
    const store = await factory.open(sessionId, { kind: 'open' });
    return await work(store).finally(async () => await store.close());
  }
}

/** Whether the session has a background task that has not ended. Where records cannot be read, it has none (law ST6). */
async function isAnyTaskLeft(tasks: TaskStore, sessionId: string): Promise<boolean> {
  try {
    const records = (await tasks.list()).map(({ body }) => body as unknown as BackgroundTaskRecord);
    return records.some((record) => record.sessionId === sessionId && !hasEnded(record));
  } catch (error) {
    if (!isLashError(error, 'StoredDataCorrupt')) throw error;
    return false;
  }
}
