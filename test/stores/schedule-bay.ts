import { IDBFactory } from 'fake-indexeddb';

import type { SessionLeases } from '../../src/contract/lease.ts';
import type { CommitReceipt, CommitRequest, SessionStore } from '../../src/contract/store.ts';
import { isLashError } from '../../src/core/error.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { LocalSessionLeases } from '../../src/stores/leases/local-leases.ts';
import { equal, ok } from '../../src/testing/assert.ts';
import { type Choose, Fibre, runFibres } from './fibres.ts';
import { findFaults, readRows } from './raw-check.ts';

const NAME = 'schedules';

/** What a tab of a program works with. */
export class ScheduledTab {
  readonly factory: IndexedDbSessionStoreFactory;
  readonly attachments: IndexedDbAttachmentStore;
  readonly database: IndexedDbDatabase;
  readonly #journal: Journal;

  constructor(database: IndexedDbDatabase, leases: SessionLeases, journal: Journal) {
    this.database = database;
    this.factory = new IndexedDbSessionStoreFactory(database);
    Object.defineProperty(this.factory, 'leases', { value: leases });
    this.attachments = new IndexedDbAttachmentStore(database);
    this.#journal = journal;
  }

  open(sessionId = 'session'): Promise<SessionStore> {
    return this.factory.open(sessionId, { kind: 'open' });
  }

  /** Commits, and notes what came of it; `undefined` if it was refused. */
  async commit(store: SessionStore, request: CommitRequest): Promise<CommitReceipt | undefined> {
    const { operationId } = request;
    this.#journal.begun.set(operationId, { sessionId: store.sessionId, request });
    try {
      const receipt = await store.commit(request);
      this.#journal.acknowledged.set(operationId, receipt);
      return receipt;
    } catch (error) {
      if (!isLashError(error)) throw error;
      this.#journal.refused.set(operationId, error.code);
      return undefined;
    }
  }

  /** Tombstones, and notes what went. */
  async tombstone(store: SessionStore, nodeIds: readonly string[]): Promise<readonly string[]> {
    for (const nodeId of nodeIds) this.#journal.givenUp.add(nodeId);
    const { tombstoned, refused } = await store.tombstoneNodes(nodeIds);
    for (const { nodeId } of refused) this.#journal.givenUp.delete(nodeId);
    return tombstoned;
  }

  /** Deletes a session, and notes that. */
  async delete(sessionId: string): Promise<void> {
    this.#journal.deleted.add(sessionId);
    await this.factory.delete(sessionId);
  }

  /** Notes something for the end. */
  note(key: string, value: unknown): void {
    this.#journal.notes.set(key, value);
  }
}

/** What the tabs of one run did, and what they were told. */
export class Journal {
  readonly begun = new Map<string, { readonly sessionId: string; readonly request: CommitRequest }>();
  readonly acknowledged = new Map<string, CommitReceipt>();
  readonly refused = new Map<string, string>();
  readonly givenUp = new Set<string>();
  readonly deleted = new Set<string>();
  readonly notes = new Map<string, unknown>();
  readonly errors: unknown[] = [];
}

/** What several tabs do at once. */
export interface Program {
  readonly name: string;
  /** Whether a tab may also die at any of its transactions. */
  readonly kills: boolean;
  /** Writes what the tabs find. */
  readonly setUp: (tab: ScheduledTab) => Promise<void>;
  readonly tabs: Readonly<Record<string, (tab: ScheduledTab) => Promise<void>>>;
  /** What must hold besides what always must. */
  readonly check?: (end: {
    readonly tab: ScheduledTab;
    readonly journal: Journal;
    readonly killed: boolean;
  }) => Promise<void>;
}

/** Runs a program in one order. @throws `Error` naming the order if anything is not as it must be */
export async function runSchedule(program: Program, choose: Choose): Promise<void> {
  globalThis.indexedDB = new IDBFactory();
  const journal = new Journal();
  const leases = new LocalSessionLeases();
  const opened: IndexedDbDatabase[] = [];
  const open = (): IndexedDbDatabase => {
    const database = IndexedDbDatabase.open(NAME);
    opened.push(database);
    return database;
  };
  let schedule: readonly string[] = [];
  try {
    await program.setUp(new ScheduledTab(open(), leases, journal));
    const fibres = Object.entries(program.tabs).map(([name, body]) => {
      const fibre = new Fibre(name);
      const tab = new ScheduledTab(fibre.hold(open()), fibre.leases(leases), journal);
      const run = (): Promise<void> => body(tab).catch((error: unknown) => void journal.errors.push(error));
      return { fibre, body: run };
    });
    schedule = await runFibres(fibres, choose, program.kills);
    const killed = fibres.some(({ fibre }) => fibre.state === 'dead');
    await checkEnd(program, new ScheduledTab(open(), leases, journal), journal, killed);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${program.name}: ${reason}\nin the order ${schedule.join(', ')}`, { cause: error });
  } finally {
    await Promise.all(opened.map((database) => database.close()));
  }
}

async function checkEnd(
  program: Program,
  tab: ScheduledTab,
  journal: Journal,
  killed: boolean,
): Promise<void> {
  if (journal.errors.length > 0) throw journal.errors[0];
  equal(await findFaults(NAME, false), [], 'what is wrong at the end');
  await checkCommits(tab, journal);
  await program.check?.({ tab, journal, killed });
  await recover(tab, journal);
  equal(await findFaults(NAME, true), [], 'what is wrong after recovery');
  await checkCommits(tab, journal);
}

/** What was acknowledged is there, unless it was given up; what was refused is not; and no revision was made twice. */
async function checkCommits(
  tab: ScheduledTab,
  { begun, acknowledged, refused, ...given }: Journal,
): Promise<void> {
  const rows = await readRows(NAME);
  const receipts = new Set(rows.receipts.map(({ sessionId, operationId }) => `${sessionId} ${operationId}`));
  for (const [operationId, code] of refused) {
    const { sessionId = '' } = begun.get(operationId) ?? {};
    const there = receipts.has(`${sessionId} ${operationId}`);
    ok(!there || acknowledged.has(operationId), `${operationId} was refused with ${code} and is there`);
  }
  for (const [operationId, { nodeIds }] of acknowledged) {
    const { sessionId = '' } = begun.get(operationId) ?? {};
    if (given.deleted.has(sessionId)) continue;
    const store = await tab.open(sessionId);
    for (const nodeId of nodeIds) {
      if (given.givenUp.has(nodeId)) continue;
      equal((await store.loadNode(nodeId)).id, nodeId, 'a node that was acknowledged');
    }
  }
}

/** What any tab may do afterwards: finish what was begun, sweep, and try again what got no answer. */
async function recover(tab: ScheduledTab, journal: Journal): Promise<void> {
  await tab.factory.finishDeletions();
  const { items } = await tab.factory.list({});
  for (const { sessionId } of items) {
    const store = await tab.open(sessionId);
    for (const [operationId, { sessionId: owner, request }] of journal.begun) {
      const answered = journal.acknowledged.has(operationId) || journal.refused.has(operationId);
      if (owner !== sessionId || answered) continue;
      const receipt = await tab.commit(store, request);
      if (receipt === undefined) continue;
      const again = await tab.commit(store, request);
      equal(
        [again?.replayed, again?.revision],
        [true, receipt.revision],
        'an operation that was tried again',
      );
    }
    const path = await store.load({ kind: 'path' });
    equal(path.nodes.at(-1)?.id ?? null, path.head.leaf, 'the end of the path');
    await store.vacuum();
    const { components, attachments } = await store.gcUnreachable({ keepYoungerThanMs: 0 });
    ok(components.status !== 'Failed' && attachments.status !== 'Failed', 'a sweep failed');
  }
}
