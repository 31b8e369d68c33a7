import type { BackgroundTaskHost, HostedTasks, TaskSession } from '../contract/task.ts';
import { LashError } from '../core/error.ts';
import type { KeptRecords } from './kept-records.ts';
import { LocalTasks } from './local-tasks.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Runs background tasks in this worker. It keeps nothing but what it was made with: sessions, workers and tabs may share one. */
export class LocalBackgroundTaskHost implements BackgroundTaskHost {
  readonly #kept: KeptRecords;

  /**
   * `keepEnded`: how many records of tasks that ended a session keeps at most, default 100. `keepEndedMs`: for how long, default
   * seven days. What is over either goes when a task ends, and when the session is opened.
   *
   * @throws `InvalidInput` for what is no whole number
   */
  constructor({ keepEnded = 100, keepEndedMs = 7 * DAY_MS }: Partial<KeptRecords> = {}) {
    for (const [path, value] of Object.entries({ keepEnded, keepEndedMs })) {
      if (Number.isSafeInteger(value) && value >= 0) continue;
      const reason = 'must be a whole number, at least 0';
      throw new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
    }
    this.#kept = { keepEnded, keepEndedMs };
  }

  /** @throws what opening the session's store throws */
  async open(session: TaskSession): Promise<HostedTasks> {
    return await LocalTasks.open(session, this.#kept);
  }
}
