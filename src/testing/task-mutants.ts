import type { TaskStore } from '../contract/task-store.ts';
import { isLashError } from '../core/error.ts';
import { changed, type StoreMutant, withStores } from './mutant.ts';

/** A mutant that keeps tasks in its own way. */
function keeps(name: string, breaks: string, change: (tasks: TaskStore) => Partial<TaskStore>): StoreMutant {
  return {
    name,
    breaks,
    make: (context) => withStores(context, ({ tasks }) => ({ tasks: changed(tasks, change(tasks)) })),
  };
}

/** Stores that keep the records of tasks wrongly: rules TK1–TK4, and laws ST12 and ST13 for them. */
export const taskMutants: readonly StoreMutant[] = [
  keeps('the last write wins', 'TK1: the version decides', (tasks) => ({
    write: async (change) => {
      for (;;) {
        const found = await tasks.find(change.taskId);
        try {
          return await tasks.write({ ...change, expected: found?.version ?? 0 });
        } catch (error) {
          if (!isLashError(error, 'TaskConflict')) throw error;
        }
      }
    },
  })),
  keeps('who writes the same has written it', 'TK1: of two writes one is applied', (tasks) => ({
    write: async (change) => {
      try {
        return await tasks.write(change);
      } catch (error) {
        if (!isLashError(error, 'TaskConflict')) throw error;
        const found = await tasks.find(change.taskId);
        const isSame = JSON.stringify(found?.body) === JSON.stringify(change.body);
        if (found?.version === change.expected + 1 && isSame) return found;
        throw error;
      }
    },
  })),
  keeps('a removed record is only emptied', 'TK2: a record is there until it is removed', (tasks) => ({
    remove: async (taskIds) => {
      for (const taskId of taskIds) {
        const found = await tasks.find(taskId);
        if (found !== null) await tasks.write({ taskId, expected: found.version, body: null });
      }
    },
  })),
  keeps('removes what it knows alone', 'TK2: ids that are not there are fine', (tasks) => ({
    remove: async (taskIds) => {
      const known = new Set((await tasks.list()).map(({ taskId }) => taskId));
      if (taskIds.every((taskId) => known.has(taskId))) await tasks.remove(taskIds);
    },
  })),
  keeps('lists what was written last first', 'TK3: records are listed by id', (tasks) => ({
    list: async () => (await tasks.list()).toSorted((a, b) => b.version - a.version),
  })),
  keeps('cuts a body', 'TK4: a body that is too long is refused', (tasks) => ({
    write: async (change) => {
      const { body } = change;
      return tasks.write(typeof body === 'string' ? { ...change, body: body.slice(0, 60_000) } : change);
    },
  })),
  keeps('makes room by itself', 'TK4: one record too many is refused', (tasks) => ({
    write: async (change) => {
      const all = await tasks.list();
      const [first] = all;
      if (all.length >= 1000 && first !== undefined) await tasks.remove([first.taskId]);
      return tasks.write(change);
    },
  })),
  keeps('skips what is no id', 'ST13: what is no id is refused', (tasks) => ({
    remove: async (taskIds) =>
      tasks.remove(taskIds.filter((taskId) => typeof taskId === 'string' && taskId !== '')),
  })),
  keeps('an empty list for who is gone', 'ST12: every call is SessionDeleted', (tasks) => ({
    list: async () => {
      try {
        return await tasks.list();
      } catch (error) {
        if (!isLashError(error, 'SessionDeleted')) throw error;
        return [];
      }
    },
  })),
];
