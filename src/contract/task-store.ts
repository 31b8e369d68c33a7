import type { JsonValue } from '../core/json.ts';

/** What a store keeps of one background task. `body` is kept as it is, and not looked into. */
export interface StoredTask {
  /** 1 to 128 bytes of UTF-8; unique in its session. */
  readonly taskId: string;
  /** Counts the writes of this record, from 1. */
  readonly version: number;
  readonly body: JsonValue;
}

/** A change of one record. */
export interface TaskWrite {
  readonly taskId: string;
  /** The version that it stands on; 0: there is no such record. */
  readonly expected: number;
  readonly body: JsonValue;
}

/**
 * The socket for the records of a session's background tasks. It has nothing to do with head, epoch and lease: any tab may
 * write, and the version decides.
 *
 * - TS1 A write is applied whole, or refused (`TaskConflict`) where the record has another version than it stands on.
 * - TS2 A record is there until it is removed, or its session is deleted (law ST12).
 * - TS3 What is listed is one snapshot, by task id.
 */
export interface TaskStore {
  /** Resolves with the record as it is stored now. @throws `TaskConflict`, `InvalidInput`, `NotData` */
  write(change: TaskWrite): Promise<StoredTask>;
  find(taskId: string): Promise<StoredTask | null>;
  list(): Promise<readonly StoredTask[]>;
  /** Ids that are not there are fine. */
  remove(taskIds: readonly string[]): Promise<void>;
}
