import type { ReadableTrace, TraceChunk } from '../contract/trace.ts';
import { LashError } from '../core/error.ts';
import { TraceDatabase } from './trace-database.ts';
import { type DropCount, dropRecord, NO_DROPS } from './trace-drops.ts';
import { type TraceLine, traceLine } from './trace-line.ts';
import { toRuns } from './trace-run.ts';

type TraceRequest = Parameters<ReadableTrace['readLines']>[0];

/** The lines of a trace that are stored. */
export class StoredTrace {
  readonly #name: string;
  readonly #database: TraceDatabase;
  readonly #maxBytes: number;

  /** Beyond `maxBytes` the oldest lines go. */
  constructor(name: string, database: string, maxBytes: number) {
    this.#name = name;
    this.#database = new TraceDatabase(database);
    this.#maxBytes = maxBytes;
  }

  /** Adds lines at the end: all or none. @throws what the database throws */
  async append(lines: readonly TraceLine[]): Promise<void> {
    await this.#database.append(this.#name, toRuns(lines), this.#maxBytes);
  }

  /** As `ReadableTrace.readLines`. @throws `StorageUnavailable`, `InvalidInput` for a cursor that is none */
  async read({ sessionId, cursor, maxBytes }: TraceRequest): Promise<TraceChunk> {
    const { sequence, rotated } = parseCursor(cursor);
    const page = await this.#guard(() => this.#database.read(this.#name, sessionId, sequence, maxBytes));
    const missing = {
      records: page.rotated.records - rotated.records,
      bytes: page.rotated.bytes - rotated.bytes,
    };
    const report = missing.records > 0 ? traceLine(dropRecord(missing, sessionId)).text : '';
    return { text: report + page.text, cursor: formatCursor(page), done: page.done };
  }

  /** Removes all lines of a session for good. @throws `StorageUnavailable`; what was removed by then stays so */
  async deleteSession(sessionId: string): Promise<void> {
    await this.#guard(() => this.#database.deleteSession(this.#name, sessionId));
  }

  /** Closes the database. @throws `StorageUnavailable` */
  async close(): Promise<void> {
    await this.#guard(() => this.#database.close());
  }

  async #guard<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      const database = this.#database.name;
      const reason = error instanceof Error ? error.message : String(error);
      const message = `The trace in the database ${database} cannot be read or changed: ${reason}`;
      throw new LashError('StorageUnavailable', message, { database, reason }, { cause: error });
    }
  }
}

interface Cursor {
  readonly sequence: number;
  /** How much had been rotated away when the page behind which it stands was read. */
  readonly rotated: DropCount;
}

const BEGINNING: Cursor = { sequence: -1, rotated: NO_DROPS };

function formatCursor({ sequence, rotated }: Cursor): string {
  return [sequence, rotated.records, rotated.bytes].join(':');
}

function parseCursor(text: string | undefined): Cursor {
  if (text === undefined) return BEGINNING;
  const parts = /^(-1|\d+):(\d+):(\d+)$/.exec(text);
  if (parts !== null) {
    const [sequence = 0, records = 0, bytes = 0] = parts.slice(1).map(Number);
    return { sequence, rotated: { records, bytes } };
  }
  const reason = 'is not the cursor of an earlier page';
  throw new LashError('InvalidInput', `cursor ${reason}`, { path: 'cursor', reason });
}
