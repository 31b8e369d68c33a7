import { loadModule } from '../../../contract/load-module.ts';
import type { StoredTask, TaskStore, TaskWrite } from '../../../contract/task-store.ts';
import { copyData } from '../../rules/refusal.ts';
import type { SessionAccess } from '../session-access.ts';
import type * as Calls from './task-calls.ts';

/** The task records of a session in IndexedDB. Each call is a transaction of its own; what it takes is loaded with the first. */
export class IndexedDbTaskStore implements TaskStore {
  readonly #access: () => SessionAccess;

  /** `access` gives a way to the session, and throws where the handle may not use it. */
  constructor(access: () => SessionAccess) {
    this.#access = access;
  }

  async write(change: TaskWrite): Promise<StoredTask> {
    const copy = copyData(change, 'change');
    return this.#call((calls, access) => calls.writeTask(access, copy));
  }

  async find(taskId: string): Promise<StoredTask | null> {
    return this.#call((calls, access) => calls.findTask(access, taskId));
  }

  async list(): Promise<readonly StoredTask[]> {
    return this.#call((calls, access) => calls.listTasks(access));
  }

  async remove(taskIds: readonly string[]): Promise<void> {
    const copy = copyData(taskIds, 'taskIds');
    return this.#call((calls, access) => calls.removeTasks(access, copy));
  }

  async #call<T>(body: (calls: typeof Calls, access: SessionAccess) => Promise<T>): Promise<T> {
    const access = this.#access();
    return body(await loadModule('task-calls', import('./task-calls.ts')), access);
  }
}
