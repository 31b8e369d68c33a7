import { LashError } from '../../core/error.ts';

/** What a writer of epoch `expected` is told once another one has taken over (law ST3). */
export function fenced(expected: number, actual: number): LashError<'WriterFenced'> {
  return new LashError('WriterFenced', 'Another tab took the session over', { expected, actual });
}
