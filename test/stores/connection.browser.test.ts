import { afterEach, describe, expect, test, vi } from 'vitest';

import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { SCHEMA_VERSION } from '../../src/stores/indexeddb/rows/schema.ts';
import { rejects } from '../../src/testing/assert.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { finish, plays, policy, text } from '../runtime/support.ts';
import { eventually } from '../support/eventually.ts';
import {
  clearSiteData,
  eventsOf,
  hasDevTools,
  hold,
  instead,
  loseNextAnswer,
  Rows,
  settled,
} from './faults.ts';
import { damage, dumpRows, openRaw, withDatabase } from './raw-database.ts';

afterEach(() => vi.restoreAllMocks());

const onlyByDevTools = hasDevTools ? '' : ' (not here: it takes the DevTools protocol)';

function deleteDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.addEventListener('success', () => resolve());
    request.addEventListener('error', () => reject(request.error ?? new Error('not deleted')));
  });
}

/** The version of a database; 0 if there is none, or, as WebKit lists it, one that was begun and not made. */
async function versionOf(name: string): Promise<number> {
  const found = (await indexedDB.databases()).find((one) => one.name === name);
  return found?.version ?? 0;
}

/** Opens a database as something else than lash-web, which makes these object stores in it. */
async function makeForeign(name: string, version: number, stores: readonly string[]): Promise<void> {
  const raw = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.addEventListener('upgradeneeded', () => {
      for (const store of stores) request.result.createObjectStore(store, { keyPath: ['key'] });
    });
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('not opened')));
  });
  raw.close();
}

const closing = (): never => {
  throw new DOMException('The database connection is closing.', 'InvalidStateError');
};

describe('a lost connection', () => {
  test('[ST16] one that was closed by the browser is made anew for the same call, and both are told', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      await rows.increment();
      const events = eventsOf(database);
      instead(IDBDatabase.prototype, 'transaction', (original, self) => {
        (self as IDBDatabase).close();
        return original();
      });
      await rows.increment();
      expect(await rows.read()).toBe(2);
      expect(events).toEqual(['lost', 'healed']);
    }));

  test('[ST16] one that cannot be made is tried three times more, and every call that waits is told', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      await rows.increment();
      const opened = vi.spyOn(IDBFactory.prototype, 'open');
      vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(closing);
      const calls = [
        rows.increment(),
        rows.read(),
        rows.increment(),
        database.transaction({ stores: ['heads'], mode: 'readonly', counts: rows.counts }, async () => 1),
      ];
      for (const outcome of await Promise.all(calls.map((call) => settled<unknown>(call)))) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'StorageUnavailable', retryable: true },
        });
      }
      // Calls that fail at once share what is opened; how far apart they come back depends on the machine.
      expect(opened.mock.calls.length).toBeLessThanOrEqual(3 * calls.length);
      vi.restoreAllMocks();
      await rows.increment();
      expect(await rows.read()).toBe(2);
    }));

  test('[ST16] one that cannot be opened again is StorageUnavailable, and works once it can', () =>
    withDatabase(async ({ name, connect }) => {
      await new Rows(connect()).increment();
      const database = connect();
      const opened = vi.spyOn(IDBFactory.prototype, 'open').mockImplementation(() => {
        throw new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError');
      });
      const error = await rejects(database.databaseId(), 'StorageUnavailable');
      expect(error.data).toMatchObject({ database: name });
      expect(opened).toHaveBeenCalledTimes(4);
      vi.restoreAllMocks();
      expect(await new Rows(database).read()).toBe(1);
    }));

  test('[ST16] a write whose outcome is unknown is not made again, unless that gives the same', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      await rows.read();
      loseNextAnswer();
      const error = await rejects(rows.increment(), 'StorageUnavailable');
      expect(error.data.reason).toContain('not known');
      expect(await rows.read()).toBe(1);
      loseNextAnswer();
      await rows.increment(true);
      expect(await rows.read()).toBe(3);
    }));

  test('[ST16] a write that surely did not happen is made again', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      await rows.increment();
      instead(IDBObjectStore.prototype, 'put', (_original, self): IDBRequest => {
        (self as IDBObjectStore).transaction.db.close();
        throw new DOMException('Connection to Indexed Database server lost.', 'UnknownError');
      });
      await rows.increment();
      expect(await rows.read()).toBe(2);
    }));

  test('[ST14] a transaction that is aborted without a reason rejects with one', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      await rows.increment();
      instead(IDBTransaction.prototype, 'commit', (_original, self) => (self as IDBTransaction).abort());
      await rejects(rows.increment(), 'StorageUnavailable');
      expect(await rows.read()).toBe(1);
    }));
});

describe('a database that is gone', () => {
  test('[ST16] one that was deleted is StorageWiped for good, also when another one was made, and is not made by asking', () =>
    withDatabase(async ({ name, database, connect }) => {
      const rows = new Rows(database);
      await rows.increment();
      const events = eventsOf(database);
      await deleteDatabase(name);
      await eventually(() => expect(events).toEqual(['lost', 'wiped']));
      const error = await rejects(rows.read(), 'StorageWiped', { database: name });
      expect(error.retryable).toBe(false);
      expect(await versionOf(name)).toBe(0);
      await rejects(rows.increment(), 'StorageWiped');
      await rejects(database.databaseId(), 'StorageWiped');

      const anew = connect();
      expect(await new Rows(anew).read()).toBe(0);
      await rejects(rows.read(), 'StorageWiped');
    }));

  test('[ST16] one that was made anew by another page while our connection was lost is StorageWiped', () =>
    withDatabase(async ({ name, database, connect }) => {
      const rows = new Rows(database);
      await rows.increment();
      const id = await database.databaseId();
      const other = connect();
      instead(IDBDatabase.prototype, 'transaction', closing);
      const call = rejects(rows.read(), 'StorageWiped');
      await deleteDatabase(name);
      expect(await other.databaseId()).not.toBe(id);
      await call;
    }));

  test('[ST16] one of another id than the page knows is StorageWiped at once, and is left as it is', () =>
    withDatabase(async ({ name, database, connect }) => {
      const id = await database.databaseId();
      expect(await connect({ databaseId: id }).databaseId()).toBe(id);
      const before = await dumpRows(name);
      const stranger = connect({ databaseId: 'another one' });
      await rejects(new Rows(stranger).increment(), 'StorageWiped', { database: name });
      expect(await dumpRows(name)).toBe(before);
      const missing = `${name}-missing`;
      await rejects(IndexedDbDatabase.open(missing, { databaseId: id }).databaseId(), 'StorageWiped');
      expect(await versionOf(missing)).toBe(0);
    }));

  test('[ST16] one whose row of identity was removed is StorageWiped to who knew it', () =>
    withDatabase(async ({ name, database, connect }) => {
      const id = await database.databaseId();
      await database.close();
      await damage(name, (store) => store('database').clear());
      await rejects(connect({ databaseId: id }).databaseId(), 'StorageWiped');
      const error = await rejects(connect().databaseId(), 'StorageUnavailable');
      expect(error.data.reason).toContain('it has no id');
    }));

  test.runIf(hasDevTools)(
    `[ST16] site data that is cleared while nothing runs is told at once${onlyByDevTools}`,
    () =>
      withDatabase(async ({ name, database }) => {
        const rows = new Rows(database);
        await rows.increment();
        const events = eventsOf(database);
        await clearSiteData();
        await eventually(() => expect(events).toEqual(['lost', 'wiped']));
        await rejects(rows.read(), 'StorageWiped', { database: name });
      }),
  );

  test.runIf(hasDevTools)(
    `[ST16] site data that is cleared in the middle of a transaction is StorageWiped${onlyByDevTools}`,
    () =>
      withDatabase(async ({ database }) => {
        const rows = new Rows(database);
        await rows.increment();
        const state = { running: true };
        let wentOn = 0;
        const options = { stores: ['tombs'], mode: 'readwrite', counts: rows.counts } as const;
        const long = database.transaction(options, async (held) => {
          while (state.running) {
            await held.get('tombs', ['counter', 0]);
            wentOn++;
          }
        });
        const outcome = settled(long);
        await eventually(() => expect(wentOn).toBeGreaterThan(0));
        await clearSiteData();
        expect(await outcome).toMatchObject({ status: 'rejected', reason: { code: 'StorageWiped' } });
        state.running = false;
        await rejects(rows.read(), 'StorageWiped');
      }),
  );
});

describe('two versions of the code', () => {
  test('[ST18] the older one ends what it does, makes way, says so, and is told SchemaTooNew from then on', () =>
    withDatabase(async ({ name, database, connect }) => {
      const rows = new Rows(database);
      await rows.increment();
      const events = eventsOf(database);
      const writing = rows.increment();
      const newer = await openRaw(name, SCHEMA_VERSION + 1);
      await writing;
      expect(events).toContain('upgrade-wanted');
      await rejects(rows.read(), 'SchemaTooNew', { database: name });
      await rejects(new Rows(connect()).increment(), 'SchemaTooNew', { database: name });
      newer.close();
      expect(JSON.parse(await dumpRows(name))).toContainEqual([
        'tombs',
        [{ sessionId: 'counter', chain: 0, from: 2 }],
      ]);
    }));

  test('[ST18] one that wanted to upgrade and did not leaves the older one at work', () =>
    withDatabase(async ({ name, database }) => {
      const rows = new Rows(database);
      await rows.increment();
      const events = eventsOf(database);
      await new Promise((resolve) => {
        const request = indexedDB.open(name, SCHEMA_VERSION + 1);
        request.addEventListener('upgradeneeded', () => request.transaction?.abort());
        request.addEventListener('error', resolve);
      });
      await rows.increment();
      expect(await rows.read()).toBe(2);
      expect(events).toEqual(['upgrade-wanted', 'healed']);
    }));

  test('[ST18] a newer database is opened for reading only: it is the same afterwards', () =>
    withDatabase(async ({ name, database, connect }) => {
      await new Rows(database).increment();
      await database.close();
      (await openRaw(name, 7)).close();
      const before = await dumpRows(name);
      await rejects(connect().databaseId(), 'SchemaTooNew', { database: name });
      expect(await dumpRows(name)).toBe(before);
      const raw = await openRaw(name);
      expect(raw.version).toBe(7);
      raw.close();
    }));
});

describe('a database of somebody else under our name', () => {
  for (const { what, version, stores, reason } of [
    { what: 'without object stores', version: SCHEMA_VERSION, stores: [], reason: 'it has no database' },
    { what: 'of an older version', version: 1, stores: [], reason: 'it has no database' },
    { what: 'with other ones', version: 1, stores: ['notes', 'heads'], reason: 'it has no database' },
    { what: 'of a newer version', version: 9, stores: ['notes'], reason: 'it has no database' },
    { what: 'with one that is called as ours', version: 1, stores: ['database'], reason: 'it has no heads' },
  ]) {
    test(`[ST18] one ${what} is refused with the reason and left as it is`, () =>
      withDatabase(async ({ name, database }) => {
        await makeForeign(name, version, stores);
        if (stores[0] !== undefined) {
          await damage(name, (store) => store(stores[0] ?? '').put({ key: 'database', value: 1 }));
        }
        const before = stores.length === 0 ? '' : await dumpRows(name);
        const error = await rejects(database.databaseId(), 'StorageUnavailable');
        expect(error.data.reason).toContain(reason);
        expect(error.retryable).toBe(false);
        const raw = await openRaw(name);
        expect({ version: raw.version, stores: [...raw.objectStoreNames] }).toEqual({
          version,
          stores: stores.toSorted(),
        });
        raw.close();
        expect(stores.length === 0 ? '' : await dumpRows(name)).toBe(before);
      }));
  }
});

describe('a database that another page keeps busy', () => {
  test('[ST16] a write or read that gets no answer is StorageBlocked and does not happen later', () =>
    withDatabase(async ({ name, connect }) => {
      const database = connect({ blockedAfterMs: 3000 });
      const rows = new Rows(database);
      await rows.increment();
      const events = eventsOf(database);
      const release = await hold(name, 'tombs');
      const calls = [rows.increment(), rows.read(), rows.put(99), rows.increment(true)];
      for (const outcome of await Promise.all(calls.map((call) => settled<unknown>(call)))) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: { code: 'StorageBlocked', retryable: true },
        });
      }
      expect(events).toEqual(['blocked', 'blocked', 'blocked', 'blocked']);
      await release();
      expect(await rows.read()).toBe(1);
      await rows.increment();
      expect(await rows.read()).toBe(2);
      expect(events.at(-1)).toBe('healed');
    }));

  test('[ST16] it is said after four seconds, also to who opens the database only then', () =>
    withDatabase(async ({ name, database, connect }) => {
      await new Rows(database).increment();
      const release = await hold(name, 'database', 'tombs');
      const waited = vi.spyOn(globalThis, 'setTimeout');
      const calls = [new Rows(database).read(), new Rows(connect()).read()];
      for (const outcome of await Promise.all(calls.map((call) => settled<unknown>(call)))) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'StorageBlocked' } });
      }
      const patience = waited.mock.calls.filter(([, ms]) => ms === 4000);
      expect(patience.length).toBeGreaterThanOrEqual(calls.length);
      await release();
      expect(await new Rows(database).read()).toBe(1);
    }));

  test('[ST16] an opening that waits for another page is StorageBlocked, and is there for the next call', () =>
    withDatabase(async ({ name, connect }) => {
      const raw = await openRaw(name, 1);
      raw.close();
      await deleteDatabase(name);
      // An upgrade that does not end keeps everybody out.
      let held = true;
      const upgraded = new Promise<void>((resolve) => {
        const request = indexedDB.open(name, 1);
        request.addEventListener('upgradeneeded', () => {
          const store = request.result.createObjectStore('busy');
          const keep = (): void => {
            if (held) store.count().onsuccess = keep;
            else request.transaction?.abort();
          };
          keep();
        });
        request.addEventListener('error', () => resolve());
      });
      const database = connect({ blockedAfterMs: 200 });
      const opened = vi.spyOn(IDBFactory.prototype, 'open');
      await rejects(database.databaseId(), 'StorageBlocked');
      await rejects(new Rows(database).read(), 'StorageBlocked');
      held = false;
      await upgraded;
      expect(await eventually(() => new Rows(database).read())).toBe(0);
      expect(opened).toHaveBeenCalledTimes(1);
    }));

  test('[ST16] a call that waits behind others of its own page is not blocked', () =>
    withDatabase(async ({ connect }) => {
      const database = connect({ blockedAfterMs: 2000 });
      const rows = new Rows(database);
      const until = performance.now() + 6000;
      const options = { stores: ['tombs'], mode: 'readwrite', counts: rows.counts } as const;
      const long = database.transaction(options, async (held) => {
        while (performance.now() < until) await held.get('tombs', ['counter', 0]);
      });
      await Promise.all([long, rows.increment(), rows.read()]);
      expect(await rows.read()).toBe(1);
    }));
});

describe('an open session', () => {
  test('[ST16] says that its database was wiped, in a turn and in what it reads, and never shows an empty history', () =>
    withDatabase(async ({ name, database, factory }) => {
      const environment = RuntimeEnvironment.builder()
        .withSessionStoreFactory(factory)
        .withAttachmentStore(new IndexedDbAttachmentStore(database))
        .build();
      const runtime = await LashRuntime.open(environment, {
        sessionId: 's',
        mode: 'openOrCreate',
        policy,
        providers: { fake: plays([text('Hello.'), finish()]) },
      });
      await runtime.turn('hi').result;
      const { leaf } = runtime.view().head;
      await deleteDatabase(name);
      await rejects(runtime.turn('still there?').accepted, 'StorageWiped', { database: name });
      expect(runtime.view().head.leaf).toBe(leaf);
      await rejects(runtime.getHistoricNode('not resident'), 'StorageWiped');
      await rejects(factory.open('s', { kind: 'open' }), 'StorageWiped');
      await rejects(factory.list({}), 'StorageWiped');
      await Promise.allSettled([runtime.close()]);
    }));
});

describe('what a database tells', () => {
  test('a listener that was taken away hears nothing more', () =>
    withDatabase(async ({ database }) => {
      const rows = new Rows(database);
      const heard: string[] = [];
      database.onEvent(({ kind }) => void heard.push(kind))();
      const events = eventsOf(database);
      instead(IDBDatabase.prototype, 'transaction', (original) => original(), closing);
      await rows.increment();
      expect(heard).toEqual([]);
      expect(events).toEqual(['lost', 'healed']);
    }));

  test('the id stays, whoever asks', () =>
    withDatabase(async ({ database, connect }) => {
      const id = await database.databaseId();
      expect(id).toMatch(/^[0-9a-f]{32}$/u);
      expect(await connect().databaseId()).toBe(id);
      await database.close();
      expect(await connect().databaseId()).toBe(id);
    }));
});
