import { systemClock } from '../../../contract/clock.ts';
import type { StoredTask, TaskWrite } from '../../../contract/task-store.ts';
import type { JsonValue } from '../../../core/json.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import { MAX_TASKS, checkRemoval, planTask, taskAfter, tooManyTasks } from '../../rules/task-plan.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { keysOf, type TaskRow } from '../rows/schema.ts';
import { inSession, type SessionAccess } from '../session-access.ts';

/**
 * Writes a record, as `TaskStore.write` promises. Where the answer was lost, the record that is there is this call's own if
 * it has its token (law ST16).
 */
export async function writeTask(access: SessionAccess, change: TaskWrite): Promise<StoredTask> {
  const { sessionId } = access;
  const planned = planTask(change);
  const token = systemClock.newId();
  const body = async (rows: RowTransaction): Promise<StoredTask> => {
    const found = decodeTask(sessionId, await rows.get('tasks', [sessionId, planned.taskId]));
    if (found?.token === token) return show(sessionId, found);
    const task = { ...taskAfter(sessionId, planned, found), sessionId, token };
    if (found === undefined) await checkRoom(rows, sessionId);
    rows.put('tasks', task);
    return show(sessionId, task);
  };
  return inSession(access, 'readwrite', ['tasks'], body, true);
}

/** One record, as `TaskStore.find` promises. */
export async function findTask(access: SessionAccess, taskId: string): Promise<StoredTask | null> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['tasks'], async (rows) => {
    const found = decodeTask(sessionId, await rows.get('tasks', [sessionId, taskId]));
    return found === undefined ? null : show(sessionId, found);
  });
}

/** All records, as `TaskStore.list` promises. @throws `StoredDataCorrupt` naming one that cannot be read */
export async function listTasks(access: SessionAccess): Promise<readonly StoredTask[]> {
  const { sessionId } = access;
  return inSession(access, 'readonly', ['tasks'], async (rows) => {
    const found = await rows.getAll('tasks', keysOf([sessionId]));
    return found.flatMap((row) => decodeTask(sessionId, row) ?? []).map((task) => show(sessionId, task));
  });
}

/** Removes records, as `TaskStore.remove` promises. What is removed twice is the same (law ST16). */
export async function removeTasks(access: SessionAccess, taskIds: readonly string[]): Promise<void> {
  const { sessionId } = access;
  checkRemoval(taskIds);
  const body = async (rows: RowTransaction): Promise<void> => {
    for (const taskId of taskIds) rows.remove('tasks', [sessionId, taskId]);
  };
  await inSession(access, 'readwrite', ['tasks'], body, true);
}

/** @throws `InvalidInput` if the session has all the records that it may have */
async function checkRoom(rows: RowTransaction, sessionId: string): Promise<void> {
  const keys = await rows.getKeys('tasks', keysOf([sessionId]), { limit: MAX_TASKS });
  if (keys.length >= MAX_TASKS) throw tooManyTasks();
}

/** @throws `StoredDataCorrupt`, but returns `undefined` when there is no row */
function decodeTask(sessionId: string, row: unknown): TaskRow | undefined {
  if (row === undefined) return undefined;
  const sound =
    isFields(row) &&
    isCount(row['version']) &&
    typeof row['token'] === 'string' &&
    typeof row['body'] === 'string';
  if (sound) return row as unknown as TaskRow;
  const taskId = isFields(row) ? String(row['taskId']) : '';
  throw corrupt(sessionId, null, `what is kept of task ${taskId} is not complete`);
}

function show(sessionId: string, { taskId, version, body }: TaskRow): StoredTask {
  try {
    return { taskId, version, body: JSON.parse(body) as JsonValue };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw corrupt(sessionId, null, `what is kept of task ${taskId} is no JSON`);
  }
}
