import { isLashError, LashError } from '../../core/error.ts';

/**
 * What is stored cannot be read whole (law ST6). `nodeId` is the node that is the matter, as far as it is known; without a
 * `sessionId` it is no session's.
 */
export function corrupt(
  sessionId: string,
  nodeId: string | null,
  reason: string,
): LashError<'StoredDataCorrupt'> {
  const message = `${sessionId === '' ? 'What is stored' : `Session ${sessionId}`} cannot be read: ${reason}`;
  return new LashError('StoredDataCorrupt', message, { sessionId, nodeId, reason });
}

/** What is damaged, if that is what an error says. @throws the error if it is another one */
export function damageIn(error: unknown): LashError<'StoredDataCorrupt'> {
  if (isLashError(error, 'StoredDataCorrupt')) return error;
  throw error;
}

/** The database could not be opened, or not be used any more. */
export function unavailable(
  database: string,
  reason: string,
  options: { readonly cause?: unknown; readonly retryable?: boolean } = {},
): LashError<'StorageUnavailable'> {
  return new LashError(
    'StorageUnavailable',
    `Database ${database}: ${reason}`,
    { database, reason },
    options,
  );
}

/** The database was deleted since it was first used (law ST16). */
export function wiped(database: string): LashError<'StorageWiped'> {
  return new LashError('StorageWiped', `Database ${database} was deleted`, { database });
}

/** The database did not answer, because another page keeps it from doing so. */
export function blocked(database: string): LashError<'StorageBlocked'> {
  const reason = 'another page keeps it busy';
  return new LashError('StorageBlocked', `Database ${database}: ${reason}`, { database, reason });
}

/**
 * What IndexedDB threw, as an error of this package; an error of this package stays as it is. Browsers tell these cases
 * apart by the name of a `DOMException` only. `attemptedBytes` is what the transaction was to write.
 */
export function toStorageError(database: string, error: unknown, attemptedBytes: number): LashError {
  if (isLashError(error)) return error;
  switch (nameOf(error)) {
    case 'QuotaExceededError': {
      const message = `Database ${database}: the browser's storage is full`;
      return new LashError('StorageFull', message, attemptedBytes === 0 ? {} : { attemptedBytes }, {
        cause: error,
      });
    }
    case 'VersionError': {
      const message = `Database ${database} was written by a newer version of lash-web`;
      return new LashError('SchemaTooNew', message, { database }, { cause: error });
    }
    case undefined:
    case 'ConstraintError':
    case 'DataCloneError':
    case 'DataError':
      return new LashError('Internal', `Database ${database}: ${describe(error)}`, {}, { cause: error });
    default:
      return unavailable(database, describe(error), { cause: error });
  }
}

/** Whether the connection is gone, or may be: a new one can help. */
export function isConnectionLoss(error: unknown): boolean {
  const name = nameOf(error);
  return name === 'InvalidStateError' || name === 'UnknownError';
}

/** Whether an error from within a transaction only says that it ended, not why. */
export function isEndOfTransaction(error: unknown): boolean {
  const name = nameOf(error);
  return name === 'AbortError' || name === 'InvalidStateError';
}

/** Whether a transaction failed because it was to add a row whose key another one has. */
export function isKeyTaken(error: unknown): boolean {
  return isLashError(error, 'Internal') && nameOf(error.cause) === 'ConstraintError';
}

function nameOf(error: unknown): string | undefined {
  return error instanceof DOMException ? error.name : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name} ${error.message}`.trim() : String(error);
}
