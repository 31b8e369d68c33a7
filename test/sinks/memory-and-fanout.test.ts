import { describe, expect, test } from 'vitest';

import type { TraceSink } from '../../src/contract/trace.ts';
import { FanoutTraceSink } from '../../src/sinks/fanout-trace-sink.ts';
import { MemoryTraceSink } from '../../src/sinks/memory-trace-sink.ts';
import { recordOf } from './records.ts';

const failing = (failure: Error): TraceSink => ({
  append() {
    throw failure;
  },
  async flush() {
    await Promise.resolve();
    throw failure;
  },
  async close() {
    await Promise.resolve();
    throw failure;
  },
});

describe('a trace in memory', () => {
  test('[TR1] keeps records in order', () => {
    const sink = new MemoryTraceSink();
    const records = ['a', 'b', 'c'].map((id) => recordOf('s', id));
    for (const record of records) sink.append(record);
    expect(sink.records).toEqual(records);
  });

  test('[TR2] drops the oldest beyond its bound and says how many and how much', () => {
    const sink = new MemoryTraceSink({ maxRecords: 2 });
    const records = ['a', 'b', 'c', 'd'].map((id) => recordOf('s', id));
    for (const record of records) sink.append(record);
    const line = JSON.stringify(records[0]).length + 1;
    expect(sink.records).toEqual([
      expect.objectContaining({ name: 'trace_dropped', payload: { records: 2, bytes: 2 * line } }),
      records[2],
      records[3],
    ]);
  });
});

describe('a fanout of traces', () => {
  test('[TR2] gives every record to every sink, also when one of them throws', () => {
    const [first, last] = [new MemoryTraceSink(), new MemoryTraceSink()];
    const fanout = new FanoutTraceSink([first, failing(new Error('no')), last]);
    fanout.append(recordOf('s', 'a'));
    expect(first.records).toHaveLength(1);
    expect(last.records).toHaveLength(1);
    expect(fanout.failures).toBe(1);
  });

  test('[TS2] flushes and closes all of them before it reports the first failure', async () => {
    const done: string[] = [];
    const slow: TraceSink = {
      append: () => undefined,
      flush: async () => {
        await Promise.resolve();
        done.push('flushed');
      },
      close: async () => {
        await Promise.resolve();
        done.push('closed');
      },
    };
    const fanout = new FanoutTraceSink([failing(new Error('no')), slow]);
    await expect(fanout.flush()).rejects.toThrow('no');
    await expect(fanout.close()).rejects.toThrow('no');
    expect(done).toEqual(['flushed', 'closed']);
  });
});
