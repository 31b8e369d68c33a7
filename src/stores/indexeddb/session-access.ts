import type { Durability } from '../../contract/durability.ts';
import { isLashError } from '../../core/error.ts';
import { decodeHead, type LiveHead } from './graph/decode.ts';
import type { IndexedDbDatabase } from './rows/database.ts';
import type { RowCounts } from './rows/row-counters.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import type { StoreName } from './rows/schema.ts';

/** How maintenance reaches a database. */
export interface DatabaseAccess {
  readonly database: IndexedDbDatabase;
  readonly durability: Durability;
  readonly counts: RowCounts;
}

/** How maintenance reaches the rows of one session. */
export interface SessionAccess extends DatabaseAccess {
  readonly sessionId: string;
  /** Whether the session is reached by its import, which sees it before it is published. */
  readonly importing: boolean;
}

/** How many rows a transaction of maintenance removes at most, so that a commit never waits for long (law ST9). */
export const SLICE_ROWS = 100;

/**
 * Runs `body` in one transaction on a session that lives. `heads` is always among the stores. `repeatable` as in
 * `IndexedDbDatabase.transaction`.
 */
export async function inSession<T>(
  { sessionId, importing, database, durability, counts }: SessionAccess,
  mode: 'readonly' | 'readwrite',
  stores: readonly StoreName[],
  body: (rows: RowTransaction, head: LiveHead) => Promise<T>,
  repeatable: boolean = mode === 'readonly',
): Promise<T> {
  const options = { stores: ['heads' as const, ...stores], mode, durability, counts, repeatable };
  return database.transaction(options, async (rows) =>
    body(rows, decodeHead(sessionId, await rows.get('heads', sessionId), importing)),
  );
}

/** Whether an error says that there is no session to maintain any more: no report can say that, the call rejects. */
export function isGone(error: unknown): boolean {
  return isLashError(error, 'SessionDeleted') || isLashError(error, 'SessionNotFound');
}
