import type { TraceRecord } from '../contract/trace.ts';

/** How much of a trace is missing: records, and the bytes of their lines. */
export interface DropCount {
  readonly records: number;
  readonly bytes: number;
}

/** Nothing is missing. */
export const NO_DROPS: DropCount = Object.freeze({ records: 0, bytes: 0 });

/** The sum of two counts. */
export function addDrops(a: DropCount, b: DropCount): DropCount {
  return { records: a.records + b.records, bytes: a.bytes + b.bytes };
}

/** The record that says how much is missing (law TR2), of a session or, without one, of the whole trace. */
export function dropRecord(count: DropCount, sessionId: string | undefined): TraceRecord {
  return {
    schema_version: 2,
    id: crypto.randomUUID(),
    timestamp: new Date().toISOString(),
    context: sessionId === undefined ? {} : { session_id: sessionId },
    type: 'custom',
    name: 'trace_dropped',
    payload: { records: count.records, bytes: count.bytes },
  };
}
