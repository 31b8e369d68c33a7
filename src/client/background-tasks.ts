import type { BackgroundTaskRecord } from '../core/task.ts';
import type { TaskListRequest } from '../protocol/api.ts';

/** The background tasks of a session. Without a host for them in the worker both reject with `Unsupported`. */
export interface BackgroundTasks {
  /** Oldest first. */
  list(filter?: TaskListRequest): Promise<readonly BackgroundTaskRecord[]>;
  /** Stops one as its policy says, whichever tab runs it. @throws `TaskNotFound`, `TaskEnded`, `ReadOnly` */
  cancel(taskId: string, reason?: string): Promise<BackgroundTaskRecord>;
}
