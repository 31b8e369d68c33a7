import { LashError } from '../../core/error.ts';

/** The error of a file that cannot be imported, naming the line, counted from 1 (law SE2). */
export function importInvalid(line: number, reason: string, cause?: unknown): LashError<'ImportInvalid'> {
  const message = `Line ${line} cannot be imported: ${reason}`;
  return new LashError('ImportInvalid', message, { line, reason }, cause === undefined ? {} : { cause });
}
