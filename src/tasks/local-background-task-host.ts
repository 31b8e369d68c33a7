import type { BackgroundTaskHost, HostedTasks, TaskSession } from '../contract/task.ts';
import { LashError } from '../core/error.ts';
import type { KeptRecords } from './kept-records.ts';
import { LocalTasks } from './local-tasks.ts';
import type { DeskHost } from './task-desk.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Runs background tasks in this worker. Its sessions and environments share one: it knows which tasks went from one session to
 * another, so that closing the other one does what their policies say.
 */
export class LocalBackgroundTaskHost implements BackgroundTaskHost {
  readonly #desks: DeskHost;

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
    this.#desks = { kept: { keepEnded, keepEndedMs }, heirs: new Map() };
  }

  /** @throws what opening the session's store throws */
  async open(session: TaskSession): Promise<HostedTasks> {
    return await LocalTasks.open(session, this.#desks);
  }
}
