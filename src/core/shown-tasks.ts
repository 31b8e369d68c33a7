import { type BackgroundTaskRecord, hasEnded } from './task.ts';

/** How many tasks that ended a view shows. */
const SHOWN_ENDED = 20;

/** The tasks of a view once `task` is as it is: gone where it is a task of another session. */
export function showTask(
  { sessionId, tasks }: { readonly sessionId: string; readonly tasks: readonly BackgroundTaskRecord[] },
  task: BackgroundTaskRecord,
): readonly BackgroundTaskRecord[] {
  const at = tasks.findIndex(({ id }) => id === task.id);
  const others = tasks.filter(({ id }) => id !== task.id);
  if (task.sessionId !== sessionId) return others;
  return shownTasks(at < 0 ? [...tasks, task] : tasks.with(at, task));
}

/** What a view shows of these tasks, oldest first: all that have not ended, and the newest of those that have. */
export function shownTasks(tasks: readonly BackgroundTaskRecord[]): readonly BackgroundTaskRecord[] {
  const ended = tasks.filter(hasEnded).toSorted((a, b) => (b.completedAt ?? 0) - (a.completedAt ?? 0));
  const left = new Set(ended.slice(SHOWN_ENDED));
  return left.size === 0 ? tasks : tasks.filter((task) => !left.has(task));
}
