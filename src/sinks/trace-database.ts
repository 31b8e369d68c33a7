import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb';

import { addDrops, type DropCount, NO_DROPS } from './trace-drops.ts';
import type { TraceRun } from './trace-run.ts';

/** A run of lines. `sequence` orders the rows of a trace, whatever session or tab they came from. */
interface LineRow extends TraceRun {
  readonly trace: string;
  readonly sequence: number;
}

/** What is known of a trace as a whole. `rotated` counts what had to go for newer lines. */
interface TraceRow {
  readonly trace: string;
  readonly nextSequence: number;
  readonly bytes: number;
  readonly rotated: DropCount;
}

/** The part of `rotated` that was one session's. */
interface SessionRow {
  readonly trace: string;
  readonly sessionId: string;
  readonly rotated: DropCount;
}

interface Schema extends DBSchema {
  lines: { key: [string, string, number]; value: LineRow; indexes: { order: [string, number] } };
  traces: { key: string; value: TraceRow };
  sessions: { key: [string, string]; value: SessionRow };
}

type Database = IDBPDatabase<Schema>;
type StoreName = 'lines' | 'traces' | 'sessions';
type Transaction<Mode extends IDBTransactionMode> = IDBPTransaction<Schema, StoreName[], Mode>;

/** What a page of a trace holds: the text, where it ends, and how much had been rotated away by then. */
export interface TracePage {
  readonly text: string;
  /** The sequence of the last row of the page; `after` itself if there was none. */
  readonly sequence: number;
  readonly done: boolean;
  readonly rotated: DropCount;
}

const STORES: StoreName[] = ['lines', 'traces', 'sessions'];
const ROWS_PER_DELETION = 100;

/** The database of traces: it connects on first use, and anew after a connection was lost. */
export class TraceDatabase {
  readonly name: string;
  #connection: Promise<Database> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Adds `runs` at the end of a trace, whichever tab wrote there last. What is over `maxBytes` then goes, oldest first,
   * in the same transaction.
   */
  async append(trace: string, runs: readonly TraceRun[], maxBytes: number): Promise<void> {
    await this.#run('readwrite', async (transaction) => {
      const known = await transaction.objectStore('traces').get(trace);
      let { nextSequence, bytes, rotated } = known ?? { nextSequence: 0, bytes: 0, rotated: NO_DROPS };
      for (const run of runs) {
        await transaction.objectStore('lines').add({ ...run, trace, sequence: nextSequence++ });
        bytes += run.bytes;
      }
      if (bytes > maxBytes) {
        const freed = await rotate(transaction, trace, bytes - maxBytes);
        rotated = addDrops(rotated, freed.gone);
        bytes -= freed.bytes;
      }
      await transaction.objectStore('traces').put({ trace, nextSequence, bytes, rotated });
    });
  }

  /** Rows behind `after`, of one session or of all: as many as fit into `maxBytes`, one at least. */
  async read(
    trace: string,
    sessionId: string | undefined,
    after: number,
    maxBytes: number,
  ): Promise<TracePage> {
    return this.#run('readonly', async (transaction) => {
      const rotated =
        sessionId === undefined
          ? (await transaction.objectStore('traces').get(trace))?.rotated
          : (await transaction.objectStore('sessions').get([trace, sessionId]))?.rotated;
      const page = { text: '', sequence: after, done: true, rotated: rotated ?? NO_DROPS };
      let bytes = 0;
      let cursor = await openLines(transaction, trace, sessionId, after);
      while (cursor !== null) {
        const row = cursor.value;
        if (bytes > 0 && bytes + row.bytes > maxBytes) return { ...page, done: false };
        page.text += row.text;
        page.sequence = row.sequence;
        bytes += row.bytes;
        cursor = await cursor.continue();
      }
      return page;
    });
  }

  /** Removes a session's lines, in transactions of at most 100 rows. */
  async deleteSession(trace: string, sessionId: string): Promise<void> {
    let deleted: number;
    do {
      deleted = await this.#run('readwrite', (transaction) => deleteSlice(transaction, trace, sessionId));
    } while (deleted === ROWS_PER_DELETION);
  }

  /** Closes the connection; a later call opens it again. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) (await connection).close();
  }

  async #run<T, Mode extends 'readonly' | 'readwrite'>(
    mode: Mode,
    body: (transaction: Transaction<Mode>) => Promise<T>,
  ): Promise<T> {
    const transaction = await this.#begin(mode);
    const ended = transaction.done.then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    let result: T;
    try {
      result = await body(transaction);
    } catch (error) {
      abort(transaction);
      await ended;
      throw transaction.error ?? error;
    }
    const failed = await ended;
    if (failed !== undefined) throw transaction.error ?? failed.error;
    return result;
  }

  /** A connection that turns out to be dead is made anew once: nothing can have happened on it. */
  async #begin<Mode extends 'readonly' | 'readwrite'>(mode: Mode): Promise<Transaction<Mode>> {
    const database = await this.#connect();
    try {
      return database.transaction(STORES, mode, { durability: 'relaxed' });
    } catch {
      this.#connection = undefined;
      return (await this.#connect()).transaction(STORES, mode, { durability: 'relaxed' });
    }
  }

  #connect(): Promise<Database> {
    if (this.#connection !== undefined) return this.#connection;
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    const connection = open(this.name, forget);
    this.#connection = connection;
    void connection.catch(forget);
    return connection;
  }
}

async function open(name: string, onLost: () => void): Promise<Database> {
  return openDB<Schema>(name, 1, {
    upgrade(database) {
      const lines = database.createObjectStore('lines', { keyPath: ['trace', 'sessionId', 'sequence'] });
      lines.createIndex('order', ['trace', 'sequence']);
      database.createObjectStore('traces', { keyPath: 'trace' });
      database.createObjectStore('sessions', { keyPath: ['trace', 'sessionId'] });
    },
    blocking(_current, _wanted, event) {
      onLost();
      (event.target as IDBDatabase).close();
    },
    terminated: onLost,
  });
}

/** Removes whole rows from the beginning until `excess` bytes are free, and says what is missing now. */
async function rotate(
  transaction: Transaction<'readwrite'>,
  trace: string,
  excess: number,
): Promise<{ readonly gone: DropCount; readonly bytes: number }> {
  const sessions = new Map<string, DropCount>();
  let gone = NO_DROPS;
  let bytes = 0;
  let cursor = await transaction.objectStore('lines').index('order').openCursor(ofTrace(trace, -1));
  while (cursor !== null && bytes < excess) {
    const row = cursor.value;
    gone = addDrops(gone, row.standsFor);
    bytes += row.bytes;
    sessions.set(row.sessionId, addDrops(sessions.get(row.sessionId) ?? NO_DROPS, row.standsFor));
    await cursor.delete();
    cursor = await cursor.continue();
  }
  for (const [sessionId, count] of sessions) {
    const known = await transaction.objectStore('sessions').get([trace, sessionId]);
    const rotated = addDrops(known?.rotated ?? NO_DROPS, count);
    await transaction.objectStore('sessions').put({ trace, sessionId, rotated });
  }
  return { gone, bytes };
}

async function deleteSlice(
  transaction: Transaction<'readwrite'>,
  trace: string,
  sessionId: string,
): Promise<number> {
  let rows = 0;
  let bytes = 0;
  let cursor = await transaction.objectStore('lines').openCursor(ofSession(trace, sessionId, -1));
  while (cursor !== null && rows < ROWS_PER_DELETION) {
    rows++;
    bytes += cursor.value.bytes;
    await cursor.delete();
    cursor = await cursor.continue();
  }
  const known = await transaction.objectStore('traces').get(trace);
  if (known !== undefined)
    await transaction.objectStore('traces').put({ ...known, bytes: known.bytes - bytes });
  await transaction.objectStore('sessions').delete([trace, sessionId]);
  return rows;
}

function openLines(
  transaction: Transaction<'readonly'>,
  trace: string,
  sessionId: string | undefined,
  after: number,
) {
  const lines = transaction.objectStore('lines');
  return sessionId === undefined
    ? lines.index('order').openCursor(ofTrace(trace, after))
    : lines.openCursor(ofSession(trace, sessionId, after));
}

function ofTrace(trace: string, after: number): IDBKeyRange {
  return IDBKeyRange.bound([trace, after], [trace, Infinity], true);
}

function ofSession(trace: string, sessionId: string, after: number): IDBKeyRange {
  return IDBKeyRange.bound([trace, sessionId, after], [trace, sessionId, Infinity], true);
}

/** Undoes a transaction that did not end by itself already. */
function abort(transaction: { abort(): void }): void {
  try {
    transaction.abort();
  } catch (error) {
    if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') throw error;
  }
}
