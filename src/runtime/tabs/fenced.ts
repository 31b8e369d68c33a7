import { isLashError, LashError } from '../../core/error.ts';

/** What a writer of epoch `expected` is told once another one has taken over (law ST3). */
export function fenced(expected: number, actual: number): LashError<'WriterFenced'> {
  return new LashError('WriterFenced', 'Another tab took the session over', { expected, actual });
}

/** Does `work` again if it was fenced: whoever took the session over then says what becomes of it. */
export async function againIfFenced<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLashError(error, 'WriterFenced')) throw error;
    return await work();
  }
}
