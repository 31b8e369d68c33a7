import { afterEach, describe, expect, test } from 'vitest';

import type { SessionNotice } from '../../src/contract/lease.ts';
import { WebSessionLeases } from '../../src/stores/leases/web-leases.ts';
import { leaseConformance } from '../../src/testing/lease-conformance.ts';
import { eventually } from '../support/eventually.ts';

const workers: Worker[] = [];

afterEach(() => {
  for (const worker of workers.splice(0)) worker.terminate();
});

/** A worker that asks for the lease of `s`; resolves with it and what it said first. */
async function startWorker(database: string): Promise<{
  readonly worker: Worker;
  readonly said: unknown[];
  readonly until: (text: string) => Promise<void>;
}> {
  const worker = new Worker(new URL('lease.worker.ts', import.meta.url), { type: 'module', name: database });
  workers.push(worker);
  const said: unknown[] = [];
  worker.addEventListener('message', ({ data }) => said.push(data));
  const until = (text: string): Promise<void> => eventually(() => expect(said).toContain(text));
  await eventually(() => expect(said).toHaveLength(1));
  return { worker, said, until };
}

describe('leases by Web Locks and BroadcastChannel', () => {
  for (const { name, run } of leaseConformance) {
    test(name, async () => {
      const database = crypto.randomUUID();
      await run({ here: new WebSessionLeases(database), elsewhere: new WebSessionLeases(database) });
    });
  }

  test('[LE1] databases do not get in each other’s way', async () => {
    const [a, b] = [crypto.randomUUID(), crypto.randomUUID()];
    const first = await new WebSessionLeases(a).acquire('s');
    const second = await new WebSessionLeases(b).acquire('s');
    expect([first === null, second === null]).toEqual([false, false]);
    await first?.release();
    await second?.release();
  });

  test('[LE1] a lease that a worker holds ends when the worker is terminated', async () => {
    const database = crypto.randomUUID();
    const leases = new WebSessionLeases(database);
    const { worker, said } = await startWorker(database);
    expect(said).toEqual(['held']);
    expect(await leases.acquire('s')).toBeNull();
    worker.terminate();
    await eventually(async () => expect(await leases.isHeld('s')).toBe(false));
    await (await leases.acquire('s'))?.release();
  });

  test('[LE1][LE2][LE3] a second worker is refused, hears notices, and takes the lease away by force', async () => {
    const database = crypto.randomUUID();
    const leases = new WebSessionLeases(database);
    const first = await startWorker(database);
    expect((await startWorker(database)).said).toEqual(['refused']);
    const heard: SessionNotice[] = [];
    const stop = leases.subscribe('s', (notice) => heard.push(notice));
    leases.publish('s', { kind: 'wanted' });
    await eventually(() => expect(heard).toContainEqual({ kind: 'busy', turnId: 'of the worker' }));
    stop();
    const lease = await leases.acquire('s', { force: true });
    await first.until('lost');
    expect((await startWorker(database)).said).toEqual(['refused']);
    await lease?.release();
    expect((await startWorker(database)).said).toEqual(['held']);
  });
});
