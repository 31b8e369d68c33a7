import type { SessionLease, SessionLeases, SessionNotice } from '../contract/lease.ts';
import { equal, ok } from './assert.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** What a case of the leases' suite runs on: leases of one database, as two tabs hold them. In memory: the same object. */
export interface LeaseContext {
  readonly here: SessionLeases;
  readonly elsewhere: SessionLeases;
}

/** How long a notice may take before its absence is a failure, in milliseconds. */
const HEARD_WITHIN_MS = 20_000;

/** Ids that a careless name would confuse or break on. */
const IDS: readonly string[] = ['s', '-', '', '"],"', '["s"]', '日本 ::/\\*', 'x'.repeat(128)];

async function held(leases: SessionLeases, id: string, force = false): Promise<SessionLease> {
  const lease = await leases.acquire(id, { force });
  if (lease === null) throw new Error(`the lease of ${id} was not given`);
  return lease;
}

/** Keeps what is heard; `until` resolves once that many notices were. */
function listen(
  leases: SessionLeases,
  id: string,
): {
  readonly heard: SessionNotice[];
  readonly listener: (notice: SessionNotice) => void;
  readonly until: (count: number) => Promise<void>;
  readonly stop: () => void;
} {
  const heard: SessionNotice[] = [];
  let wake = (): void => undefined;
  const listener = (notice: SessionNotice): void => {
    heard.push(notice);
    wake();
  };
  const stop = leases.subscribe(id, listener);
  const until = async (count: number): Promise<void> => {
    const deadline = AbortSignal.timeout(HEARD_WITHIN_MS);
    while (heard.length < count) {
      await new Promise<void>((resolve, reject) => {
        wake = resolve;
        deadline.onabort = () => reject(new Error(`${heard.length} of ${count} notices were heard`));
      });
    }
  };
  return { heard, listener, until, stop };
}

/** What any implementation of leases must keep: laws LE1–LE3 of its contract. */
export const leaseConformance: readonly ConformanceCase<LeaseContext>[] = [
  {
    name: '[LE1] of all who ask at once, one gets the lease, and the next one when it is given up',
    run: async ({ here, elsewhere }) => {
      const asked = await Promise.all(
        [here, elsewhere, here, elsewhere].map((leases) => leases.acquire('s')),
      );
      const given = asked.filter((lease) => lease !== null);
      equal(given.length, 1, 'how many got it');
      equal(await elsewhere.acquire('s'), null);
      await given[0]?.release();
      await given[0]?.release();
      const next = await held(elsewhere, 's');
      equal(await here.acquire('s'), null);
      ok(given[0]?.lost.aborted === false, 'what was given up counts as lost');
      await next.release();
    },
  },
  {
    name: '[LE1] isHeld says from everywhere whether somebody holds it',
    run: async ({ here, elsewhere }) => {
      const seen = async (): Promise<readonly boolean[]> => [
        await here.isHeld('s'),
        await elsewhere.isHeld('s'),
        await here.isHeld('t'),
      ];
      equal(await seen(), [false, false, false]);
      const lease = await held(here, 's');
      equal(await seen(), [true, true, false]);
      await lease.release();
      equal(await seen(), [false, false, false]);
    },
  },
  {
    name: '[LE1] sessions do not get in each other’s way, whatever their ids are',
    run: async ({ here, elsewhere }) => {
      const leases = await Promise.all(IDS.map((id) => held(here, id)));
      for (const id of IDS) equal(await elsewhere.acquire(id), null, `${id} is not held`);
      for (const lease of leases) await lease.release();
    },
  },
  {
    name: '[LE2] force takes the lease away; the one who had it is told, and its release frees nothing',
    run: async ({ here, elsewhere }) => {
      const first = await held(here, 's');
      const second = await held(elsewhere, 's', true);
      if (!first.lost.aborted)
        await new Promise<void>((resolve, reject) => {
          first.lost.addEventListener('abort', () => resolve());
          setTimeout(() => reject(new Error('nobody told the one who lost the lease')), HEARD_WITHIN_MS);
        });
      await first.release();
      equal(await here.acquire('s'), null, 'who lost it frees it');
      ok(!second.lost.aborted, 'who took it lost it');
      const third = await held(elsewhere, 's', true);
      await second.release();
      ok(await here.isHeld('s'), 'who lost it frees it');
      await third.release();
    },
  },
  {
    name: '[LE2] force on a lease that nobody holds just gets it',
    run: async ({ here, elsewhere }) => {
      const lease = await held(here, 's', true);
      equal(await elsewhere.acquire('s'), null);
      await lease.release();
    },
  },
  {
    name: '[LE3] a notice reaches the other subscribers of the session, here and elsewhere, in order',
    run: async ({ here, elsewhere }) => {
      const own = listen(here, 's');
      const [near, far, other] = [listen(here, 's'), listen(elsewhere, 's'), listen(elsewhere, 't')];
      const notices: readonly SessionNotice[] = [
        { kind: 'wanted' },
        { kind: 'busy', turnId: 't' },
        { kind: 'activity', activity: [{ type: 'turn-started', turnId: 't' }] },
      ];
      for (const notice of notices) here.publish('s', notice, own.listener);
      await Promise.all([near.until(3), far.until(3)]);
      equal([near.heard, far.heard, own.heard, other.heard], [notices, notices, [], []]);
      for (const { stop } of [own, near, far, other]) stop();
    },
  },
  {
    name: '[LE3] a notice reaches others also from one who does not listen, and nobody who stopped listening',
    run: async ({ here, elsewhere }) => {
      const [stopped, far] = [listen(elsewhere, 's'), listen(elsewhere, 's')];
      stopped.stop();
      here.publish('s', { kind: 'released' });
      await far.until(1);
      equal([far.heard, stopped.heard], [[{ kind: 'released' }], []]);
      far.stop();
      const again = listen(elsewhere, 's');
      here.publish('s', { kind: 'deleted' });
      await again.until(1);
      equal([again.heard, far.heard.length], [[{ kind: 'deleted' }], 1]);
      again.stop();
    },
  },
  {
    name: '[LE3] publishing to nobody is fine, and a listener may publish and stop listening',
    run: async ({ here, elsewhere }) => {
      for (let count = 0; count < 100; count++) here.publish('s', { kind: 'changed' });
      const far = listen(elsewhere, 's');
      const stop = here.subscribe('s', (notice) => {
        if (notice.kind !== 'wanted') return;
        stop();
        here.publish('s', { kind: 'released' });
      });
      elsewhere.publish('s', { kind: 'wanted' }, far.listener);
      await far.until(1);
      equal(far.heard.at(-1), { kind: 'released' });
      far.stop();
    },
  },
];
