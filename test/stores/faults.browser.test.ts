import { afterEach, describe, expect, test, vi } from 'vitest';

import type { CommitRequest } from '../../src/contract/store.ts';
import { rejects } from '../../src/testing/assert.ts';
import { appends, Author, says } from '../../src/testing/author.ts';
import { begins, ends, proceeds, queueUp } from '../../src/testing/turn-author.ts';
import {
  clearSiteData,
  faultAt,
  fillUpAtCommit,
  hasDevTools,
  limitQuota,
  settled,
  usedBytes,
} from './faults.ts';
import { type Bench, dumpRows, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

const onlyByDevTools = hasDevTools ? '' : ' (not here: it takes the DevTools protocol; injected below)';

/** Text that cannot be compressed, of this many characters. */
function noise(length: number): string {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  return Array.from(bytes, (byte) => String.fromCharCode(33 + (byte % 90))).join('');
}

const big = (): ReturnType<typeof appends> => ({
  kind: 'append',
  parentId: null,
  nodes: [says(noise(800_000))],
});

/**
 * Runs `body` where the origin may store this many bytes. The browser remembers for half a minute how much space it found
 * for the origin, but not beyond its databases being cleared.
 */
async function withQuota(bytes: number, body: (bench: Bench) => Promise<void>): Promise<void> {
  await limitQuota(bytes);
  try {
    await clearSiteData();
    await withDatabase(body);
  } finally {
    await limitQuota();
    await clearSiteData();
  }
}

/**
 * Commits until the disk is full. What then failed, and how often it went well. Since a browser may let more in than it
 * should, the quota is set to what is used by then, and a little that a commit does not fit into.
 */
async function fill(author: Author): Promise<{ readonly full: CommitRequest; readonly stored: number }> {
  for (let stored = 0; stored < 20; stored++) {
    const request = await author.request(big());
    const outcome = await settled(author.store.commit(request));
    if (outcome.status === 'fulfilled') continue;
    const error = await rejects(Promise.reject(outcome.reason as Error), 'StorageFull');
    expect(error.data.attemptedBytes).toBeGreaterThan(800_000);
    expect(error.retryable).toBe(true);
    await limitQuota((await usedBytes()) + 200_000);
    return { full: request, stored };
  }
  throw new Error('the disk is never full');
}

describe('[ST17] a full disk', () => {
  test.runIf(hasDevTools)(
    `a commit is StorageFull and changes nothing, reads and deletions work, and it succeeds once there is space${onlyByDevTools}`,
    () =>
      withQuota(6_000_000, async ({ name, factory }) => {
        const old = await Author.create(factory, 'old');
        await old.commit(big());
        const author = await Author.create(factory, 'full');
        const { full, stored } = await fill(author);
        expect(stored).toBeGreaterThan(0);
        const before = await dumpRows(name);
        await rejects(author.store.commit(full), 'StorageFull');
        expect(await dumpRows(name)).toBe(before);
        expect((await author.store.load({ kind: 'all' })).nodes).toHaveLength(stored);
        await factory.delete('old');
        await rejects(old.store.load({ kind: 'head' }), 'SessionDeleted');
        await limitQuota();
        await author.store.commit(full);
        expect((await author.store.load({ kind: 'all' })).nodes).toHaveLength(stored + 1);
        expect((await author.store.commit(full)).replayed).toBe(true);
      }),
  );

  test.runIf(hasDevTools)(
    `a session is deleted also where not even a mark can be written${onlyByDevTools}`,
    () =>
      withQuota(6_000_000, async ({ factory }) => {
        const old = await Author.create(factory, 'old');
        for (let count = 0; count < 3; count++) await old.commit(big());
        const other = await Author.create(factory, 'other');
        await fill(other);
        for (const size of [100_000, 10_000, 1000]) {
          while ((await settled(other.say(noise(size)))).status === 'fulfilled');
        }
        await rejects(other.say(noise(1000)), 'StorageFull');
        await factory.delete('old');
        await rejects(old.store.load({ kind: 'head' }), 'SessionDeleted');
        await limitQuota();
        await other.say('more');
      }),
  );

  test.runIf(hasDevTools)(
    `the space that a deletion freed is enough for the same commit${onlyByDevTools}`,
    () =>
      withQuota(6_000_000, async ({ factory }) => {
        const old = await Author.create(factory, 'old');
        for (let count = 0; count < 3; count++) await old.commit(big());
        const author = await Author.create(factory, 'full');
        const { full, stored } = await fill(author);
        await factory.delete('old');
        await vi.waitFor(() => author.store.commit(full), { timeout: 20_000, interval: 200 });
        expect((await author.store.load({ kind: 'all' })).nodes).toHaveLength(stored + 1);
      }),
  );

  test('(injected) a transaction that cannot be completed is StorageFull, and the same commit succeeds later', () =>
    withDatabase(async ({ name, factory }) => {
      const author = await Author.create(factory);
      await author.say('a');
      for (const way of ['fast', 'careful']) {
        const { head } = await author.store.load({ kind: 'head' });
        const request = await author.request(appends(way === 'fast' ? head.leaf : null, [way]));
        const before = await dumpRows(name);
        fillUpAtCommit();
        const error = await rejects(author.store.commit(request), 'StorageFull');
        expect(error.data.attemptedBytes).toBeGreaterThan(0);
        expect(await dumpRows(name)).toBe(before);
        await author.store.commit(request);
      }
      expect((await author.store.load({ kind: 'all' })).nodes).toHaveLength(3);
    }));
});

/** What may go wrong with one request. The first row of the session's own is there, so that it cannot be added again. */
const FAULTS: readonly {
  readonly what: string;
  readonly fault: Parameters<typeof faultAt>[1];
}[] = [
  ...['ConstraintError', 'UnknownError', 'QuotaExceededError'].map((code) => ({
    what: `it fails with ${code}`,
    fault: (_request: () => IDBRequest, source: IDBObjectStore): IDBRequest => {
      const failing = source.transaction.objectStore('heads').add({ sessionId: 'taken', kind: 'deleted' });
      Object.defineProperty(failing, 'error', { value: new DOMException('injected', code) });
      return failing;
    },
  })),
  ...['DataCloneError', 'InvalidStateError', 'TypeError'].map((code) => ({
    what: `it throws ${code}`,
    fault: (): never => {
      throw code === 'TypeError' ? new TypeError('injected') : new DOMException('injected', code);
    },
  })),
  {
    what: 'its transaction is aborted behind it',
    fault: (request, source) => {
      const made = request();
      source.transaction.abort();
      return made;
    },
  },
  {
    what: 'its connection is closed before it',
    fault: (request, source) => {
      source.transaction.db.close();
      return request();
    },
  },
];

/** The commits that differ in what they ask of the database, as changes of a session of four nodes. */
const COMMITS: readonly {
  readonly what: string;
  readonly change: (author: Author) => Promise<CommitRequest>;
}[] = [
  { what: 'an append at the end', change: (author) => author.request(appends('op-2.1', ['x', 'y'])) },
  { what: 'an append that forks', change: (author) => author.request(appends('op-1.0', ['x'])) },
  { what: 'an append of a root', change: (author) => author.request(appends(null, ['x'])) },
  {
    what: 'an append that a queued turn begins by',
    change: async (author) => {
      await queueUp(author.store, 'turn');
      return author.request(appends('op-2.1', ['x']), { turn: begins('turn') });
    },
  },
  {
    what: 'an append that a turn goes on by, and settles an input',
    change: async (author) => {
      await author.commit({ kind: 'unchanged' }, { turn: begins('turn') });
      await queueUp(author.store, 'settled');
      return author.request(appends('op-2.1', ['x']), { turn: proceeds('turn', 1, ['settled']) });
    },
  },
  {
    what: 'a commit that a turn ends by',
    change: async (author) => {
      await author.commit({ kind: 'unchanged' }, { turn: begins('turn') });
      return author.request({ kind: 'unchanged' }, { turn: ends('turn') });
    },
  },
  { what: 'a branch', change: (author) => author.request({ kind: 'branch', leaf: 'op-1.1' }) },
];

describe('[ST14][TU4] a fault at any request of a commit', () => {
  for (const { what, fault } of FAULTS) {
    test(`(injected) ${what}: the promise settles, all or nothing is written, and the same commit succeeds`, () =>
      withDatabase(async ({ name, factory, database }) => {
        const counts = { transactions: 0, rowsRead: 0, rowsWritten: 0, bytesWritten: 0 };
        await database.transaction({ stores: ['heads'], mode: 'readwrite', counts }, async (rows) =>
          rows.put('heads', { sessionId: 'taken', kind: 'deleted' }),
        );
        for (const { what: kind, change } of COMMITS) {
          let faults = 0;
          for (; ; faults++) {
            const author = await Author.create(factory, `${kind} ${faults}`);
            await author.say('a', 'b');
            await author.say('c', 'd');
            const request = await change(author);
            const before = await dumpRows(name);
            const wasReached = faultAt(faults, fault);
            const outcome = await settled(author.store.commit(request));
            if (!wasReached()) break;
            expect(outcome.status === 'fulfilled' || (await dumpRows(name)) === before).toBe(true);
            const receipt = await author.store.commit(request);
            expect(receipt.replayed ?? false).toBe(outcome.status === 'fulfilled');
            const { head, nodes } = await author.store.load({ kind: 'all' });
            const revision = request.expectedRevision + 1;
            expect(head).toMatchObject({ revision, leaf: receipt.leaf, nodeCount: nodes.length });
            await author.say('z');
            expect((await author.texts()).at(-1)).toBe('z');
          }
          expect(faults, kind).toBeGreaterThanOrEqual(4);
        }
      }));
  }
});
