import { loadModule } from '../contract/load-module.ts';
import type { ReadableTrace, TraceChunk, TraceRecord } from '../contract/trace.ts';
import type { StoredTrace } from './stored-trace.ts';
import { addDrops, type DropCount, NO_DROPS } from './trace-drops.ts';
import { countBatch, dropLine, type TraceLine, traceLine } from './trace-line.ts';

/** Options of a {@link JsonlTraceSink}. */
export interface JsonlTraceOptions {
  /** The sessions' database; the trace lies in `<database>.trace`. Default: `lash-web`. */
  readonly database?: string;
  /** How many bytes of lines the trace may have; beyond it the oldest ones go. Default: 64 MiB. */
  readonly maxBytes?: number;
}

const KIB = 1024;
const MAX_WAITING_BYTES = 4096 * KIB;
const MAX_BATCH_BYTES = 256 * KIB;
const FLUSH_AFTER_MS = 250;

/**
 * A trace that is kept in the browser and downloaded as `<name>.jsonl`.
 *
 * Records are stored in batches: 250 ms after the first one, when 256 KiB wait, or on `flush`. At most 4 MiB wait in
 * memory. What cannot be kept (too much waits, the database fails) is counted, and a `custom` record `trace_dropped` of
 * the session stands in its place once records are stored again. What was rotated away is reported in the same way at
 * the beginning of what is read. Several tabs may write to one trace. What waits is lost when the worker is killed.
 */
export class JsonlTraceSink implements ReadableTrace {
  readonly name: string;
  readonly #databaseName: string;
  #stored: StoredTrace | undefined;
  readonly #maxBytes: number;
  readonly #batchBytes: number;
  readonly #waiting: TraceLine[] = [];
  #waitingBytes = 0;
  readonly #dropped = new Map<string, DropCount>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #writeQueued = false;
  #closed = false;

  constructor(name: string, options: JsonlTraceOptions = {}) {
    const { database = 'lash-web', maxBytes = 65_536 * KIB } = options;
    this.name = name;
    this.#databaseName = `${database}.trace`;
    this.#maxBytes = maxBytes;
    this.#batchBytes = Math.min(MAX_BATCH_BYTES, Math.floor(maxBytes / 4));
  }

  append(record: TraceRecord): void {
    if (this.#closed) return;
    this.#accept(record);
    if (this.#waitingBytes >= this.#batchBytes) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS);
  }

  /** Stores what waits. It does not reject: what cannot be stored is counted as dropped. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#writeQueued) {
      this.#writeQueued = true;
      this.#writing = this.#writing.then(() => {
        this.#writeQueued = false;
        return this.#write();
      });
    }
    return this.#writing;
  }

  /** Stores what waits and closes the database. Records that are appended later are ignored. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    await this.#stored?.close();
  }

  /** @throws `StorageUnavailable`, `ModuleLoadFailed`, `InvalidInput` for a cursor that is none */
  async readLines(request: {
    readonly sessionId?: string;
    readonly cursor?: string;
    readonly maxBytes: number;
  }): Promise<TraceChunk> {
    await this.flush();
    return await (await this.#open()).read(request);
  }

  /** Removes all lines of a session for good. @throws `StorageUnavailable`, `ModuleLoadFailed`; what was removed by then stays so */
  async deleteSession(sessionId: string): Promise<void> {
    await this.flush();
    await (await this.#open()).deleteSession(sessionId);
  }

  #accept(record: TraceRecord): void {
    let line: TraceLine;
    try {
      line = traceLine(record);
    } catch {
      this.#drop(record.context.session_id ?? '', { records: 1, bytes: 0 });
      return;
    }
    const room = Math.min(this.#maxBytes, MAX_WAITING_BYTES) - this.#waitingBytes;
    if (line.bytes > room) {
      this.#drop(line.sessionId, line.standsFor);
    } else {
      this.#reportDrops();
      this.#wait(line);
    }
  }

  #wait(line: TraceLine): void {
    this.#waiting.push(line);
    this.#waitingBytes += line.bytes;
  }

  #drop(sessionId: string, count: DropCount): void {
    this.#dropped.set(sessionId, addDrops(this.#dropped.get(sessionId) ?? NO_DROPS, count));
  }

  #reportDrops(): void {
    for (const [sessionId, count] of this.#dropped) this.#wait(dropLine(count, sessionId));
    this.#dropped.clear();
  }

  async #write(): Promise<void> {
    this.#reportDrops();
    for (let left = this.#waiting.length; left > 0;) {
      const batch = this.#waiting.slice(0, countBatch(this.#waiting, left, this.#batchBytes));
      try {
        await (await this.#open()).append(batch);
      } catch {
        for (const line of batch) this.#drop(line.sessionId, line.standsFor);
      }
      this.#waiting.splice(0, batch.length);
      this.#waitingBytes -= batch.reduce((sum, line) => sum + line.bytes, 0);
      left -= batch.length;
    }
  }

  /** Its code is loaded when the first lines are to be stored. */
  async #open(): Promise<StoredTrace> {
    const { StoredTrace: Stored } = await loadModule('stored-trace', import('./stored-trace.ts'));
    return (this.#stored ??= new Stored(this.name, this.#databaseName, this.#maxBytes));
  }
}
