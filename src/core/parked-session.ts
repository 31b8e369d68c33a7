import { LashError } from './error.ts';
import { checkId } from './id.ts';

/**
 * A session that was put away: plain data, under 1 KiB whatever its history holds (law RE6). It crosses the worker
 * boundary and may be kept anywhere. It holds no secret, and gives nobody a right to the session.
 */
export interface ParkedSession {
  readonly version: 1;
  readonly sessionId: string;
  /** The database that it lies in. */
  readonly databaseId: string;
  readonly revision: number;
  readonly leaf: string | null;
}

/** Checks what is given as a parked session. @throws `InvalidInput` */
export function checkParkedSession(value: unknown): ParkedSession {
  if (typeof value !== 'object' || value === null) throw invalid('parked', 'is not an object');
  const { version, sessionId, databaseId, revision, leaf } = value as Readonly<Record<string, unknown>>;
  if (version !== 1) throw invalid('parked.version', 'is not 1');
  if (!isRevision(revision)) throw invalid('parked.revision', 'is not a whole number from 0 on');
  return {
    version,
    sessionId: checkId(textOf(sessionId, 'parked.sessionId'), 'parked.sessionId'),
    databaseId: textOf(databaseId, 'parked.databaseId'),
    revision,
    leaf: leaf === null ? null : textOf(leaf, 'parked.leaf'),
  };
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function textOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw invalid(path, 'is not a text');
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
