import type { TraceRecord } from '../../src/contract/trace.ts';

/** A record of `session` that can be told from others by its id; `padding` makes its line longer. */
export function recordOf(session: string | undefined, id: string, padding = 0): TraceRecord {
  return {
    schema_version: 2,
    id,
    timestamp: '2026-11-22T12:00:00.000Z',
    context: session === undefined ? {} : { session_id: session },
    type: 'custom',
    name: 'test',
    payload: 'x'.repeat(padding),
  };
}
