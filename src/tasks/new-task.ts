import type { BackgroundTaskDefinition, TaskLabels, TaskRegistration, TaskStart } from '../contract/task.ts';
import {
  type BackgroundTaskKind,
  type BackgroundTaskPolicies,
  type BackgroundTaskRecord,
  moveBackgroundTask,
  type NewBackgroundTask,
} from '../core/task.ts';
import { checkName, checkOneOf, checkTaskData, checkText } from './task-checks.ts';
import { invalid } from './task-errors.ts';

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
  if (task.state !== undefined) checkOneOf(task.state, ['pending', 'running'], 'state');
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
  const id = checkName(task.id ?? newId(), 'id');
  checkTaskData(input, 'input');
  checkOneOf(kind, KINDS, 'kind');
  for (const [name, values] of Object.entries<readonly string[]>(POLICIES))
    checkOneOf(what.policies[name as keyof BackgroundTaskPolicies], values, `policies.${name}`);
  const { title = id, parentTaskId = null, childSessionId = null } = task;
  for (const [name, label] of Object.entries({ title, producer })) checkText(label, name, LABEL_CHARS);
  for (const [name, other] of Object.entries({ parentTaskId, childSessionId }))
    if (other !== null) checkName(other, name);
  return { ...what, id, sessionId, kind, producer, input, title, parentTaskId, childSessionId };
}
