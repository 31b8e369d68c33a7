import type { SessionTasks } from '../../contract/task.ts';
import type { Tool, ToolContext } from '../../contract/tool.ts';
import { LashError } from '../../core/error.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import { shownTasks } from '../../core/shown-tasks.ts';
import type { BackgroundTaskRecord } from '../../core/task.ts';

/** Lets the model see the session's background tasks. */
const tasksList: Tool = {
  name: 'tasks_list',
  description:
    'Lists the background tasks of this session: those that run, wait or are paused, and those that ended lately, with what came of them.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
  replay: 'safe',
  check: () => ({ ok: true, value: null }),
  execute: async (_, context) => {
    const tasks = await tasksOf(context).list({ ended: true });
    return { tasks: shownTasks(tasks).map(toldTask) };
  },
};

/** Lets the model stop one. */
const tasksStop: Tool = {
  name: 'tasks_stop',
  description: 'Stops a background task of this session. Some stop at once, others when they are ready to.',
  inputSchema: {
    type: 'object',
    properties: { task_id: { type: 'string', description: 'As tasks_list says it.' } },
    required: ['task_id'],
    additionalProperties: false,
  },
  replay: 'safe',
  check: (args) => {
    const id = typeof args === 'object' && args !== null ? (args as JsonObject)['task_id'] : undefined;
    return typeof id === 'string'
      ? { ok: true, value: id }
      : { ok: false, path: 'task_id', reason: 'must be the id of a task' };
  },
  execute: async (taskId, context) =>
    toldTask(await tasksOf(context).cancel(taskId as string, 'stopped by the model')),
};

/** The tools of every session whose environment has a host for background tasks. */
export const TASK_TOOLS: readonly Tool[] = [tasksList, tasksStop];

/** What the model is told of a task. */
function toldTask(task: BackgroundTaskRecord): JsonValue {
  const { id, title, kind, state, progress, result, failure } = task;
  return {
    task_id: id,
    title,
    kind,
    state,
    ...(progress === null ? {} : { progress }),
    ...(state === 'completed' ? { result } : {}),
    ...(failure === null ? {} : { failure: `${failure.code}: ${failure.message}` }),
  };
}

/** These tools are offered only where there is a host. */
function tasksOf({ tasks }: ToolContext): SessionTasks {
  if (tasks !== null) return tasks;
  throw new LashError('Unsupported', 'There is no host for background tasks', {
    feature: 'background tasks',
  });
}
