import type { SessionLeases, SessionNotice } from '../contract/lease.ts';
import { equal, ok } from './assert.ts';
import type { StoreCase } from './store-context.ts';

/** Waits until `condition` holds. @throws `Error` after five seconds */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Waits until nobody holds the lease, which a platform may learn a little later. */
async function untilFree(leases: SessionLeases, sessionId: string): Promise<void> {
  let isHeld = true;
  for (let tries = 0; isHeld && tries < 100; tries++) isHeld = await leases.isHeld(sessionId);
  ok(!isHeld, 'the lease stays held');
}

/** Laws LE1–LE3 among the factories of one database, and which database that is. */
export const storeLeaseCases: readonly StoreCase[] = [
  {
    name: '[LE1] one holds a lease of a session at a time, among all tabs',
    run: async ({ factory, reopen }) => {
      const [here, there] = [factory.leases, (await reopen()).leases];
      equal(await here.isHeld('session'), false);
      const lease = await here.acquire('session');
      ok(lease !== null, 'a free lease is to be had');
      equal([await here.isHeld('session'), await there.isHeld('session')], [true, true]);
      equal([await here.acquire('session'), await there.acquire('session')], [null, null]);
      const other = await there.acquire('other session');
      ok(other !== null, 'leases of other sessions are others');
      await lease.release();
      await lease.release();
      await untilFree(there, 'session');
      const next = await there.acquire('session');
      ok(next !== null && !next.lost.aborted, 'a lease that was released is to be had');
      equal(await here.acquire('session'), null);
      await next.release();
      await other.release();
    },
  },
  {
    name: '[LE2] a lease that is taken away by force says so, and giving it up then takes nothing from the new holder',
    run: async ({ factory, reopen }) => {
      const [here, there] = [factory.leases, (await reopen()).leases];
      const lease = await here.acquire('session');
      const taken = await there.acquire('session', { force: true });
      ok(lease !== null && taken !== null, 'a lease is to be had by force');
      await until(() => lease.lost.aborted, 'the loss');
      await lease.release();
      equal([await here.isHeld('session'), taken.lost.aborted], [true, false]);
      equal(await here.acquire('session'), null);
      await taken.release();
    },
  },
  {
    name: '[LE3] a notice reaches who subscribed to its session, until that is ended',
    run: async ({ factory, reopen }) => {
      const [here, there] = [factory.leases, (await reopen()).leases];
      const heard: SessionNotice[] = [];
      const others: SessionNotice[] = [];
      const stop = there.subscribe('session', (notice) => heard.push(notice));
      const stopOthers = there.subscribe('other session', (notice) => others.push(notice));
      here.publish('session', { kind: 'changed' });
      here.publish('session', { kind: 'busy', turnId: 'turn' });
      await until(() => heard.length === 2, 'the notices');
      equal(heard, [{ kind: 'changed' }, { kind: 'busy', turnId: 'turn' }]);
      stop();
      here.publish('session', { kind: 'deleted' });
      here.publish('other session', { kind: 'wanted' });
      await until(() => others.length === 1, 'the notice of the other session');
      stopOthers();
      equal([heard.length, others], [2, [{ kind: 'wanted' }]]);
    },
  },
  {
    name: '[ST16] every connection to a database tells the same id',
    run: async ({ factory, reopen }) => {
      const databaseId = await factory.databaseId();
      ok(databaseId.length > 0, 'the id is empty');
      equal([await factory.databaseId(), await (await reopen()).databaseId()], [databaseId, databaseId]);
    },
  },
];
