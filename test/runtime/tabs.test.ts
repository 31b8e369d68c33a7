import { describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { eventually } from '../support/eventually.ts';
import { memoryEnvironment, openWith, plays, policy } from './support.ts';
import { tabCases } from './tab-cases.ts';

describe('several runtimes of one session in memory', () => {
  for (const { name, run } of tabCases) {
    it(name, async () => {
      const factory = new InMemorySessionStoreFactory();
      const runtimes: LashRuntime[] = [];
      try {
        await run({
          factory,
          open: async (provider, options) => {
            const environment = RuntimeEnvironment.builder()
              .withSessionStoreFactory(factory)
              .withAttachmentStore(new InMemoryAttachmentStore())
              .build();
            const own = {
              sessionId: 's',
              mode: 'openOrCreate',
              policy,
              providers: { fake: provider },
            } as const;
            const runtime = await LashRuntime.open(environment, { ...own, ...options });
            runtimes.push(runtime);
            return runtime;
          },
        });
      } finally {
        for (const runtime of runtimes) await runtime.close();
      }
    });
  }
});

describe('a runtime among those of its session', () => {
  it.each([
    ['who still writes', 600_000],
    ['who has let go', 0],
  ])('[FO1] catches up with what was written while it opened, by somebody %s', async (_, lingerMs) => {
    const { runtime: a, environment } = await openWith(plays(), {
      sessionId: 's',
      clock: systemClock,
      lingerMs,
    });
    const note = { kind: 'plugin', pluginType: 'note', data: null } as const;
    await a.appendSessionNodes({ nodes: [note] });
    const { sessionStoreFactory: factory } = environment;
    const open = factory.open.bind(factory);
    vi.spyOn(factory, 'open').mockImplementationOnce(async (...request) => {
      const store = await open(...request);
      const siblings = store.siblings.bind(store);
      vi.spyOn(store, 'siblings').mockImplementationOnce(async (ids) => {
        await a.appendSessionNodes({ nodes: [note] });
        await a.rename('renamed');
        await new Promise((resolve) => setTimeout(resolve, 20));
        return await siblings(ids);
      });
      return store;
    });
    const b = await LashRuntime.open(
      memoryEnvironment((builder) => builder.withSessionStoreFactory(factory)),
      { sessionId: 's' },
    );
    expect(b.view().head).toEqual(a.view().head);
    expect(b.view().window.nodes).toHaveLength(2);
    expect([b.view().title, b.view().writer]).toEqual(['renamed', lingerMs === 0 ? 'nobody' : 'elsewhere']);
    await Promise.all([a.close(), b.close()]);
  });

  it('[WS8] [WB2] gives its lease up to a page that rests without asking who holds it, and asks when it wakes', async () => {
    const { runtime, environment } = await openWith(plays(), { sessionId: 's' });
    await runtime.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'note', data: null }] });
    const { leases } = environment.sessionStoreFactory;
    const looks = vi.spyOn(leases, 'isHeld');
    runtime.rest();
    await eventually(() => expect(runtime.view().writer).toBe('nobody'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(looks).not.toHaveBeenCalled();
    expect(await leases.acquire('s')).not.toBeNull();
    await runtime.wake();
    expect(runtime.view().writer).toBe('elsewhere');
    await runtime.close();
  });

  it('[FO3] does not take the end of another turn of that name for the end of the one that is about to run', async () => {
    const environment = memoryEnvironment();
    const { sessionStoreFactory: factory } = environment;
    const { runtime } = await openWith(plays([]), { environment, sessionId: 's' });
    const acquire = factory.leases.acquire.bind(factory.leases);
    const free = new Deferred<void>();
    vi.spyOn(factory.leases, 'acquire').mockImplementationOnce(async (...request) => {
      await free.promise;
      return await acquire(...request);
    });
    const turn = runtime.turn('hi', { inputId: 't' });
    const result = { status: 'completed', reason: 'assistant_message', leaf: null, usage: NO_USAGE } as const;
    const activity = [
      { type: 'turn-started', turnId: 't' },
      { type: 'turn-finished', turnId: 't', result },
    ] as const;
    factory.leases.publish('s', { kind: 'activity', activity });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(runtime.turn('more').accepted).rejects.toMatchObject({ code: 'TurnRunning' });
    expect(runtime.view().lastTurn).toBeNull();
    free.resolve();
    await turn.accepted;
    await runtime.close();
  });

  it('[WS5] a turn that is refused leaves the lease to the write that is under way', async () => {
    const environment = memoryEnvironment();
    const { sessionStoreFactory: factory } = environment;
    const open = factory.open.bind(factory);
    const gate = new Deferred<void>();
    vi.spyOn(factory, 'open').mockImplementationOnce(async (...request) => {
      const store = await open(...request);
      const commit = store.commit.bind(store);
      vi.spyOn(store, 'commit').mockImplementationOnce(async (change) => {
        await gate.promise;
        return await commit(change);
      });
      return store;
    });
    const { runtime } = await openWith(plays(), { environment, sessionId: 's', lingerMs: 0 });
    const written = runtime.appendSessionNodes({
      nodes: [{ kind: 'plugin', pluginType: 'note', data: null }],
    });
    await eventually(() => expect(runtime.view().writer).toBe('here'));
    await expect(runtime.turn('').accepted).rejects.toMatchObject({ code: 'InvalidInput' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await factory.leases.isHeld('s')).toBe(true);
    gate.resolve();
    await written;
    await eventually(async () => expect(await factory.leases.isHeld('s')).toBe(false));
    await runtime.close();
  });
});
