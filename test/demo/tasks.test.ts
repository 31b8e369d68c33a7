import { expect, test } from 'vitest';

import { describeError } from '../../src/core/error.ts';
import type { SessionNode } from '../../src/core/node.ts';
import type { BackgroundTaskRecord } from '../../src/core/task.ts';
import { endedTaskIn, stateInWords, tasksOf } from '../../src/demo/app/tasks.ts';
import { runningTask as task } from './running-task.ts';

const view = (...tasks: readonly BackgroundTaskRecord[]): Parameters<typeof endedTaskIn>[0] =>
  ({ tasks, window: { start: 0, nodes: [] } }) as unknown as Parameters<typeof endedTaskIn>[0];

const asked = (createdAt: number) => ({
  createdAt,
  body: { kind: 'conversation', message: { role: 'user', parts: [] } },
});

test('shows what runs, newest first, before what ended since then', () => {
  const old = task('old', { state: 'completed', completedAt: 5 });
  const ended = task('ended', { state: 'failed', completedAt: 20, createdAt: 9 });
  const tasks = tasksOf(view(old, ended, task('a', { createdAt: 2 }), task('b', { createdAt: 3 })), 10);
  expect(tasks.map(({ id }) => id)).toEqual(['b', 'a', 'ended']);
});

test('lets go of what ended before the newest question, and of nothing that runs', () => {
  const nodes = [asked(5), asked(15), { createdAt: 25, body: { kind: 'plugin' } }];
  const tasks = tasksOf(
    {
      ...view(
        task('before', { state: 'completed', completedAt: 14 }),
        task('since', { state: 'completed', completedAt: 20 }),
        task('runs', { createdAt: 2 }),
      ),
      window: { start: 0, nodes: nodes as unknown as SessionNode[] },
    },
    10,
  );
  expect(tasks.map(({ id }) => id)).toEqual(['runs', 'since']);
});

test.each([
  [{}, 'running'],
  [{ progress: 'half' }, 'half'],
  [{ progress: 'half', state: 'cancel_requested' }, 'stopping'],
  [{ progress: 'half', state: 'completed', completedAt: 2 }, 'done'],
  [
    { state: 'failed', failure: describeError('Internal', 'it broke', {}), completedAt: 2 },
    'failed: it broke',
  ],
] as const)('says how a task is doing: %o', (more, words) => {
  expect(stateInWords(task('t', more))).toBe(words);
});

test('tells once that a task ended, and nothing of one that had ended before', () => {
  const over = task('t', { state: 'cancelled', completedAt: 2 });
  expect(endedTaskIn(view(task('t')), view(over))).toBe('Work t: stopped.');
  expect(endedTaskIn(view(over), view(over))).toBeNull();
  expect(endedTaskIn(view(), view(over))).toBeNull();
});
