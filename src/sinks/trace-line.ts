import type { TraceRecord } from '../contract/trace.ts';
import { utf8Length } from '../core/json.ts';
import { type DropCount, dropRecord } from './trace-drops.ts';

/** One record as the text that is stored and downloaded. */
export interface TraceLine {
  /** Empty where the record names none. */
  readonly sessionId: string;
  /** JSON and a line break. */
  readonly text: string;
  /** Of the text as UTF-8. */
  readonly bytes: number;
  /** What is missing from the trace when this line is lost: itself, or all that it reports as dropped. */
  readonly standsFor: DropCount;
}

/** `record` as a line. */
export function traceLine(record: TraceRecord): TraceLine {
  const text = `${JSON.stringify(record)}\n`;
  const bytes = utf8Length(text);
  return { sessionId: record.context.session_id ?? '', text, bytes, standsFor: { records: 1, bytes } };
}

/** The line that reports what a session lost. */
export function dropLine(dropped: DropCount, sessionId: string): TraceLine {
  return {
    ...traceLine(dropRecord(dropped, sessionId === '' ? undefined : sessionId)),
    standsFor: dropped,
  };
}

/** How many of the first `count` lines have at most `maxBytes` together; one at least. */
export function countBatch(lines: readonly TraceLine[], count: number, maxBytes: number): number {
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    bytes += lines[index]?.bytes ?? 0;
    if (bytes > maxBytes) return Math.max(1, index);
  }
  return count;
}
