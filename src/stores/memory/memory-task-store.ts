import type { StoredTask, TaskStore, TaskWrite } from '../../contract/task-store.ts';
import type { JsonValue } from '../../core/json.ts';
import {
  type KeptTask,
  MAX_TASKS,
  checkRemoval,
  planTask,
  taskAfter,
  tooManyTasks,
} from '../rules/task-plan.ts';

/** What a handle needs of its session. */
interface SessionOfTasks {
  readonly sessionId: string;
  readonly tasks: Map<string, KeptTask>;
}

/** A handle of the task records of a session in memory. What a call does is atomic, since it runs without a pause. */
export class InMemoryTaskStore implements TaskStore {
  readonly #live: () => SessionOfTasks;

  /** `live` gives the session, and throws where a handle of it may not use it. */
  constructor(live: () => SessionOfTasks) {
    this.#live = live;
  }

  async write(change: TaskWrite): Promise<StoredTask> {
    const planned = planTask(change);
    const { sessionId, tasks } = this.#live();
    const found = tasks.get(planned.taskId);
    const task = taskAfter(sessionId, planned, found);
    if (found === undefined && tasks.size >= MAX_TASKS) throw tooManyTasks();
    tasks.set(task.taskId, task);
    return show(task);
  }

  async find(taskId: string): Promise<StoredTask | null> {
    const task = this.#live().tasks.get(taskId);
    return task === undefined ? null : show(task);
  }

  async list(): Promise<readonly StoredTask[]> {
    const { tasks } = this.#live();
    return [...tasks.values()].toSorted((a, b) => (a.taskId < b.taskId ? -1 : 1)).map(show);
  }

  async remove(taskIds: readonly string[]): Promise<void> {
    checkRemoval(taskIds);
    const { tasks } = this.#live();
    for (const taskId of taskIds) tasks.delete(taskId);
  }
}

function show({ taskId, version, body }: KeptTask): StoredTask {
  return { taskId, version, body: JSON.parse(body) as JsonValue };
}
