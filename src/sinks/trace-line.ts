import type { TraceRecord } from '../contract/trace.ts';
import { utf8Length } from '../core/json.ts';
import { addDrops, type DropCount, dropRecord, NO_DROPS } from './trace-drops.ts';

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

/** Consecutive lines of one session, as one. */
export type TraceRun = TraceLine;

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

/** `lines` as runs, in order. */
export function toRuns(lines: readonly TraceLine[]): readonly TraceRun[] {
  const runs: TraceRun[] = [];
  for (let start = 0; start < lines.length;) {
    const sessionId = lines[start]?.sessionId ?? '';
    const other = lines.findIndex((line, index) => index > start && line.sessionId !== sessionId);
    const end = other === -1 ? lines.length : other;
    runs.push(toRun(sessionId, lines.slice(start, end)));
    start = end;
  }
  return runs;
}

function toRun(sessionId: string, lines: readonly TraceLine[]): TraceRun {
  return {
    sessionId,
    text: lines.map(({ text }) => text).join(''),
    bytes: lines.reduce((sum, { bytes }) => sum + bytes, 0),
    standsFor: lines.reduce((sum, line) => addDrops(sum, line.standsFor), NO_DROPS),
  };
}
