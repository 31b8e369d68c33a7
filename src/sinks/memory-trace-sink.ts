import type { TraceRecord, TraceSink } from '../contract/trace.ts';
import { addDrops, type DropCount, dropRecord, NO_DROPS } from './trace-drops.ts';
import { traceLine } from './trace-line.ts';

/** Keeps the newest records in memory, for tests and for a page that shows what happens. */
export class MemoryTraceSink implements TraceSink {
  readonly #maxRecords: number;
  readonly #records: TraceRecord[] = [];
  #dropped: DropCount = NO_DROPS;

  /** Keeps at most `maxRecords`, 10,000 by default; beyond it the oldest one goes (law TR2). */
  constructor({ maxRecords = 10_000 }: { readonly maxRecords?: number } = {}) {
    this.#maxRecords = maxRecords;
  }

  /** What is kept, oldest first. If older ones are gone, a record `trace_dropped` in front says how many. */
  get records(): readonly TraceRecord[] {
    const records = [...this.#records];
    return this.#dropped.records === 0 ? records : [dropRecord(this.#dropped, undefined), ...records];
  }

  append(record: TraceRecord): void {
    this.#records.push(record);
    if (this.#records.length <= this.#maxRecords) return;
    for (const oldest of this.#records.splice(0, this.#records.length - this.#maxRecords)) {
      this.#dropped = addDrops(this.#dropped, { records: 1, bytes: traceLine(oldest).bytes });
    }
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
