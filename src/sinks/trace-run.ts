import { addDrops, NO_DROPS } from './trace-drops.ts';
import type { TraceLine } from './trace-line.ts';

/** Consecutive lines of one session, as one. */
export type TraceRun = TraceLine;

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
