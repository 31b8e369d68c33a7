import type { BackgroundTaskRecord, BackgroundTaskState, SessionView } from 'lash-web';

const STATES: { readonly [State in BackgroundTaskState]: string } = {
  pending: 'waits to begin',
  running: 'running',
  waiting: 'waiting',
  paused: 'paused',
  cancel_requested: 'stopping',
  completed: 'done',
  failed: 'failed',
  cancelled: 'stopped',
};

/** Whether a task is over. */
export function isOver({ completedAt }: BackgroundTaskRecord): boolean {
  return completedAt !== null;
}

/**
 * The tasks of a chat that a person wants to see: those that are not over, and what ended since `since` and since the
 * newest question, newest first.
 */
export function tasksOf({ tasks, window }: SessionView, since: number): readonly BackgroundTaskRecord[] {
  const question = window.nodes.findLast(
    ({ body }) => body.kind === 'conversation' && body.message.role === 'user',
  );
  const from = Math.max(since, question?.createdAt ?? 0);
  return tasks
    .filter(({ completedAt }) => completedAt === null || completedAt >= from)
    .toSorted((a, b) => Number(isOver(a)) - Number(isOver(b)) || b.createdAt - a.createdAt);
}

/** How a task is doing, in words. */
export function stateInWords({ state, progress, failure }: BackgroundTaskRecord): string {
  if (state === 'failed' && failure !== null) return `failed: ${failure.message}`;
  return state === 'running' && progress !== null ? progress : STATES[state];
}

/** What a screen reader is told of a task that ended between two views. */
export function endedTaskIn(before: SessionView, after: SessionView): string | null {
  const ended = after.tasks.find(
    (task) => isOver(task) && before.tasks.some((known) => known.id === task.id && !isOver(known)),
  );
  return ended === undefined ? null : `${ended.title}: ${stateInWords(ended)}.`;
}
