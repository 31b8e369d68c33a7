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
  /** At most 64 KiB as JSON in UTF-8. */
  readonly body: JsonValue;
}

/**
 * The records of a session's background tasks. They have nothing to do with head, epoch and lease: any tab may write, and
 * the version decides.
 *
 * - TK1 A write is applied whole, or refused where the record has another version than it stands on: of two writes that
 *   stand on the same version, one is applied.
 * - TK2 A record is there until it is removed, or its session is deleted (law ST12). One that is made again after that
 *   counts from 1 again, so an id is for one task.
 * - TK3 What is listed is one snapshot, by task id.
 * - TK4 A session has at most 1,000 records: a write that would make one more is `InvalidInput`. Neither the session's
 *   bytes nor its inventory count them, and its export leaves them out.
 *
 * Every method rejects as those of `SessionStore` do.
 */
export interface TaskStore {
  /** Resolves with the record as it is stored now. @throws `TaskConflict`, `InvalidInput`, `NotData` */
  write(change: TaskWrite): Promise<StoredTask>;
  /** `null` where there is no such record. */
  find(taskId: string): Promise<StoredTask | null>;
  list(): Promise<readonly StoredTask[]>;
  /** Removes records whatever their versions, all or none. Ids that are not there are fine. @throws `InvalidInput` for more than 1,000 */
  remove(taskIds: readonly string[]): Promise<void>;
}
