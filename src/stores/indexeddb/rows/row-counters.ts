/**
 * What was asked of a database. A read of one key counts one row, found or not; a read of a range counts what it
 * returned, keys alone too. Bytes count text as UTF-8, a number as 8, and field names.
 */
export interface RowCounters {
  readonly transactions: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly bytesWritten: number;
}

/** Counters that go up. */
export type RowCounts = { -readonly [Name in keyof RowCounters]: number };

/** Counters that stand at zero. */
export function newCounts(): RowCounts {
  return { transactions: 0, rowsRead: 0, rowsWritten: 0, bytesWritten: 0 };
}
