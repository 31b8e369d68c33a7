import { describe, expect, test } from 'vitest';

import { countBatch, dropLine, traceLine } from '../../src/sinks/trace-line.ts';
import { toRuns } from '../../src/sinks/trace-run.ts';
import { recordOf } from './records.ts';

const line = (session: string | undefined, id: string) => traceLine(recordOf(session, id));

describe('a line of a trace', () => {
  test('[TR1] is one record as JSON, and counts its bytes as UTF-8', () => {
    const record = { ...recordOf('s', 'ü漢🔑'), name: 'two\nlines' };
    const { text, bytes } = traceLine(record);
    expect(JSON.parse(text)).toEqual(record);
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(bytes).toBe(new TextEncoder().encode(text).length);
  });

  test('[TR2] that reports drops stands for all of them', () => {
    const dropped = { records: 7, bytes: 900 };
    expect(dropLine(dropped, 's').standsFor).toEqual(dropped);
    expect(JSON.parse(dropLine(dropped, 's').text)).toMatchObject({
      context: { session_id: 's' },
      payload: dropped,
    });
    expect(JSON.parse(dropLine(dropped, '').text)).toMatchObject({ context: {} });
  });
});

describe('lines that wait', () => {
  const lines = [line('a', '1'), line('a', '2'), line('b', '3'), line('a', '4'), line(undefined, '5')];
  const size = lines[0]?.bytes ?? 0;

  test('[TR2] go in batches of bounded size, one line at least', () => {
    expect(countBatch(lines, 5, 2 * size)).toBe(2);
    expect(countBatch(lines, 5, 2 * size - 1)).toBe(1);
    expect(countBatch(lines, 5, 1)).toBe(1);
    expect(countBatch(lines, 2, 1_000_000)).toBe(2);
    expect(countBatch([], 0, 10)).toBe(0);
  });

  test('[TR1] keep their order as runs of one session', () => {
    const runs = toRuns(lines);
    expect(runs.map(({ sessionId, standsFor }) => [sessionId, standsFor.records])).toEqual([
      ['a', 2],
      ['b', 1],
      ['a', 1],
      ['', 1],
    ]);
    expect(runs.map(({ text }) => text).join('')).toBe(lines.map(({ text }) => text).join(''));
    expect(runs[0]?.bytes).toBe(2 * size);
    expect(toRuns([])).toEqual([]);
  });
});
