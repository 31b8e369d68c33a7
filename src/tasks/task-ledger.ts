import type { Clock } from '../contract/clock.ts';
import type { StoredTask, TaskStore } from '../contract/task-store.ts';
import { isLashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import {
  type BackgroundTaskMove,
  type BackgroundTaskMoved,
  type BackgroundTaskRecord,
  moveBackgroundTask,
} from '../core/task.ts';
import { moveRefused, taskExists, taskNotFound } from './task-errors.ts';

/** What a ledger stands on. */
export interface LedgerParts {
  readonly sessionId: string;
  readonly records: TaskStore;
  readonly clock: Clock;
  redact<T>(value: T): T;
  /** Is told of each version of a record that is newer than what was known, whoever wrote it. */
  changed(record: BackgroundTaskRecord): void;
  /** A record was written here; `before` is what it was, if anything. */
  written(record: BackgroundTaskRecord, before: BackgroundTaskRecord | undefined): void;
}

/** A record as it was last seen. */
interface Seen {
  readonly version: number;
  readonly record: BackgroundTaskRecord;
}

/**
 * The records of a session's tasks, as they are stored: nothing is told that is not, and each version is told once. One thing
 * happens after the other; what other tabs write in between is found by the version, and looked at again (rule BH3).
 */
export class TaskLedger {
  readonly #parts: LedgerParts;
  #seen = new Map<string, Seen>();
  #last: Promise<unknown> = Promise.resolve();
  #reloading: Promise<void> | null = null;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** Every record as it was last seen, oldest first; those included that say where a task went. */
  get all(): readonly BackgroundTaskRecord[] {
    const records = Array.from(this.#seen.values(), ({ record }) => record);
    return records.toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  find(taskId: string): BackgroundTaskRecord | undefined {
    return this.#seen.get(taskId)?.record;
  }

  /** Reads what is stored for the first time, and tells nobody. */
  async load(): Promise<void> {
    for (const { taskId, version, body } of await this.#parts.records.list())
      this.#seen.set(taskId, { version, record: recordOf(body) });
  }

  /** Looks at what is stored now. Whoever asks before that begins shares it. */
  async reload(): Promise<void> {
    this.#reloading ??= this.#inOrder(async () => {
      this.#reloading = null;
      const stored = await this.#parts.records.list();
      const ids = new Set(stored.map(({ taskId }) => taskId));
      for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
      for (const task of stored) this.#see(task);
    });
    await this.#reloading;
  }

  /** Stores a new task. @throws `TaskExists` */
  async add(record: BackgroundTaskRecord): Promise<BackgroundTaskRecord> {
    return await this.#inOrder(async () => {
      const { sessionId } = this.#parts;
      if (this.#seen.has(record.id)) throw taskExists(sessionId, record.id);
      try {
        return await this.#write(record, 0);
      } catch (error) {
        throw isLashError(error, 'TaskConflict') ? taskExists(sessionId, record.id) : error;
      }
    });
  }

  /** Makes a move, on the record as it is then. @throws `TaskNotFound`, `TaskEnded`, `InvalidTaskMove` */
  async move(taskId: string, move: BackgroundTaskMove): Promise<BackgroundTaskRecord> {
    const { sessionId, clock } = this.#parts;
    return await this.change(taskId, move.type, (record) => {
      if (record.sessionId !== sessionId) throw taskNotFound(sessionId, taskId, record);
      return moveBackgroundTask(record, move, clock.now());
    });
  }

  /** Changes a record, as it is then. @throws `TaskNotFound`, `TaskEnded`, `InvalidTaskMove`, and what `change` throws */
  async change(
    taskId: string,
    name: string,
    change: (record: BackgroundTaskRecord) => BackgroundTaskMoved,
  ): Promise<BackgroundTaskRecord> {
    return await this.#inOrder(async () => {
      let seen = this.#seen.get(taskId) ?? (await this.#look(taskId));
      for (;;) {
        const moved = change(seen.record);
        if (!moved.ok) throw moveRefused(seen.record, name, moved.refusal);
        if (moved.record === seen.record) return seen.record;
        try {
          return await this.#write(moved.record, seen.version);
        } catch (error) {
          if (!isLashError(error, 'TaskConflict')) throw error;
          seen = await this.#look(taskId);
        }
      }
    });
  }

  async remove(taskIds: readonly string[]): Promise<void> {
    await this.#inOrder(async () => {
      await this.#parts.records.remove(taskIds);
      for (const id of taskIds) this.#seen.delete(id);
    });
  }

  async #write(record: BackgroundTaskRecord, expected: number): Promise<BackgroundTaskRecord> {
    const { id, sessionId, name, owner } = record;
    const body = { ...this.#parts.redact(record), id, sessionId, name, owner } as unknown as JsonValue;
    const before = this.find(id);
    const stored = await this.#parts.records.write({ taskId: id, expected, body });
    const written = this.#see(stored).record;
    this.#parts.written(written, before);
    return written;
  }

  /** Reads one record again. @throws `TaskNotFound` */
  async #look(taskId: string): Promise<Seen> {
    const stored = await this.#parts.records.find(taskId);
    if (stored !== null) return this.#see(stored);
    this.#seen.delete(taskId);
    throw taskNotFound(this.#parts.sessionId, taskId);
  }

  #see({ taskId, version, body }: StoredTask): Seen {
    const known = this.#seen.get(taskId);
    const seen = { version, record: recordOf(body) };
    // What is read is never older than what is known: where it counts less, it was removed, and made again.
    if (known?.version === version && known.record.createdAt === seen.record.createdAt) return known;
    this.#seen.set(taskId, seen);
    this.#parts.changed(seen.record);
    return seen;
  }

  async #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return await done;
  }
}

/** What was stored here is a record: nobody else writes them. */
function recordOf(body: JsonValue): BackgroundTaskRecord {
  return body as unknown as BackgroundTaskRecord;
}
