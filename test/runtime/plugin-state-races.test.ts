import { describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { PluginState } from '../../src/contract/plugin-state.ts';
import { definePlugin, type Plugin } from '../../src/contract/plugin.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { type Death, mortalTab } from './mortal.ts';
import {
  addOne,
  asks,
  approvalOf,
  type Count,
  countFromZero,
  counts,
  done,
  eventsOf,
  followsResults,
  leaveAsking,
  letRun,
  memory,
  openTab,
  plain,
  storedStates,
  textsOf,
  turnCounter,
  unlessDead,
} from './plugin-support.ts';
import { type Faults, faultyFactory } from './stores.ts';
import { finish, plays, text, toolNamed } from './support.ts';

const ask = toolNamed('ask', { approval: true });
const read = { plugin: 'p', action: 'read' };

describe('what a plugin keeps, and who changes it', () => {
  it.each([
    ['where the session is', false, 1],
    ['where it went since', true, 2],
  ])(
    '[PS1] a turn on another branch finds what held there, though an action reads meanwhile (%s)',
    async (_, isBack, found) => {
      const origin = memory();
      const gate = new Deferred<void>();
      const asked = vi.fn<() => void>();
      const faults: Faults = {};
      const { hooks, seen } = turnCounter();
      const reads = counts({ ...hooks, actions: { read: { run: (_args, { state }) => state.get().count } } });
      const runtime = await openTab(faultyFactory(faults, origin), plays(done, done, done), [reads]);
      const first = await runtime.turn('a').result;
      const second = await runtime.turn('b').result;
      expect(await runtime.runAction(read)).toBe(2);
      if (isBack) await runtime.branchToNode(first.leaf);
      faults.load = async (scope, proceed) => {
        if (scope.kind === 'path' && scope.checkpoint === true) {
          asked();
          await gate.promise;
        }
        return await proceed();
      };
      const turn = runtime.turn('edit', { from: isBack ? second.leaf : first.leaf });
      await eventually(() => expect(asked).toHaveBeenCalled());
      const reading = runtime.runAction(read);
      await letRun();
      gate.resolve();
      await Promise.all([turn.result, reading]);
      expect(seen).toEqual([0, 1, found]);
      expect(await storedStates(origin)).toEqual({ 'plugin:p': [1, { count: found + 1 }] });
    },
  );

  it('[PS1] a turn finds what is stored, though the one before was taken away while its last commit was under way', async () => {
    const origin = memory();
    const gate = new Deferred<void>();
    const held = vi.fn<() => void>();
    const faults: Faults = {};
    const { hooks, seen } = turnCounter();
    const clock = systemClock;
    const a = await openTab(faultyFactory(faults, origin), plays(done, done), [counts(hooks)], { clock });
    const b = await openTab(origin, plays(), [counts({})], { clock });
    faults.commit = async (request, proceed) => {
      const receipt = await proceed();
      if (request.turn?.kind === 'end') {
        held();
        await gate.promise;
      }
      return receipt;
    };
    a.turn('a', { inputId: 'a' }).result.catch(() => undefined);
    await eventually(() => expect(held).toHaveBeenCalled());
    await b.takeOver({ force: true });
    await eventually(() => expect(a.view().writer).not.toBe('here'));
    gate.resolve();
    await eventually(() => expect(a.view().lastTurn?.turnId).toBe('a'));
    await b.close();
    expect(await storedStates(origin)).toEqual({ 'plugin:p': [1, { count: 1 }] });
    await a.turn('b').result;
    expect(seen).toEqual([0, 1]);
    expect(await storedStates(origin)).toEqual({ 'plugin:p': [1, { count: 2 }] });
    await a.close();
  });

  it('[PS3] after a turn that could not be gone on with nothing may be changed, and the next one finds what holds on its branch', async () => {
    const factory = memory();
    const seen: number[] = [];
    let leaked: PluginState<Count> | undefined;
    const build = (version: number): Plugin =>
      definePlugin<Count>({
        id: 'p',
        version,
        state: countFromZero,
        build: ({ state }) => {
          leaked = state;
          return { beforeTurn: ({ state }) => void seen.push(state.get().count), beforeStep: addOne };
        },
      });
    const earlier = await openTab(factory, plays(done), [build(2)]);
    const { leaf } = await earlier.turn('x').result;
    await earlier.close();
    const options = { tools: [ask] };
    await leaveAsking(await openTab(factory, plays(asks('ask')), [build(1)], options), { from: null });
    const runtime = await openTab(factory, plays(done), [build(2)], options);
    await (await approvalOf(runtime)).answer({ approve: true });
    await eventually(() => expect(runtime.view().turn?.warnings).toHaveLength(1));
    await runtime.cancelTurn('t');
    await eventually(() => expect(runtime.view().turn).toBeNull());
    const readOnly = expect.objectContaining({ code: 'PluginStateReadOnly' }) as Error;
    expect(() => leaked?.set({ count: 99 })).toThrow(readOnly);
    await runtime.turn('next', { from: leaf }).result;
    expect(seen).toEqual([0, 0, 1]);
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [2, { count: 2 }] });
  });

  it('[PS4] a host without any plugins does not go on with a turn that changed one, shows why, and can stop it', async () => {
    const factory = memory();
    const options = { tools: [ask] };
    const five = counts({ beforeTurn: ({ state }) => state.set({ count: 5 }) });
    const first = await openTab(factory, plays(done, asks('ask')), [five], options);
    await first.turn('before').result;
    const before = await storedStates(factory);
    await leaveAsking(first);
    const runtime = await openTab(factory, plays(done), [], options);
    const events = eventsOf(runtime);
    await (await approvalOf(runtime)).answer({ approve: true });
    await eventually(() => expect(runtime.view().turn?.warnings).toHaveLength(1));
    expect(runtime.view().turn).toMatchObject({
      turnId: 't',
      interrupted: true,
      warnings: [expect.stringContaining('no plugin is here')],
    });
    await expect(runtime.turn('next').accepted).rejects.toMatchObject({ code: 'TurnRunning' });
    expect(await runtime.turn('go', { inputId: 't' }).cancel()).toMatchObject({
      status: 'failed',
      reason: 'runtime_error',
      error: { code: 'PluginStateRefused', data: { plugin: 'p', stored: 1 } },
    });
    expect(events.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
    expect(await storedStates(factory)).toEqual(before);
    expect((await runtime.turn('next').result).status).toBe('completed');
    expect(await storedStates(factory)).toEqual(before);
  });

  it('[PS2] an action that only reads changes nothing, also while a turn might', async () => {
    const factory = memory();
    const provider = plays(['hang']);
    const sneaks = counts({
      actions: {
        read: {
          run: (_, context) => {
            addOne(context);
            return null;
          },
        },
      },
    });
    const runtime = await openTab(factory, provider, [sneaks]);
    const turn = runtime.turn('go');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    await expect(runtime.runAction(read)).rejects.toMatchObject({ code: 'PluginFailed' });
    await turn.cancel();
    expect(await storedStates(factory)).toEqual({});
  });

  it.each(['it is given', 'build was given'])(
    '[PL2][PS2] a hook that took too long changes nothing any more, in the state that %s',
    async (given) => {
      const factory = memory();
      const gate = new Deferred<void>();
      const thrown = new Deferred<unknown>();
      const provider = plays(asks('x'), ['hang']);
      const slow = definePlugin({
        id: 'p',
        version: 1,
        state: countFromZero,
        timeoutMs: 20,
        build: (session) => ({
          afterToolCall: async (_call, _outcome, context) => {
            await gate.promise;
            try {
              thrown.resolve(addOne(given === 'it is given' ? context : session));
            } catch (error) {
              thrown.resolve(error);
            }
            return undefined;
          },
        }),
      });
      const options = { tools: [toolNamed('x')], clock: systemClock };
      const runtime = await openTab(factory, provider, [slow], options);
      const turn = runtime.turn('go');
      await eventually(() => expect(provider.requests).toHaveLength(2));
      gate.resolve();
      expect(await thrown.promise).toMatchObject({ code: 'PluginStateReadOnly' });
      await turn.cancel();
      expect(await storedStates(factory)).toEqual({});
    },
  );
});

describe('the state that build was given', () => {
  const gated = (gate: Deferred<void>, thrown: Deferred<unknown>): Plugin =>
    definePlugin({
      id: 'p',
      version: 1,
      state: countFromZero,
      build: (session) => ({
        tools: [
          toolNamed('x', {
            timeoutMs: 20,
            execute: async () => {
              addOne(session);
              await gate.promise;
              try {
                thrown.resolve(addOne(session));
              } catch (error) {
                thrown.resolve(error);
              }
              return 'late';
            },
          }),
        ],
      }),
    });

  it('[PS2] changes in a tool, and not any more once its call is over', async () => {
    const factory = memory();
    const [gate, thrown] = [new Deferred<void>(), new Deferred<unknown>()];
    const provider = plays(asks('x'), ['hang']);
    const runtime = await openTab(factory, provider, [gated(gate, thrown)], { clock: systemClock });
    const turn = runtime.turn('go');
    await eventually(() => expect(provider.requests).toHaveLength(2));
    gate.resolve();
    expect(await thrown.promise).toMatchObject({ code: 'PluginStateReadOnly' });
    await turn.cancel();
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { count: 1 }] });
  });

  it('[PS2] changes in a tool of a function, and in an action that writes', async () => {
    const factory = memory();
    const changes = definePlugin({
      id: 'p',
      version: 1,
      state: countFromZero,
      build: (session) => {
        const change = (): string => {
          addOne(session);
          return 'ok';
        };
        return {
          tools: () => [toolNamed('x', { execute: change })],
          actions: { add: { writes: true, run: change } },
        };
      },
    });
    const runtime = await openTab(factory, plays(asks('x'), done), [changes]);
    await runtime.turn('go').result;
    expect(await runtime.runAction({ plugin: 'p', action: 'add' })).toBe('ok');
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { count: 2 }] });
  });
});

describe('a turn that is taken away while a plugin is told of its end', () => {
  it('[TU6] writes nothing any more: it ends once, as whoever went on with it says', async () => {
    const factory = memory();
    const gate = new Deferred<void>();
    const told = vi.fn<() => void>();
    const waits = plain(
      {
        afterTurn: async () => {
          told();
          if (told.mock.calls.length === 1) await gate.promise;
        },
      },
      { timeoutMs: 60_000 },
    );
    const clock = systemClock;
    const provider = plays([text('old'), finish()], [text('new'), 'hang']);
    const other = plays(['hang']);
    const a = await openTab(factory, provider, [waits], { clock });
    const b = await openTab(factory, other, [plain({})], { clock });
    const events = eventsOf(a);
    a.turn('go', { inputId: 't' }).result.catch(() => undefined);
    await eventually(() => expect(told).toHaveBeenCalledTimes(1));
    await b.takeOver({ force: true });
    await eventually(() => expect(other.requests).toHaveLength(1));
    await a.takeOver({ force: true });
    await eventually(() => expect(a.view().turn?.text).toBe('new'));
    gate.resolve();
    await letRun();
    expect(textsOf(a)).toEqual(['go']);
    await a.cancelTurn('t');
    await eventually(() => expect(a.view().turn).toBeNull());
    const ends = events.flatMap((event) => (event.type === 'turn-finished' ? [event.result.status] : []));
    expect([ends, textsOf(a)]).toEqual([['cancelled'], ['go', 'new']]);
    await Promise.all([a.close(), b.close()]);
  });
});

describe('commits with room for few rows', () => {
  const few = (rows: number): InMemorySessionStoreFactory =>
    new InMemorySessionStoreFactory({ commitBudget: { rows, bytes: 1024 * 1024 } });

  it.each([2, 3, 4])('[ST13] take what plugins keep too, where there are %s', async (rows) => {
    const factory = few(rows);
    const counter = counts({ afterStep: (_, context) => addOne(context) });
    const options = { tools: [toolNamed('x')] };
    const runtime = await openTab(factory, plays(asks('x', 'x'), done), [counter], options);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { count: 2 }] });
  });

  it('[ST4][ST13] that a turn needs several of are made again as they were, wherever its tab dies', async () => {
    /** Its tool answers otherwise each time: what was committed is known from its record alone. */
    const brings = (answer: string): Plugin =>
      definePlugin<Count>({
        id: 'p',
        version: 1,
        state: countFromZero,
        build: ({ state }) => ({
          tools: [
            toolNamed('x', {
              replay: 'safe',
              execute: () => {
                state.set({ count: 1 });
                return answer;
              },
            }),
          ],
        }),
      });
    const model = (): ReturnType<typeof plays> => followsResults(2, asks('x', 'x'));
    const go = async (runtime: LashRuntime): Promise<string> =>
      (await runtime.turn('go', { inputId: 't' }).result).status;
    const scout = mortalTab(few(4));
    await go(await openTab(scout.factory, model(), [brings('first')]));
    const deaths = scout.writes.flatMap((_, write): Death[] => [
      { write, when: 'before' },
      { write, when: 'after' },
    ]);
    expect(deaths.length).toBeGreaterThan(10);
    for (const death of deaths) {
      const origin = few(4);
      const mortal = mortalTab(origin, death);
      const first = await unlessDead(mortal, openTab(mortal.factory, model(), [brings('first')]));
      if (first !== null)
        await unlessDead(
          mortal,
          go(first).catch(() => 'left'),
        );
      const second = await openTab(origin, model(), [brings('second')]);
      expect(await go(second), JSON.stringify(death)).toBe('completed');
      expect(await storedStates(origin), JSON.stringify(death)).toEqual({ 'plugin:p': [1, { count: 1 }] });
      await second.close();
    }
  });
});

describe('what a plugin shows', () => {
  const shown = { state: { ...countFromZero, shown: true } };
  const counter = (version = 1): Plugin => counts(turnCounter().hooks, { ...shown, version });
  const toldOf = (runtime: LashRuntime): readonly unknown[] => {
    const told: unknown[] = [];
    runtime.subscribe((event) => {
      if (event.type === 'plugins-changed') told.push(event.plugins);
    });
    return told;
  };

  it('[PS1] is what it was at first, where the session goes back to before anything', async () => {
    const factory = memory();
    const first = await openTab(factory, plays(done), [counter()]);
    await first.turn('a').result;
    await first.close();
    const second = await openTab(factory, plays(), [counter()]);
    expect(second.view().plugins).toEqual({ p: { count: 1 } });
    await second.branchToNode(null);
    await eventually(() => expect(second.view().plugins).toEqual({ p: { count: 0 } }));
  });

  it('[PS3] is nothing on a branch where it cannot be read, and is there again on another', async () => {
    const factory = memory();
    const first = await openTab(factory, plays(done), [counter(1)]);
    const { leaf } = await first.turn('a').result;
    await first.branchToNode(null);
    await first.close();
    const second = await openTab(factory, plays(done), [counter(2)]);
    const other = await second.turn('other').result;
    expect(second.view().plugins).toEqual({ p: { count: 1 } });
    await second.branchToNode(leaf);
    await eventually(() => expect(second.view().plugins).toEqual({}));
    await second.branchToNode(other.leaf);
    await eventually(() => expect(second.view().plugins).toEqual({ p: { count: 1 } }));
  });

  it('[PS1] is told once for each time that it was stored, by a turn or by an action', async () => {
    const adds = counts(
      {
        ...turnCounter().hooks,
        actions: {
          add: {
            writes: true,
            run: (_, context) => {
              addOne(context);
              return null;
            },
          },
        },
      },
      shown,
    );
    const runtime = await openTab(memory(), plays(done, done), [adds]);
    const told = toldOf(runtime);
    await runtime.turn('a').result;
    await runtime.runAction({ plugin: 'p', action: 'add' });
    await runtime.turn('b').result;
    await letRun();
    expect(told).toEqual([1, 2, 3].map((count) => ({ p: { count } })));
  });

  it('[PS2] is nothing of a turn that is not stored yet, whatever else moves the session', async () => {
    const factory = memory();
    const before = await openTab(factory, plays(done), [counts({}, shown)]);
    await before.turn('x').result;
    await before.branchToNode(null);
    await before.close();
    const provider = plays(['hang']);
    const early = counts({ beforeTurn: ({ state }) => state.set({ count: 42 }) }, shown);
    const runtime = await openTab(factory, provider, [early]);
    const events = eventsOf(runtime);
    const turn = runtime.turn('a');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    const known = events.length;
    await runtime.maintain(async (store) => {
      const { items } = await store.orphanedNodeIds({});
      await store.tombstoneNodes(items);
    });
    await eventually(() => expect(events.length).toBeGreaterThan(known));
    await letRun();
    expect([runtime.view().plugins, await storedStates(factory)]).toEqual([{ p: { count: 0 } }, {}]);
    await turn.cancel();
    expect(runtime.view().plugins).toEqual({ p: { count: 42 } });
  });
});
