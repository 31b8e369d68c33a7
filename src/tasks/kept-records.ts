import type { BackgroundTaskRecord } from '../core/task.ts';
import { hasEnded } from '../core/task.ts';

/** Which records of tasks that ended are kept. */
export interface KeptRecords {
  /** How many of a session at most; the newest. */
  readonly keepEnded: number;
  /** For how long at most, in milliseconds. */
  readonly keepEndedMs: number;
}

/** Whether nothing happens to it in this session any more: it ended, or went to another one, which has it. */
export function isOver(record: BackgroundTaskRecord, sessionId: string): boolean {
  return hasEnded(record) || (record.sessionId !== sessionId && record.owner === null);
}

/** The ids of what need not be kept of a session's records. */
export function surplusRecords(
  records: readonly BackgroundTaskRecord[],
  sessionId: string,
  { keepEnded, keepEndedMs }: KeptRecords,
  now: number,
): readonly string[] {
  return records
    .filter((record) => isOver(record, sessionId))
    .toSorted((a, b) => b.updatedAt - a.updatedAt)
    .filter(({ updatedAt }, index) => index >= keepEnded || now - updatedAt > keepEndedMs)
    .map(({ id }) => id);
}
