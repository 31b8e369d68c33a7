import { vi } from 'vitest';

import type { AttachmentStore } from '../../src/contract/attachments.ts';
import type { SessionStore, SessionStoreFactory } from '../../src/contract/store.ts';
import type { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import type { TransactionOptions } from '../../src/stores/indexeddb/rows/transaction.ts';
import { putText } from '../../src/testing/attached.ts';
import { appends, Author, says } from '../../src/testing/author.ts';
import { orphansOf } from '../../src/testing/store-context.ts';
import { dumpRows } from './raw-database.ts';

/** What `action` asked of the database. */
export async function costOf(
  factory: IndexedDbSessionStoreFactory,
  action: () => Promise<unknown>,
): Promise<RowCounters> {
  const before = factory.counters;
  await action();
  const after = factory.counters;
  return {
    transactions: after.transactions - before.transactions,
    rowsRead: after.rowsRead - before.rowsRead,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    bytesWritten: after.bytesWritten - before.bytesWritten,
  };
}

/** How many rows of an object store were fetched, keys apart, while `action` ran. */
export async function fetchesOf(store: string, action: () => Promise<unknown>): Promise<number> {
  let fetches = 0;
  const spies = (['get', 'getAll', 'openCursor'] as const).map((method) => {
    const original = IDBObjectStore.prototype[method] as (...args: unknown[]) => IDBRequest;
    return vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (
      this: IDBObjectStore,
      ...args: unknown[]
    ) {
      if (this.name === store) fetches++;
      return original.apply(this, args) as never;
    });
  });
  try {
    await action();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return fetches;
}

/** How many rows each transaction removed while `action` ran. A range counts as one row: those that maintenance removes are of attachments in one chunk. */
export async function removalsOf(action: () => Promise<unknown>): Promise<readonly number[]> {
  const removals = new Map<IDBTransaction, number>();
  const original = Reflect.get(IDBObjectStore.prototype, 'delete') as (
    query: unknown,
  ) => IDBRequest<undefined>;
  const spy = vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (
    this: IDBObjectStore,
    query,
  ) {
    removals.set(this.transaction, (removals.get(this.transaction) ?? 0) + 1);
    return original.call(this, query);
  });
  try {
    await action();
  } finally {
    spy.mockRestore();
  }
  return [...removals.values()];
}

/** Undoes the transaction that is the `number`-th, counted from 1, to be committed. Says whether there was one. */
export async function abortTransaction(number: number, action: () => Promise<unknown>): Promise<boolean> {
  let commits = 0;
  const original = Reflect.get(IDBTransaction.prototype, 'commit');
  const spy = vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (
    this: IDBTransaction,
  ) {
    commits++;
    if (commits === number) this.abort();
    else original.call(this);
  });
  try {
    await action();
  } finally {
    spy.mockRestore();
  }
  return commits >= number;
}

/** Runs `body` with 1, 2, 3 and so on, as long as it says that there is such a transaction; how often it ran. */
export async function forEachTransaction(body: (number: number) => Promise<boolean>): Promise<number> {
  let number = 1;
  while (await body(number)) number++;
  return number;
}

/** Does something after each transaction of a connection, before whoever ran it goes on. */
export function afterTransactions(
  database: IndexedDbDatabase,
  act: (options: TransactionOptions) => Promise<void>,
): void {
  const original = database.transaction.bind(database);
  vi.spyOn(database, 'transaction').mockImplementation(async (options, body) => {
    const result = await original(options, body);
    await act(options);
    return result;
  });
}

/** All rows but those that differ from database to database, and what chance or the clock put in them. */
export async function comparableRows(name: string): Promise<unknown> {
  const stores = JSON.parse(await dumpRows(name)) as readonly [string, readonly object[]][];
  return stores
    .filter(([store]) => store !== 'database')
    .map(([store, rows]) => [store, rows.map((row) => ({ ...row, token: '', putAt: 0 }))]);
}

/** An orphaned chain of this many commits of two nodes. */
export async function orphanChain(author: Author, commits: number): Promise<void> {
  for (let index = 0; index < commits; index++) await author.say('x', 'y');
}

/**
 * A session with all that maintenance meets: an active path, a pin, orphans that are many short chains, a long one and
 * one that forks from another, a commit that is partly on the path, attachments and checkpoints on and off the path.
 */
export async function plantSession(
  factory: SessionStoreFactory,
  attachments: AttachmentStore,
  sessionId = 'session',
): Promise<Author> {
  const author = await Author.create(factory, sessionId);
  const attach = async (text: string): Promise<void> => {
    const attachment = await putText(attachments, text, sessionId);
    const node = says(text);
    const message = { role: 'user', parts: [{ type: 'file', attachment }] } as const;
    const { head } = await author.store.load({ kind: 'head' });
    await author.commit({
      kind: 'append',
      parentId: head.leaf,
      nodes: [{ ...node, body: { kind: 'conversation', message } }],
    });
  };
  const [root = ''] = await author.say('root', 'second', 'third', 'fourth');
  for (let index = 0; index < 45; index++) await author.sayBelow(root, `alternative ${index}`);
  await orphanChain(author, 20);
  await attach(`only ${sessionId} has this, off the path`);
  await author.commit(appends('op-2.0', ['with a checkpoint']), {
    checkpoint: { plugin: { version: 1, body: 'off the path' } },
  });
  await author.sayBelow('op-50.0', 'forks from an orphan', 'and goes on');
  const [pinned = ''] = await author.sayBelow(root, 'pinned');
  await author.store.pin(pinned);
  await author.branch('op-1.1');
  await attach('shared');
  await attach(`only ${sessionId} has this`);
  await author.commit({ kind: 'unchanged' }, { checkpoint: { plugin: { version: 1, body: 'on the path' } } });
  return author;
}

/** Tombstones every orphan, page by page; the ids. */
export async function tombstoneAll(store: SessionStore): Promise<readonly string[]> {
  const ids = await orphansOf(store);
  for (let index = 0; index < ids.length; index += 1000) {
    await store.tombstoneNodes(ids.slice(index, index + 1000));
  }
  return ids;
}
