import { LashError } from '../core/error.ts';
import { utf8Length } from '../core/json.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import { equal, ok, rejects } from './assert.ts';
import { answering, notes, openSession, SESSION, withStore } from './residency-author.ts';
import type { ResidencyCase } from './residency-context.ts';
import { standIn } from './stand-in.ts';

const options = answering();

/** Law RE6. */
export const parkingCases: readonly ResidencyCase[] = [
  {
    name: '[RE6] a parked session is plain data under 1 KiB, whatever its history holds and its ids are',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const sessionId = '😀'.repeat(32);
      const session = await context.open(environment, { ...answering('one'), sessionId });
      await session.appendSessionNodes({ nodes: notes(400, 500) });
      await session.turn('a question', { inputId: '"'.repeat(100) }).result;
      const { revision, leaf } = session.view().head;
      const parked = await session.park();
      const databaseId = await environment.sessionStoreFactory.databaseId();
      equal(parked, { version: 1, sessionId, databaseId, revision, leaf });
      equal(structuredClone(parked), JSON.parse(JSON.stringify(parked)));
      ok(utf8Length(JSON.stringify(parked)) < 1024, 'over 1 KiB');
      const again = await context.resume(parked, environment, options);
      equal(again.view().head.leaf, leaf);
      await again.close();
    },
  },
  {
    name: '[RE6] parking writes nothing, twice gives the same, and ends the runtime',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const session = await context.open(environment, answering('one'));
      await session.turn('first').result;
      const before = await withStore(environment, async (store) => await store.load({ kind: 'all' }));
      const [first, second] = await Promise.all([session.park(), session.park()]);
      equal(second, first);
      equal(await session.park(), first);
      await session.close();
      await rejects(session.turn('more').result, 'SessionClosed');
      await rejects(session.readView(), 'SessionClosed');
      const again = await context.resume(first, environment, options);
      equal(await again.park(), first);
      equal(await withStore(environment, async (store) => await store.load({ kind: 'all' })), before);
    },
  },
  {
    name: '[RE6] a session that was closed cannot be parked, and a park waits for what is being written',
    run: async (context) => {
      const environment = await context.environment('KeepAll');
      const session = await context.open(environment, options);
      const appended = session.appendSessionNodes({ nodes: notes(2) });
      const parked = await session.park();
      equal(parked.leaf, (await appended).leaf);
      const again = await context.resume(parked, environment, options);
      await again.close();
      await rejects(again.park(), 'SessionClosed');
    },
  },
  {
    name: '[RE6] an append that fails leaves memory and storage in step over parks, and loses nothing',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const origin = environment.sessionStoreFactory;
      let fail = false;
      const sessionStoreFactory = standIn(origin, {
        open: async (sessionId, mode) => {
          const store = await origin.open(sessionId, mode);
          return standIn(store, {
            commit: async (request) => {
              if (!fail) return await store.commit(request);
              throw new LashError('StorageUnavailable', 'it fails', { database: 'test', reason: 'test' });
            },
          });
        },
      });
      const failing = { ...environment, sessionStoreFactory };
      let session = await context.open(failing, answering('one'));
      await session.turn('first').result;
      const path = session.residentNodeIds();
      fail = true;
      await rejects(session.appendSessionNodes({ nodes: notes(3) }), 'StorageUnavailable');
      const stored = await withStore(environment, async (store) => await store.load({ kind: 'path' }));
      equal(session.view().head, stored.head);
      fail = false;
      session = await context.resume(await session.park(), failing, options);
      session = await context.resume(await session.park(), failing, answering('two'));
      await session.turn('second').result;
      equal(session.residentNodeIds().slice(0, path.length), path);
      equal(session.residentNodeIds().length, path.length + 2);
      await session.close();
    },
  },
  {
    name: '[RE6] resuming finds at least what was left: what was written since is there, and what is lost is SessionLost',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const session = await context.open(environment, answering('one'));
      await session.turn('first').result;
      const parked = await session.park();
      const other = await openSession(context, 'ActivePathOnly', 'two');
      await other.turn('since then').result;
      await other.close();
      const again = await context.resume(parked, environment, options);
      equal(again.view().head.depth, 4);
      const now = await again.park();
      const lost: Partial<ParkedSession>[] = [
        { revision: now.revision + 1 },
        { leaf: parked.leaf },
        { leaf: null },
        { sessionId: 'never' },
      ];
      for (const change of lost) {
        await rejects(context.resume({ ...now, ...change }, environment, options), 'SessionLost');
      }
      await (await context.resume(now, environment, options)).close();
    },
  },
  {
    name: '[RE6] in another database it is StorageWiped, after a deletion SessionDeleted, and no session is made anew',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const session = await context.open(environment, answering('one'));
      await session.turn('first').result;
      const parked = await session.park();
      const elsewhere = await context.elsewhere();
      await rejects(context.resume(parked, elsewhere, options), 'StorageWiped');
      equal((await elsewhere.sessionStoreFactory.list({})).items, []);
      await environment.sessionStoreFactory.delete(SESSION);
      await rejects(context.resume(parked, environment, options), 'SessionDeleted');
    },
  },
  {
    name: '[RE6] what is no parked session is InvalidInput, whatever it is',
    run: async (context) => {
      const environment = await context.environment('ActivePathOnly');
      const good: ParkedSession = {
        version: 1,
        sessionId: SESSION,
        databaseId: 'd',
        revision: 1,
        leaf: null,
      };
      const hostile: unknown[] = [
        null,
        undefined,
        'parked',
        [],
        { ...good, version: 2 },
        { ...good, sessionId: '' },
        { ...good, sessionId: 'x'.repeat(129) },
        { ...good, sessionId: { toString: () => SESSION } },
        { ...good, databaseId: 1 },
        { ...good, revision: -1 },
        { ...good, revision: 1.5 },
        { ...good, revision: Infinity },
        { ...good, revision: '1' },
        { ...good, leaf: 7 },
        { ...good, leaf: undefined },
      ];
      for (const parked of hostile) {
        await rejects(context.resume(parked as ParkedSession, environment, options), 'InvalidInput');
      }
    },
  },
];
