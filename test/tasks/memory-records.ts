import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { StoredTask, TaskStore } from '../../src/contract/task-store.ts';
import { LashError } from '../../src/core/error.ts';
import { standIn } from '../../src/testing/stand-in.ts';

/** A factory whose sessions keep task records in memory. */
export function withRecords(origin: SessionStoreFactory): SessionStoreFactory {
  const stores = new Map<string, TaskStore>();
  return standIn(origin, {
    open: async (sessionId, mode) => {
      const store = await origin.open(sessionId, mode);
      const tasks = stores.get(sessionId) ?? memoryRecords();
      stores.set(sessionId, tasks);
      return standIn(store, { tasks });
    },
  });
}

function memoryRecords(): TaskStore {
  const rows = new Map<string, StoredTask>();
  return {
    write: async ({ taskId, expected, body }) => {
      await Promise.resolve();
      const actual = rows.get(taskId)?.version ?? 0;
      if (actual !== expected)
        throw new LashError('TaskConflict', 'another version is stored', {
          sessionId: '',
          taskId,
          expected,
          actual,
        });
      const row = structuredClone({ taskId, version: actual + 1, body });
      rows.set(taskId, row);
      return structuredClone(row);
    },
    find: async (taskId) => structuredClone(rows.get(taskId) ?? null),
    list: async () => structuredClone([...rows.values()]),
    remove: async (taskIds) => taskIds.forEach((id) => rows.delete(id)),
  };
}
