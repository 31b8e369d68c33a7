import type { TaskWrite } from '../../contract/task-store.ts';
import { LashError } from '../../core/error.ts';
import { checkId } from '../../core/id.ts';
import { utf8Length } from '../../core/json.ts';
import { isCount } from './node-fault.ts';
import { invalid } from './refusal.ts';
import { toText } from './turn-plan.ts';

/** How many records a session may have (rule TK4). */
export const MAX_TASKS = 1000;

const MAX_BODY_BYTES = 64 * 1024;

/** A task's record as a store keeps it. `body` is JSON text. */
export interface KeptTask {
  readonly taskId: string;
  readonly version: number;
  readonly body: string;
}

/** A write that was checked and encoded; it shares nothing with what the caller holds. */
export interface PlannedTask extends Omit<TaskWrite, 'body'> {
  readonly body: string;
}

/** Checks and encodes a write; this comes before a transaction opens (law ST15). @throws `InvalidInput`, `NotData` */
export function planTask({ taskId, expected, body }: TaskWrite): PlannedTask {
  checkTaskId(taskId, 'taskId');
  if (!isCount(expected)) throw invalid('expected', 'must be a whole number from 0 on');
  const text = toText(body, 'body');
  const bytes = utf8Length(text);
  if (bytes > MAX_BODY_BYTES)
    throw invalid('body', `must be at most ${MAX_BODY_BYTES} bytes, and has ${bytes}`);
  return { taskId, expected, body: text };
}

/** Checks the ids of records that are to go. @throws `InvalidInput` */
export function checkRemoval(taskIds: readonly string[]): void {
  if (!Array.isArray(taskIds) || taskIds.length > MAX_TASKS)
    throw invalid('taskIds', `must be a list of at most ${MAX_TASKS} ids`);
  for (const [index, taskId] of taskIds.entries()) checkTaskId(taskId, `taskIds[${index}]`);
}

/** The record that a write leaves behind in the place of `found` (rule TK1). @throws `TaskConflict` */
export function taskAfter(
  sessionId: string,
  { taskId, expected, body }: PlannedTask,
  found: KeptTask | undefined,
): KeptTask {
  const actual = found?.version ?? 0;
  if (actual === expected) return { taskId, version: actual + 1, body };
  const message = `Task ${taskId} has version ${actual}, and the write stands on ${expected}`;
  throw new LashError('TaskConflict', message, { sessionId, taskId, expected, actual });
}

/** What to say of a session that has all the records that it may have (rule TK4). */
export function tooManyTasks(): LashError<'InvalidInput'> {
  return invalid('taskId', `would be that of one record more than ${MAX_TASKS}`);
}

function checkTaskId(taskId: unknown, path: string): void {
  if (typeof taskId !== 'string') throw invalid(path, 'must be the id of a task');
  checkId(taskId, path);
}
