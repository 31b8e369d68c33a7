import { afterEach, describe, expect, test, vi } from 'vitest';

import { parseTraceRecord } from '../../src/contract/trace-schema.ts';
import type { TraceRecord } from '../../src/contract/trace.ts';
import { JsonlTraceSink } from '../../src/sinks/jsonl-trace-sink.ts';
import { eventually } from '../support/eventually.ts';
import { recordOf } from './records.ts';

const KIB = 1024;

/** A database that no other test uses. */
const newDatabase = (): string => `trace-test-${crypto.randomUUID()}`;

interface Reading {
  readonly records: readonly TraceRecord[];
  readonly chunks: readonly string[];
}

async function readAll(sink: JsonlTraceSink, sessionId?: string, maxBytes = 64 * KIB): Promise<Reading> {
  const chunks: string[] = [];
  let cursor: string | undefined;
  for (let done = false; !done;) {
    const request = { maxBytes, ...(sessionId === undefined ? {} : { sessionId }) };
    const chunk = await sink.readLines(cursor === undefined ? request : { ...request, cursor });
    ({ cursor, done } = chunk);
    chunks.push(chunk.text);
  }
  const lines = chunks.join('').split('\n').slice(0, -1);
  return { records: lines.map((line) => parseTraceRecord(JSON.parse(line))), chunks };
}

const ids = ({ records }: Reading): readonly string[] =>
  records.map((record) => (record.type === 'custom' && record.name === 'test' ? record.id : 'dropped'));

/** What a reading reports as dropped, in total. */
function dropped({ records }: Reading): { records: number; bytes: number } {
  const sum = { records: 0, bytes: 0 };
  for (const record of records) {
    if (record.type !== 'custom' || record.name !== 'trace_dropped') continue;
    const payload = record.payload as { records: number; bytes: number };
    sum.records += payload.records;
    sum.bytes += payload.bytes;
  }
  return sum;
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a JSONL trace', () => {
  test('[TR1] is read in the order in which it was appended, whole or of one session', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    const sessions = ['a', 'a', 'b', 'a', undefined, 'b'];
    sessions.forEach((session, index) => sink.append(recordOf(session, String(index))));
    expect(ids(await readAll(sink))).toEqual(['0', '1', '2', '3', '4', '5']);
    expect(ids(await readAll(sink, 'a'))).toEqual(['0', '1', '3']);
    expect(ids(await readAll(sink, 'b'))).toEqual(['2', '5']);
    expect(ids(await readAll(sink, 'c'))).toEqual([]);
    await sink.close();
  });

  test('[TS2] is stored by flush, and after a while by itself', async () => {
    const database = newDatabase();
    const [writer, reader] = [new JsonlTraceSink('t', { database }), new JsonlTraceSink('t', { database })];
    writer.append(recordOf('a', '0'));
    await writer.flush();
    expect(ids(await readAll(reader))).toEqual(['0']);
    writer.append(recordOf('a', '1'));
    await eventually(async () => expect(ids(await readAll(reader))).toEqual(['0', '1']));
    await Promise.all([writer.close(), reader.close()]);
  });

  test('[TR2] is stored without a wait once a batch is full', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation(() => 0);
    const database = newDatabase();
    const [writer, reader] = [new JsonlTraceSink('t', { database }), new JsonlTraceSink('t', { database })];
    for (let index = 0; index < 3; index++) writer.append(recordOf('a', String(index), 100 * KIB));
    timers.mockRestore();
    await eventually(async () => expect(ids(await readAll(reader))).toEqual(['0', '1', '2']));
    await Promise.all([writer.close(), reader.close()]);
  });

  test('[TR2] goes on where it was after a reload', async () => {
    const database = newDatabase();
    for (const id of ['0', '1', '2']) {
      const sink = new JsonlTraceSink('t', { database });
      sink.append(recordOf('a', id));
      await sink.close();
    }
    expect(ids(await readAll(new JsonlTraceSink('t', { database })))).toEqual(['0', '1', '2']);
  });

  test('[TR2] takes the lines of two tabs without loss', async () => {
    const database = newDatabase();
    const tabs = ['a', 'b'].map((session) => ({ session, sink: new JsonlTraceSink('t', { database }) }));
    for (let round = 0; round < 10; round++) {
      for (const { session, sink } of tabs) sink.append(recordOf(session, `${session}${round}`));
      await Promise.all(tabs.map(({ sink }) => sink.flush()));
    }
    const [first] = tabs;
    const all = await readAll(first!.sink);
    expect(ids(all).toSorted()).toEqual(
      tabs.flatMap(({ session }) => Array.from({ length: 10 }, (_, round) => `${session}${round}`)),
    );
    for (const { session, sink } of tabs) {
      expect(ids(await readAll(sink, session))).toEqual(
        Array.from({ length: 10 }, (_, round) => `${session}${round}`),
      );
    }
    await Promise.all(tabs.map(({ sink }) => sink.close()));
  });

  test('[TR2] keeps traces of different names apart', async () => {
    const database = newDatabase();
    const [one, two] = [new JsonlTraceSink('one', { database }), new JsonlTraceSink('two', { database })];
    one.append(recordOf('a', '1'));
    two.append(recordOf('a', '2'));
    expect(ids(await readAll(one))).toEqual(['1']);
    expect(ids(await readAll(two, 'a'))).toEqual(['2']);
    await Promise.all([one.close(), two.close()]);
  });

  test('[TR3] is read in chunks of bounded size that add up to the whole', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    for (let index = 0; index < 100; index++) {
      sink.append(recordOf('a', String(index), 10 * KIB));
      if (index % 5 === 4) await sink.flush();
    }
    const reading = await readAll(sink, undefined, 128 * KIB);
    expect(ids(reading)).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
    expect(reading.chunks.length).toBeGreaterThan(7);
    for (const chunk of reading.chunks) expect(chunk.length).toBeLessThanOrEqual(128 * KIB);
    await sink.close();
  });

  test('[TR3] a chunk holds one stored batch at least, and no batch is over 256 KiB', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    for (let index = 0; index < 100; index++) sink.append(recordOf('a', String(index), 10 * KIB));
    const { chunks } = await readAll(sink, undefined, 1);
    for (const chunk of chunks) expect(chunk.length).toBeLessThanOrEqual(256 * KIB);
    await sink.close();
  });

  test('[TR3] what is appended while it is read is found behind the cursor', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    sink.append(recordOf('a', '0'));
    const first = await sink.readLines({ maxBytes: KIB });
    expect(first.done).toBe(true);
    sink.append(recordOf('a', '1'));
    const next = await sink.readLines({ maxBytes: KIB, cursor: first.cursor });
    expect(next.text).toContain('"id":"1"');
    expect(next.text).not.toContain('"id":"0"');
    await sink.close();
  });

  test('[TR3] a cursor that is none is refused', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    await expect(sink.readLines({ maxBytes: KIB, cursor: 'rubbish' })).rejects.toMatchObject({
      code: 'InvalidInput',
      data: { path: 'cursor' },
    });
    await sink.close();
  });

  test('[ST12] forgets a deleted session and keeps the others', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    for (let index = 0; index < 250; index++) {
      sink.append(recordOf(index % 2 === 0 ? 'a' : 'b', String(index)));
    }
    await sink.deleteSession('a');
    expect(ids(await readAll(sink, 'a'))).toEqual([]);
    expect(ids(await readAll(sink))).toEqual(
      Array.from({ length: 125 }, (_, index) => String(2 * index + 1)),
    );
    await sink.close();
  });
});

describe('a JSONL trace at its bound', () => {
  test('[TR2] drops the oldest lines and says at the beginning how much is gone', async () => {
    const maxBytes = 40 * KIB;
    const sink = new JsonlTraceSink('t', { database: newDatabase(), maxBytes });
    for (let index = 0; index < 100; index++) {
      sink.append(recordOf(index < 50 ? 'a' : 'b', String(index), KIB));
      await sink.flush();
    }
    const reading = await readAll(sink);
    const [report, ...kept] = ids(reading);
    expect(report).toBe('dropped');
    expect(kept).toEqual(
      Array.from({ length: kept.length }, (_, index) => String(100 - kept.length + index)),
    );
    expect(kept.length).toBeGreaterThan(25);
    expect(reading.chunks.join('').length).toBeLessThanOrEqual(maxBytes + 512);
    expect(dropped(reading).records).toBe(100 - kept.length);
    expect(dropped(await readAll(sink, 'a'))).toMatchObject({ records: 50 });
    expect(dropped(await readAll(sink, 'b'))).toMatchObject({ records: 50 - kept.length });
    await sink.close();
  });

  test('[TR3] what is rotated away between two chunks is reported in the second', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase(), maxBytes: 8 * KIB });
    const append = async (from: number): Promise<void> => {
      for (let index = from; index < from + 6; index++) {
        sink.append(recordOf('a', String(index), KIB));
        await sink.flush();
      }
    };
    await append(0);
    const first = await sink.readLines({ maxBytes: 1 });
    expect(first.done).toBe(false);
    expect(first.text).not.toContain('trace_dropped');
    await append(6);
    const second = await sink.readLines({ maxBytes: 1, cursor: first.cursor });
    expect(second.text).toContain('trace_dropped');
    await sink.close();
  });

  test('[TR2] drops what does not fit into memory, reports it in its place, and goes on', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    for (let index = 0; index < 500; index++) sink.append(recordOf('a', String(index), 16 * KIB));
    await sink.flush();
    sink.append(recordOf('a', 'last'));
    const reading = await readAll(sink, 'a');
    const kept = ids(reading);
    const count = kept.length - 2;
    expect(count).toBeGreaterThan(200);
    expect(count).toBeLessThan(256);
    expect(kept).toEqual([...Array.from({ length: count }, (_, index) => String(index)), 'dropped', 'last']);
    expect(dropped(reading).records).toBe(500 - count);
    expect(dropped(reading).bytes).toBeGreaterThan((500 - count) * 16 * KIB);
    await sink.close();
  });

  test('[TR2] a record that is larger than the trace may be is dropped and reported', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase(), maxBytes: 4 * KIB });
    sink.append(recordOf('a', 'huge', 5 * KIB));
    sink.append(recordOf('a', 'small'));
    expect(ids(await readAll(sink))).toEqual(['dropped', 'small']);
    await sink.close();
  });
});

describe('a JSONL trace whose database fails', () => {
  test('[TR2] neither throws nor rejects, and reports what it lost once the database works again', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    sink.append(recordOf('a', '0'));
    await sink.flush();
    const add = vi.spyOn(IDBObjectStore.prototype, 'add').mockImplementation(() => {
      throw new DOMException('no space', 'QuotaExceededError');
    });
    for (const id of ['1', '2']) sink.append(recordOf('a', id));
    await sink.flush();
    sink.append(recordOf('b', '3'));
    await sink.flush();
    expect(add).toHaveBeenCalled();
    add.mockRestore();
    sink.append(recordOf('a', '4'));
    const reading = await readAll(sink);
    expect(ids(reading)).toEqual(['0', 'dropped', 'dropped', '4']);
    expect(dropped(reading).records).toBe(3);
    expect(dropped(await readAll(sink, 'b')).records).toBe(1);
    await sink.close();
  });

  test('[TR2] keeps counting while the report itself cannot be stored', async () => {
    const sink = new JsonlTraceSink('t', { database: newDatabase() });
    const open = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('closed', 'UnknownError');
    });
    for (const id of ['0', '1', '2']) {
      sink.append(recordOf('a', id));
      await sink.flush();
    }
    open.mockRestore();
    const reading = await readAll(sink);
    expect(ids(reading)).toEqual(['dropped']);
    expect(dropped(reading).records).toBe(3);
    await sink.close();
  });

  test('[TR2] refuses a reading with a typed error', async () => {
    const database = newDatabase();
    const sink = new JsonlTraceSink('t', { database });
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
      throw new DOMException('closed', 'UnknownError');
    });
    await expect(sink.readLines({ maxBytes: KIB })).rejects.toMatchObject({
      code: 'StorageUnavailable',
      data: { database: `${database}.trace` },
    });
  });

  test('[TR2] connects anew after its database was deleted', async () => {
    const database = newDatabase();
    const sink = new JsonlTraceSink('t', { database });
    sink.append(recordOf('a', '0'));
    await sink.flush();
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase(`${database}.trace`);
      request.addEventListener('success', resolve);
      request.addEventListener('error', reject);
    });
    sink.append(recordOf('a', '1'));
    expect(ids(await readAll(sink))).toEqual(['1']);
    await sink.close();
  });
});
