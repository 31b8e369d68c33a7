import type { BackgroundTaskDefinition, TaskLabels, TaskRegistration, TaskStart } from '../contract/task.ts';
import { checkId } from '../core/id.ts';
import { type JsonValue, utf8Length } from '../core/json.ts';
import { refuseNonData } from '../core/plain-data.ts';
import {
  type BackgroundTaskKind,
  type BackgroundTaskPolicies,
  type BackgroundTaskRecord,
  moveBackgroundTask,
  type NewBackgroundTask,
} from '../core/task.ts';
import { invalid } from './task-errors.ts';

/** What a task's input or result takes at most, in bytes of JSON. */
const DATA_BYTES = 16 * 1024;
const MAX_ATTEMPTS = 3;
/** How long a task's title and its producer's name are at most. */
const LABEL_CHARS = 500;

const POLICIES: { readonly [Name in keyof BackgroundTaskPolicies]: readonly BackgroundTaskPolicies[Name][] } =
  {
    cancel: ['cooperative', 'abort', 'external'],
    close: ['keep', 'cancel', 'transfer', 'pause'],
    lost: ['fail', 'resume'],
  };
const KINDS: readonly BackgroundTaskKind[] = ['monitor', 'subagent', 'observer', 'other'];

/** Refuses what cannot be kept as a task's input or result. @throws `NotData`, `InvalidInput` */
export function checkTaskData(value: JsonValue, path: string): void {
  refuseNonData(value, path);
  const bytes = utf8Length(JSON.stringify(value));
  if (bytes > DATA_BYTES) throw invalid(path, `has ${bytes} bytes of JSON, and may have ${DATA_BYTES}`);
}

/** A task of this definition. @throws `InvalidInput`, `NotData` */
export function taskToRun(
  sessionId: string,
  definition: BackgroundTaskDefinition,
  task: TaskStart,
  newId: () => string,
): NewBackgroundTask {
  const { name, policies, kind = 'other', maxAttempts = MAX_ATTEMPTS } = definition;
  return newTask(sessionId, { kind, producer: name, title: name, ...task }, newId, {
    name,
    maxAttempts,
    policies: { cancel: 'cooperative', close: 'keep', lost: 'fail', ...policies, ...task.policies },
  });
}

/** A task that somebody else does. @throws `InvalidInput`, `NotData` */
export function taskToKeep(
  sessionId: string,
  task: TaskRegistration,
  newId: () => string,
): NewBackgroundTask {
  const policies: BackgroundTaskPolicies = {
    cancel: 'external',
    close: 'keep',
    lost: 'fail',
    ...task.policies,
  };
  if (policies.close === 'pause')
    throw invalid('policies.close', 'cannot be pause: nobody here runs the task');
  return newTask(sessionId, task, newId, { name: null, maxAttempts: 1, policies });
}

/** A new task that was begun. */
export function begun(task: BackgroundTaskRecord, owner: string | null): BackgroundTaskRecord {
  const moved = moveBackgroundTask(task, { type: 'start', owner }, task.createdAt);
  return moved.ok ? moved.record : task;
}

function newTask(
  sessionId: string,
  task: TaskLabels,
  newId: () => string,
  what: Pick<NewBackgroundTask, 'name' | 'maxAttempts' | 'policies'>,
): NewBackgroundTask {
  const { kind = 'other', producer = 'host', input = null } = task;
  const id = checkId(task.id ?? newId(), 'id');
  checkTaskData(input, 'input');
  if (!KINDS.includes(kind)) throw invalid('kind', `must be one of ${KINDS.join(', ')}`);
  for (const [name, values] of Object.entries(POLICIES)) {
    const value: string = what.policies[name as keyof BackgroundTaskPolicies];
    if (!(values as readonly string[]).includes(value))
      throw invalid(`policies.${name}`, `must be one of ${values.join(', ')}`);
  }
  const { title = id, parentTaskId = null, childSessionId = null } = task;
  for (const [name, label] of Object.entries({ title, producer }))
    if (label.length > LABEL_CHARS) throw invalid(name, `has more than ${LABEL_CHARS} characters`);
  return { ...what, id, sessionId, kind, producer, input, title, parentTaskId, childSessionId };
}
