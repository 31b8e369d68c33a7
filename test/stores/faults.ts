import { onTestFinished, vi } from 'vitest';
import { cdp, server } from 'vitest/browser';

import type { DatabaseEvent } from '../../src/core/database-event.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import type { RowCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { newCounts } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { openRaw } from './raw-database.ts';

/** Nothing may take longer than this to settle; what works comes nowhere near. */
const DEADLINE_MS = 60_000;

/** Whether the faults of the DevTools protocol can be had here. */
export const hasDevTools: boolean = server.config.name?.startsWith('chromium') ?? false;

/** A command of the DevTools protocol. */
async function devTools(method: string, params: Readonly<Record<string, unknown>>): Promise<unknown> {
  const session = cdp() as unknown as { send(method: string, params: object): Promise<unknown> };
  return session.send(method, params);
}

/** How many bytes the browser counts for the origin. */
export async function usedBytes(): Promise<number> {
  const { origin } = location;
  return ((await devTools('Storage.getUsageAndQuota', { origin })) as { readonly usage: number }).usage;
}

/** Lets the origin store this many bytes; without a number it may store what it could before. */
export async function limitQuota(bytes?: number): Promise<void> {
  const { origin } = location;
  await devTools('Storage.overrideQuotaForOrigin', {
    origin,
    ...(bytes !== undefined && { quotaSize: bytes }),
  });
}

/** Deletes every database of the origin, as a person does who clears the site's data. */
export async function clearSiteData(): Promise<void> {
  await devTools('Storage.clearDataForOrigin', { origin: location.origin, storageTypes: 'indexeddb' });
}

/** `promise`, or a rejection if it hangs. */
export async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled in ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  const [outcome] = await Promise.race([Promise.allSettled([promise]), late]);
  clearTimeout(timer);
  return outcome;
}

/** What a database tells from now on. */
export function eventsOf(database: IndexedDbDatabase): readonly DatabaseEvent['kind'][] {
  const events: DatabaseEvent['kind'][] = [];
  onTestFinished(database.onEvent(({ kind }) => void events.push(kind)));
  return events;
}

/** Writes or reads one row that no session uses, in the way that stores do. */
export class Rows {
  readonly counts: RowCounts = newCounts();
  readonly #database: IndexedDbDatabase;

  constructor(database: IndexedDbDatabase) {
    this.#database = database;
  }

  /** Adds 1 to a number, so that what happened twice shows. */
  async increment(repeatable = false): Promise<void> {
    const { counts } = this;
    const options = { stores: ['tombs'], mode: 'readwrite', counts, repeatable } as const;
    await this.#database.transaction(options, async (rows) => {
      const row = (await rows.get('tombs', ['counter', 0])) as { readonly from: number } | undefined;
      rows.put('tombs', { sessionId: 'counter', chain: 0, from: (row?.from ?? 0) + 1 });
    });
  }

  /** Writes without reading first. */
  async put(from: number): Promise<void> {
    const { counts } = this;
    await this.#database.transaction({ stores: ['tombs'], mode: 'readwrite', counts }, async (rows) =>
      rows.put('tombs', { sessionId: 'counter', chain: 0, from }),
    );
  }

  async read(): Promise<number> {
    const { counts } = this;
    const row = await this.#database.transaction({ stores: ['tombs'], mode: 'readonly', counts }, (rows) =>
      rows.get('tombs', ['counter', 0]),
    );
    return (row as { readonly from: number } | undefined)?.from ?? 0;
  }
}

/**
 * Holds object stores in a transaction that does not end, as a page does that was frozen in one. The returned function
 * lets it end, and tells when it is over.
 */
export async function hold(name: string, ...stores: readonly string[]): Promise<() => Promise<void>> {
  const raw = await openRaw(name);
  const transaction = raw.transaction(stores, 'readwrite');
  const over = new Promise<void>((resolve) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => resolve());
  });
  let held = true;
  await new Promise<void>((resolve) => {
    const keep = (): void => {
      resolve();
      if (held) transaction.objectStore(stores[0] ?? '').count().onsuccess = keep;
    };
    keep();
  });
  const release = async (): Promise<void> => {
    held = false;
    await over;
    raw.close();
  };
  onTestFinished(release);
  return release;
}

/** What the next calls of a method of IndexedDB do instead, one after another. The ones after them do what they should. */
export function instead<Result>(
  owner: object,
  method: string,
  ...acts: readonly ((original: () => Result, self: object) => Result)[]
): void {
  vi.restoreAllMocks();
  const original = Reflect.get(owner, method) as (...args: unknown[]) => Result;
  const left = [...acts];
  vi.spyOn(owner as Record<string, (...args: unknown[]) => Result>, method).mockImplementation(function (
    this: object,
    ...args: unknown[]
  ) {
    const act = left.shift();
    return act === undefined ? original.apply(this, args) : act(() => original.apply(this, args), this);
  });
}

/** Lets the next transaction commit, does `meanwhile`, and loses the connection before that it is complete was told. */
export function loseNextAnswer(meanwhile: () => Promise<unknown> = async () => undefined): void {
  instead<void>(IDBTransaction.prototype, 'commit', (original, self) => {
    original();
    const transaction = self as IDBTransaction;
    transaction.oncomplete = null;
    transaction.addEventListener('complete', () => {
      void meanwhile().then(() => {
        Object.defineProperty(transaction, 'error', { value: new DOMException('lost', 'UnknownError') });
        transaction.dispatchEvent(new Event('abort'));
      });
    });
  });
}

/** An act for {@link instead} at `commit`: it happens, and the connection is gone before that is told. */
export function lostAnswer(commit: () => void, self: object): void {
  commit();
  const transaction = self as IDBTransaction;
  transaction.oncomplete = null;
  transaction.addEventListener('complete', () => {
    nameLoss(transaction);
    transaction.dispatchEvent(new Event('abort'));
  });
}

/** The same, but it does not happen. Whoever told it to commit cannot tell the two from each other. */
export function lostCommit(_commit: () => void, self: object): void {
  const transaction = self as IDBTransaction;
  nameLoss(transaction);
  transaction.abort();
}

function nameLoss(transaction: IDBTransaction): void {
  Object.defineProperty(transaction, 'error', { value: new DOMException('lost', 'UnknownError') });
}

/** Makes a transaction that is told to commit fail for want of space, as browsers do that find out only then. */
export function fillUpAtCommit(): void {
  instead<void>(IDBTransaction.prototype, 'commit', (_original, self) => {
    Object.defineProperty(self, 'error', { value: new DOMException('', 'QuotaExceededError') });
    (self as IDBTransaction).abort();
  });
}

const REQUESTS: readonly (readonly [owner: object, methods: readonly string[]])[] = [
  [
    IDBObjectStore.prototype,
    ['get', 'getAll', 'getKey', 'getAllKeys', 'count', 'add', 'put', 'delete', 'openCursor', 'openKeyCursor'],
  ],
  [IDBIndex.prototype, ['get', 'getAll', 'getKey', 'getAllKeys', 'count', 'openCursor', 'openKeyCursor']],
];

/** Does `fault` in place of the request number `at` from now on, counted from 0. Tells whether there was one. */
export function faultAt(
  at: number,
  fault: (request: () => IDBRequest, source: IDBObjectStore) => IDBRequest,
): () => boolean {
  vi.restoreAllMocks();
  let seen = 0;
  for (const [owner, methods] of REQUESTS) {
    for (const method of methods) {
      const original = Reflect.get(owner, method) as (...args: unknown[]) => IDBRequest;
      vi.spyOn(owner as Record<string, (...args: unknown[]) => IDBRequest>, method).mockImplementation(
        function (this: IDBObjectStore | IDBIndex, ...args: unknown[]) {
          const request = (): IDBRequest => original.apply(this, args);
          if (seen++ !== at) return request();
          return fault(request, this instanceof IDBIndex ? this.objectStore : this);
        },
      );
    }
  }
  return () => {
    vi.restoreAllMocks();
    return seen > at;
  };
}
