import { type BackgroundTaskRecord, newBackgroundTask } from '../../src/core/task.ts';

/** A task of session `s` that runs, or what `more` makes of it. */
export const runningTask = (id: string, more: Partial<BackgroundTaskRecord> = {}): BackgroundTaskRecord => ({
  ...newBackgroundTask(
    {
      id,
      sessionId: 's',
      kind: 'other',
      producer: 'test',
      name: 'work',
      input: null,
      title: `Work ${id}`,
      parentTaskId: null,
      childSessionId: null,
      policies: { cancel: 'cooperative', close: 'keep', lost: 'fail' },
      maxAttempts: 1,
    },
    1,
  ),
  state: 'running',
  ...more,
});
