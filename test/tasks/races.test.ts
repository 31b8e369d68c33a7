import { describe, expect, it } from 'vitest';

import type { SessionLeases } from '../../src/contract/lease.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { endsOf, openTab, sessionsNamed, withTasks, workNamed } from './support.ts';

/** The same leases; `held` names those that are held. */
function countedLeases(origin: SessionLeases, held: Set<string>): SessionLeases {
  return standIn(origin, {
    acquire: async (name, options) => {
      const lease = await origin.acquire(name, options);
      if (lease !== null) held.add(name);
      return (
        lease &&
        standIn(lease, {
          release: async () => {
            held.delete(name);
            await lease.release();
          },
        })
      );
    },
  });
}

/** Waits until all that can happen without a timer has happened. */
const settled = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, 20));

describe('a session that is closed while a task begins', () => {
  it.each([
    ['cancel', 'cancelled'],
    ['pause', 'paused'],
  ] as const)('[BH5] does with it what its policy says: %s', async (close, state) => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work', { policies: { close } });
    const tab = await openTab(factory, [work.definition]);
    const starting = tab.tasks.start({ name: 'work', id: 't' }).catch(() => undefined);
    while (tab.mortal.writes.length === 0) await Promise.resolve();
    await tab.tasks.leave();
    await starting;
    await settled();
    expect(work.runs.filter(({ context }) => !context.signal.aborted)).toEqual([]);
    const next = await openTab(factory);
    expect(await next.tasks.list({ ended: true })).toMatchObject([{ id: 't', state }]);
  });

  it('[BH5] does so with one that is registered at that moment', async () => {
    const factory = await sessionsNamed('s');
    const tab = await openTab(factory);
    const registering = tab.tasks.register({ id: 't', policies: { close: 'cancel' } });
    await tab.tasks.leave();
    await registering;
    const next = await openTab(factory);
    expect(await next.tasks.list()).toMatchObject([{ id: 't', state: 'cancel_requested' }]);
  });
});

describe('a transfer that meets something else', () => {
  it.each(['runs here', 'was registered here'])(
    '[BH5][BH7] the close of its session: it arrives, and %s',
    async (how) => {
      for (let ticks = 0; ticks < 60; ticks++) {
        const factory = await sessionsNamed('s', 'p');
        const work = workNamed('work');
        const tab = await openTab(factory, [work.definition]);
        if (how === 'runs here') await tab.tasks.start({ name: 'work', id: 't' });
        else await tab.tasks.register({ id: 't' });
        const moving = tab.tasks.transfer('t', 'p');
        for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        await tab.tasks.leave();
        expect(await moving).toMatchObject({ id: 't', sessionId: 'p' });
        expect(await (await openTab(factory, [], { sessionId: 'p' })).tasks.list()).toMatchObject([
          { id: 't', state: 'running' },
        ]);
        expect(work.runs.filter(({ context }) => context.signal.aborted)).toEqual([]);
      }
    },
  );

  it('[BH7][BH8] the deletion of its session: no lease is left behind', async () => {
    for (let ticks = 0; ticks < 60; ticks++) {
      const origin = await sessionsNamed('s', 'p');
      const held = new Set<string>();
      const factory = standIn(origin, { leases: countedLeases(origin.leases, held) });
      const tab = await openTab(factory);
      await tab.tasks.register({ id: 't' });
      const moving = tab.tasks.transfer('t', 'p').catch(() => undefined);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      await origin.delete('s');
      origin.leases.publish('s', { kind: 'deleted' });
      await moving;
      await settled();
      expect([ticks, ...held]).toEqual([ticks]);
    }
  });

  it('[BH7] another transfer of the same task: it goes to one of the two', async () => {
    const factory = await sessionsNamed('s', 'p', 'q');
    const [left, right] = [await openTab(factory), await openTab(factory)];
    await left.tasks.register({ id: 't' });
    await right.tasks.list();
    await Promise.allSettled([left.tasks.transfer('t', 'p'), right.tasks.transfer('t', 'q')]);
    const live = [];
    for (const sessionId of ['s', 'p', 'q'])
      live.push(...(await (await openTab(factory, [], { sessionId })).tasks.list()));
    expect(live).toHaveLength(1);
  });

  it('[BH7] another tab that begins the task: it stays with that one', async () => {
    const origin = await sessionsNamed('s', 'p');
    const work = workNamed('work', { policies: { close: 'pause' } });
    const first = await openTab(origin, [work.definition]);
    await first.tasks.start({ name: 'work', id: 't' });
    await first.tasks.leave();
    const meanwhile = { do: async (): Promise<unknown> => await Promise.resolve() };
    const factory = withTasks(origin, (tasks) => ({
      write: async (change) => {
        const { do: it } = meanwhile;
        meanwhile.do = async () => await Promise.resolve();
        await it();
        return await tasks.write(change);
      },
    }));
    const mover = await openTab(factory);
    meanwhile.do = async () => await openTab(origin, [work.definition]);
    const moved = await mover.tasks.transfer('t', 'p').catch((error: unknown) => error);
    expect(moved).toMatchObject({ code: 'InvalidTaskMove' });
    expect(work.runs[1]!.context.signal.aborted).toBe(false);
    expect(await mover.tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
  });

  it('[BH4][BH7] another tab that cancels it: its run is told to stop', async () => {
    const origin = await sessionsNamed('s', 'p');
    const work = workNamed('work', { policies: { cancel: 'abort' } });
    const other = await openTab(origin);
    const meanwhile = { do: async (): Promise<unknown> => await Promise.resolve() };
    const factory = withTasks(origin, (tasks) => ({
      write: async (change) => {
        await meanwhile.do();
        return await tasks.write(change);
      },
    }));
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    meanwhile.do = async () => await other.tasks.cancel('t').catch(() => undefined);
    await expect(tab.tasks.transfer('t', 'p')).rejects.toMatchObject({ code: 'TaskEnded' });
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(endsOf(tab, 't')).toBe(1);
  });
});

describe('a record that is removed', () => {
  it('[BH3] and made again is seen as the new one, and can be stopped', async () => {
    const factory = await sessionsNamed('s');
    const tab = await openTab(factory);
    await tab.tasks.register({ id: 't' });
    await tab.tasks.update('t', { progress: 'old' });
    const store = await factory.open('s', { kind: 'open' });
    const [old] = await store.tasks.list();
    await store.tasks.remove(['t']);
    const body = { ...(old!.body as object), progress: 'new', createdAt: 9_000_000 };
    await store.tasks.write({ taskId: 't', expected: 0, body });
    const cancelled = tab.tasks.cancel('t');
    const slow = new Promise((resolve) => setTimeout(resolve, 20_000, 'hangs'));
    expect(await Promise.race([cancelled, slow])).toMatchObject({
      state: 'cancel_requested',
      progress: 'new',
    });
  });
});

it('[BH8] a session with as many records as it may have makes room of what ended, and refuses where nothing did', async () => {
  const factory = await sessionsNamed('s');
  const store = await factory.open('s', { kind: 'open' });
  const tab = await openTab(factory);
  for (const id of ['ended', 'live']) await tab.tasks.register({ id });
  await tab.tasks.complete('ended', { state: 'completed', result: 1 });
  const { body } = (await store.tasks.find('live'))!;
  for (let n = 2; n < 1000; n++)
    await store.tasks.write({ taskId: `r${n}`, expected: 0, body: { ...(body as object), id: `r${n}` } });
  expect(await tab.tasks.list({ ended: true })).toHaveLength(1000);
  await tab.tasks.register({ id: 'new' });
  expect(await store.tasks.find('ended')).toBeNull();
  await expect(tab.tasks.register({ id: 'newer' })).rejects.toMatchObject({ code: 'InvalidInput' });
});
