import type { BackgroundTaskRecord } from '../core/task.ts';
import { hasEnded } from '../core/task.ts';

/** Which records of tasks that ended are kept. */
export interface KeptRecords {
  /** How many of a session at most; the newest. */
  readonly keepEnded: number;
  /** For how long at most, in milliseconds. */
  readonly keepEndedMs: number;
}

/** How many records a session may have (rule TK4). */
export const MAX_RECORDS = 1000;

/** Whether nothing happens to it in this session any more: it ended, or went to another one, which has it. */
export function isOver(record: BackgroundTaskRecord, sessionId: string): boolean {
  return hasEnded(record) || (record.sessionId !== sessionId && record.owner === null);
}

/** The ids of what need not be kept of a session's records, or must not, so that there is room for one more. */
export function surplusRecords(
  records: readonly BackgroundTaskRecord[],
  sessionId: string,
  { keepEnded, keepEndedMs }: KeptRecords,
  now: number,
): readonly string[] {
  const over = records.filter((record) => isOver(record, sessionId));
  const most = Math.min(keepEnded, MAX_RECORDS - 1 - (records.length - over.length));
  return over
    .toSorted((a, b) => b.updatedAt - a.updatedAt)
    .filter(({ updatedAt }, index) => index >= most || now - updatedAt > keepEndedMs)
    .map(({ id }) => id);
}
