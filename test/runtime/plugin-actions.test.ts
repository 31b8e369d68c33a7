import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';

import { systemClock } from '../../src/contract/clock.ts';
import { definePlugin, type Plugin } from '../../src/contract/plugin.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { done, openTab } from './plugin-support.ts';
import { plays } from './support.ts';

const List = z.strictObject({ items: z.array(z.string()) });
type List = z.infer<typeof List>;

/** Keeps a list that pages see and add to; each turn adds `turn`. */
function list(version = 1): Plugin {
  return definePlugin<List>({
    id: 'list',
    version,
    state: { schema: List, initial: { items: [] }, shown: true },
    hooks: {
      afterTurn: (_, { state }) => state.set({ items: [...state.get().items, 'turn'] }),
      actions: {
        count: { run: (_, { state }) => state.get().items.length },
        echo: { run: (args) => args },
        nothing: { run: () => undefined },
        odd: { run: () => (() => 1) as never },
        sneaks: {
          run: (_, { state }) => {
            state.set({ items: [] });
            return null;
          },
        },
        add: {
          writes: true,
          run: (args, { state }) => {
            state.set({ items: [...state.get().items, z.parse(z.string(), args)] });
            return state.get().items.length;
          },
        },
        clear: {
          writes: true,
          run: (_, { state }) => {
            state.set({ items: [] });
            return null;
          },
        },
        addAndFail: {
          writes: true,
          run: (_, { state }) => {
            state.set({ items: ['gone'] });
            throw new Error('no');
          },
        },
        hangs: { run: async () => await new Promise<never>(() => undefined) },
      },
    },
    timeoutMs: 50,
  });
}

const tab = async (
  factory: SessionStoreFactory,
  provider: ReturnType<typeof plays>,
  plugins: readonly Plugin[] = [list()],
  options: RuntimeOptions = {},
): Promise<LashRuntime> => await openTab(factory, provider, plugins, options);

const act = async (runtime: LashRuntime, action: string, args?: string): Promise<unknown> =>
  await runtime.runAction({ plugin: 'list', action, ...(args === undefined ? {} : { args }) });

const shown = (runtime: LashRuntime): unknown => runtime.view().plugins['list'];

describe('what a plugin shows', () => {
  it('[PS1] is in the view as it is stored: from the start, after each turn, on each branch, and when it is opened again', async () => {
    const factory = new InMemorySessionStoreFactory();
    const runtime = await tab(factory, plays(done, done));
    expect(shown(runtime)).toEqual({ items: [] });
    const { leaf } = await runtime.turn('a').result;
    expect(shown(runtime)).toEqual({ items: ['turn'] });
    await runtime.turn('b').result;
    expect(shown(runtime)).toEqual({ items: ['turn', 'turn'] });
    await runtime.branchToNode(leaf);
    await eventually(() => expect(shown(runtime)).toEqual({ items: ['turn'] }));
    await runtime.close();
    expect(shown(await tab(factory, plays()))).toEqual({ items: ['turn'] });
  });

  it('[LE3] follows what another tab stores', async () => {
    const factory = new InMemorySessionStoreFactory();
    const [a, b] = [await tab(factory, plays(done)), await tab(factory, plays())];
    await a.turn('a').result;
    await eventually(() => expect(shown(b)).toEqual({ items: ['turn'] }));
    await act(b, 'add', 'of b');
    await eventually(() => expect(shown(a)).toEqual({ items: ['turn', 'of b'] }));
    await Promise.all([a.close(), b.close()]);
  });

  it('[LE3] follows back to what it was at first, in a tab that only looked', async () => {
    const factory = new InMemorySessionStoreFactory();
    const a = await tab(factory, plays(done));
    await a.turn('a').result;
    const b = await tab(factory, plays());
    expect(shown(b)).toEqual({ items: ['turn'] });
    await act(a, 'clear');
    await eventually(() => expect(shown(b)).toEqual({ items: [] }));
    await Promise.all([a.close(), b.close()]);
  });

  it('[PS3] is nothing where it cannot be read', async () => {
    const factory = new InMemorySessionStoreFactory();
    const first = await tab(factory, plays(done));
    await first.turn('a').result;
    await first.close();
    const second = await tab(factory, plays(), [list(2)]);
    expect(second.view().plugins).toEqual({});
    await expect(act(second, 'count')).rejects.toMatchObject({ code: 'PluginStateRefused' });
  });

  it('is nothing of those that do not', async () => {
    const silent = definePlugin<List>({
      id: 'silent',
      version: 1,
      state: { schema: List, initial: { items: [] } },
    });
    expect((await tab(new InMemorySessionStoreFactory(), plays(), [silent])).view().plugins).toEqual({});
  });
});

describe('an action of a plugin', () => {
  it('answers with data, and nothing is null', async () => {
    const runtime = await tab(new InMemorySessionStoreFactory(), plays(done));
    await runtime.turn('a').result;
    expect(await act(runtime, 'count')).toBe(1);
    expect(await act(runtime, 'echo', 'hi')).toBe('hi');
    expect(await act(runtime, 'nothing')).toBeNull();
  });

  it('[PS2] that writes has stored what it changed once it answers, at the node where the session is', async () => {
    const factory = new InMemorySessionStoreFactory();
    const runtime = await tab(factory, plays(done, done));
    const { leaf } = await runtime.turn('a').result;
    expect(await act(runtime, 'add', 'milk')).toBe(2);
    expect(shown(runtime)).toEqual({ items: ['turn', 'milk'] });
    expect(runtime.view().head.leaf).toBe(leaf);
    await runtime.close();
    const again = await tab(factory, plays(done));
    expect(shown(again)).toEqual({ items: ['turn', 'milk'] });
    await again.turn('b').result;
    expect(shown(again)).toEqual({ items: ['turn', 'milk', 'turn'] });
  });

  it.each([
    ['of a plugin that is not here', { plugin: 'nobody', action: 'count' }, 'PluginActionNotFound'],
    ['that the plugin has not', { plugin: 'list', action: 'nope' }, 'PluginActionNotFound'],
    ['with what is no data', { plugin: 'list', action: 'echo', args: (() => 1) as never }, 'NotData'],
    ['that answers with what is no data', { plugin: 'list', action: 'odd' }, 'PluginFailed'],
    ['that hangs', { plugin: 'list', action: 'hangs' }, 'PluginFailed'],
    ['that writes without having said so', { plugin: 'list', action: 'sneaks' }, 'PluginFailed'],
  ])('%s is refused, and the session goes on', async (_, request, code) => {
    const runtime = await tab(new InMemorySessionStoreFactory(), plays(done), [list()], {
      clock: systemClock,
    });
    await expect(runtime.runAction(request)).rejects.toMatchObject({ code });
    expect((await runtime.turn('a').result).status).toBe('completed');
  });

  it.each([true, false])(
    'that hangs keeps no session from closing, and is told (writes: %s)',
    async (writes) => {
      const signals: AbortSignal[] = [];
      const run = async (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> => {
        signals.push(signal);
        return await new Promise<never>(() => undefined);
      };
      const hangs = definePlugin({
        id: 'list',
        version: 1,
        timeoutMs: 1_000_000,
        hooks: { actions: { hangs: { writes, run } } },
      });
      const runtime = await tab(new InMemorySessionStoreFactory(), plays(done), [hangs], {
        clock: systemClock,
      });
      await runtime.turn('a').result;
      const answer = act(runtime, 'hangs').catch((error: unknown) => error);
      await eventually(() => expect(signals).toHaveLength(1));
      await runtime.close();
      expect(await answer).toMatchObject({ code: 'SessionClosed' });
      expect(signals[0]?.aborted).toBe(true);
    },
  );

  it('that fails stores nothing of what it changed', async () => {
    const runtime = await tab(new InMemorySessionStoreFactory(), plays(done));
    await runtime.turn('a').result;
    const { revision } = runtime.view().head;
    await expect(act(runtime, 'addAndFail')).rejects.toMatchObject({ code: 'PluginFailed' });
    expect([shown(runtime), runtime.view().head.revision]).toEqual([{ items: ['turn'] }, revision]);
    expect(await act(runtime, 'count')).toBe(1);
  });

  it('that writes is refused before anything was said, and while a turn runs; one that only reads is not', async () => {
    const provider = plays(['hang']);
    const runtime = await tab(new InMemorySessionStoreFactory(), provider);
    await expect(act(runtime, 'add', 'milk')).rejects.toMatchObject({ code: 'InvalidInput' });
    expect(shown(runtime)).toEqual({ items: [] });
    const turn = runtime.turn('a');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    await expect(act(runtime, 'add', 'milk')).rejects.toMatchObject({ code: 'TurnRunning' });
    expect(await act(runtime, 'count')).toBe(0);
    await turn.cancel();
    expect(shown(runtime)).toEqual({ items: ['turn'] });
  });

  it('is refused in a session that is read only, which has no plugins', async () => {
    const factory = new InMemorySessionStoreFactory();
    await (await tab(factory, plays())).close();
    const runtime = await tab(factory, plays(), [list()], { mode: 'readOnly' });
    await expect(act(runtime, 'count')).rejects.toMatchObject({ code: 'PluginActionNotFound' });
  });
});
