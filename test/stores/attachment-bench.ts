import { deleteDB } from 'idb';

import { isLashError } from '../../src/core/error.ts';
import type { SweepReport } from '../../src/core/maintenance.ts';
import { adopt, ADOPTION_STORES } from '../../src/stores/indexeddb/attachments/adoption.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { HeadRow, StoreName } from '../../src/stores/indexeddb/rows/schema.ts';
import {
  type AttachmentSweepOptions,
  sweepAttachments,
} from '../../src/stores/indexeddb/upkeep/attachment-sweep.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

/** Waits until a test lets the next transaction begin, or rejects to end whoever asked for it there. */
export type Gate = () => Promise<void>;

/** What is known of the bytes that these tests put. */
export const META = { mime: 'application/octet-stream' } as const;

/** A database with attachments and rows of heads, and no sessions besides. */
export class AttachmentBench {
  readonly name: string = `attachments-${crypto.randomUUID()}`;
  readonly clock: ManualClock = new ManualClock();
  readonly database: IndexedDbDatabase = IndexedDbDatabase.open(this.name);
  readonly store: IndexedDbAttachmentStore = this.storeBehind(this.database);
  #operations = 0;

  /** Runs `body` on a database of its own, and takes it away again. */
  static async run(body: (bench: AttachmentBench) => Promise<void>): Promise<void> {
    const bench = new AttachmentBench();
    try {
      await body(bench);
    } finally {
      await bench.database.close();
      await deleteDB(bench.name);
    }
  }

  /** The same database, whose transactions wait at `gate` before they begin. */
  gated(gate: Gate): IndexedDbDatabase {
    const { database } = this;
    const transaction: IndexedDbDatabase['transaction'] = async (options, body) => {
      await gate();
      return database.transaction(options, body);
    };
    return { name: this.name, transaction } as unknown as IndexedDbDatabase;
  }

  /** A store on this database. */
  storeBehind(database: IndexedDbDatabase): IndexedDbAttachmentStore {
    return new IndexedDbAttachmentStore(database, { clock: this.clock });
  }

  /** A sweep of all, at any age, unless the options say otherwise. */
  sweep(
    options: Partial<AttachmentSweepOptions> = {},
    database: IndexedDbDatabase = this.database,
  ): Promise<SweepReport> {
    const defaults = { keepYoungerThanMs: 0, now: this.clock.now(), counts: newCounts() };
    return sweepAttachments(database, { ...defaults, ...options });
  }

  /** Adopts attachments as a commit does. Returns whether they were stored. */
  async commit(ids: readonly string[], sessionId = 'session', database = this.database): Promise<boolean> {
    const operationId = `op-${this.#operations++}`;
    const options = { stores: ADOPTION_STORES, mode: 'readwrite', counts: newCounts() } as const;
    try {
      await database.transaction(options, (rows) => adopt(rows, sessionId, operationId, ids));
      return true;
    } catch (error) {
      if (isLashError(error, 'AttachmentNotFound')) return false;
      throw error;
    }
  }

  /** An attachment that is referred to, so that a sweep is not blind. */
  async anchor(): Promise<string> {
    const { id } = await this.store.put(new Blob(['anchor']), META);
    await this.commit([id], 'anchor');
    return id;
  }

  /** Writes a session's head row, as far as attachments look at it. */
  async head(row: Partial<HeadRow> & { readonly sessionId: string; readonly epoch?: number }): Promise<void> {
    const options = { stores: ['heads'], mode: 'readwrite', counts: newCounts() } as const;
    await this.database.transaction(options, async (rows) => rows.put('heads', row as HeadRow));
  }

  /** The rows of an object store. */
  rows(store: StoreName): Promise<readonly unknown[]> {
    const options = { stores: [store], mode: 'readonly', counts: newCounts() } as const;
    return this.database.transaction(options, (rows) => rows.getAll(store));
  }

  /** The keys of all chunks. */
  chunkKeys(): Promise<readonly IDBValidKey[]> {
    const options = { stores: ['chunks'], mode: 'readonly', counts: newCounts() } as const;
    return this.database.transaction(options, (rows) => rows.getKeys('chunks', null));
  }
}

/** Something that goes on from gate to gate only when it is told to. */
export class Fibre {
  readonly result: Promise<unknown>;
  ended = false;
  #pass: (() => void) | undefined;
  #idle = Promise.withResolvers<void>();

  constructor(run: (gate: Gate) => Promise<unknown>) {
    const end = (): void => {
      this.ended = true;
      this.#idle.resolve();
    };
    this.result = run(
      () =>
        new Promise((resolve) => {
          this.#pass = resolve;
          this.#idle.resolve();
        }),
    );
    this.result.then(end, end);
  }

  /** Resolves when it waits at a gate, or has ended. */
  async idle(): Promise<void> {
    await this.#idle.promise;
  }

  /** Lets it go on to its next gate, or its end. */
  async step(): Promise<void> {
    this.#idle = Promise.withResolvers();
    this.#pass?.();
    await this.idle();
  }

  async finish(): Promise<unknown> {
    await this.idle();
    while (!this.ended) await this.step();
    return this.result;
  }
}

/** Runs fibres to their ends, one transaction at a time, in the order that `choose` says. */
export async function interleave(
  fibres: readonly Fibre[],
  choose: (options: number) => number,
  afterStep: () => Promise<void>,
): Promise<void> {
  for (const fibre of fibres) await fibre.idle();
  for (;;) {
    const waiting = fibres.filter((fibre) => !fibre.ended);
    if (waiting.length === 0) break;
    await waiting[choose(waiting.length)]?.step();
    await afterStep();
  }
  await Promise.all(fibres.map((fibre) => fibre.result));
}

/** Calls `run` once for each way in which its choices can fall. Returns how many there are. */
export async function inEveryOrder(
  run: (choose: (options: number) => number, turn: number) => Promise<void>,
): Promise<number> {
  let wanted: readonly number[] = [];
  for (let turn = 0; ; turn++) {
    const taken: { readonly at: number; readonly of: number }[] = [];
    await run((of) => {
      const at = wanted[taken.length] ?? 0;
      taken.push({ at, of });
      return at;
    }, turn);
    while (taken.length > 0 && (taken.at(-1)?.at ?? 0) + 1 === taken.at(-1)?.of) taken.pop();
    if (taken.length === 0) return turn + 1;
    wanted = taken.map(({ at }, index) => (index === taken.length - 1 ? at + 1 : at));
  }
}
