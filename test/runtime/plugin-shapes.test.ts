import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';

import { definePlugin, type Plugin, type PluginHooks } from '../../src/contract/plugin.ts';
import { done, memory, openTab, plain } from './plugin-support.ts';
import { plays, toolNamed } from './support.ts';

const nothing = (): undefined => undefined;

const refusal = async (plugin: Plugin): Promise<unknown> =>
  await openTab(memory(), plays(), [plugin]).catch((error: unknown) => error);

const List = z.strictObject({ items: z.array(z.string()) });
const initial: z.infer<typeof List> = { items: [] };
const listed = { id: 'p', version: 1, state: { schema: List, initial } };

describe('hooks that do not fit their plugin', () => {
  // What must not compile; that it does not is checked by the compiler alone.
  const wrong: readonly Plugin[] = [
    // @ts-expect-error -- There is no such hook.
    definePlugin({ id: 'p', version: 1, hooks: { beforeTurn: nothing, beforeTrun: nothing } }),
    // @ts-expect-error -- There is no such hook.
    definePlugin({ id: 'p', version: 1, build: () => ({ beforeTurn: nothing, beforeTrun: nothing }) }),
    // @ts-expect-error -- There is no such hook.
    definePlugin({ ...listed, build: ({ state }) => ({ dispose: () => void state.get().items, on: 1 }) }),
    // @ts-expect-error -- A hook is a function.
    definePlugin({ id: 'p', version: 1, hooks: { beforeTurn: nothing, afterTurn: 5 } }),
    // @ts-expect-error -- A hook is a function.
    definePlugin({ id: 'p', version: 1, build: () => ({ beforeTurn: nothing, afterTurn: 5 }) }),
  ];

  it.each(wrong.map((plugin) => [plugin]))('[PL2] do not compile, nor open (%#)', async (plugin) => {
    expect(await refusal(plugin)).toMatchObject({
      code: 'PluginFailed',
      data: { plugin: 'p', problem: 'invalid' },
    });
  });

  it('[PL2] are named where there are none of their name', async () => {
    const mistyped = { availableTols: nothing } as PluginHooks<null>;
    for (const plugin of [plain(mistyped), definePlugin({ id: 'p', version: 1, build: () => mistyped })])
      expect(await refusal(plugin)).toMatchObject({
        code: 'PluginFailed',
        message: expect.stringContaining('availableTols is none') as string,
        data: { plugin: 'p', hook: 'build', problem: 'invalid' },
      });
  });

  it('may be an object of a class, with fields of its own, and no functions besides', async () => {
    class Counting {
      turns = 0;
      beforeTurn(): undefined {
        this.turns++;
      }
    }
    class Mistyped extends Counting {
      availableTols = nothing;
    }
    const counting = new Counting();
    const given = { id: 'p', version: 1 } as const;
    const runtime = await openTab(memory(), plays(done), [{ ...given, build: () => counting }]);
    await runtime.turn('go').result;
    expect(counting.turns).toBe(1);
    await runtime.close();
    expect(await refusal({ ...given, build: () => new Mistyped() as never })).toMatchObject({
      code: 'PluginFailed',
    });
  });

  it('fit where the state of their plugin is found out from its schema', async () => {
    const keeps = definePlugin({
      ...listed,
      build: ({ state }) => ({
        beforeTurn: (context) => context.state.set({ items: [...state.get().items, context.turnId] }),
        afterTurn: ({ status }) => [{ pluginType: 'p.end', data: status }],
      }),
    });
    const runtime = await openTab(memory(), plays(), [keeps]);
    await runtime.close();
  });
});

describe('what a plugin lists', () => {
  const tool = toolNamed('x');
  const task = { name: 't', run: nothing };

  it.each<readonly [keyof PluginHooks<null>, unknown]>([
    ['tools', null],
    ['tools', 'abc'],
    ['tools', { x: tool }],
    ['tools', Promise.resolve([tool])],
    ['tools', [null]],
    ['tools', [{ name: 'x' }]],
    ['tools', [{ ...tool, inputSchema: 'object' }]],
    ['tools', [{ ...tool, approval: 'always' }]],
    ['tools', [{ ...tool, mode: 'one by one' }]],
    ['tools', [{ ...tool, replay: true }]],
    ['tools', [{ ...tool, timeoutMs: '20' }]],
    ['backgroundTasks', 5],
    ['backgroundTasks', [null]],
    ['backgroundTasks', [{ name: 't' }]],
    ['backgroundTasks', [{ ...task, policies: 'keep' }]],
    ['backgroundTasks', [{ ...task, maxAttempts: 'often' }]],
    ['actions', null],
    ['actions', [nothing]],
    ['actions', { act: nothing }],
    ['actions', { act: { run: nothing, writes: 'yes' } }],
  ])('[PL2] is refused when the session opens, where it is something else: %s: %j', async (hook, value) => {
    expect(await refusal(plain({ [hook]: value }))).toMatchObject({
      code: 'PluginFailed',
      data: { plugin: 'p', hook, problem: 'invalid' },
    });
  });

  it('is what it says, and may be absent', async () => {
    const lists = plain({
      tools: [toolNamed('x', { approval: () => true, mode: 'serial', replay: 'safe', timeoutMs: 20 })],
      backgroundTasks: [{ ...task, policies: { lost: 'resume' }, maxAttempts: 2 }],
      actions: { act: { run: nothing, writes: true } },
    });
    const absent = { tools: undefined, prompt: undefined } as unknown as PluginHooks<null>;
    for (const plugin of [lists, plain(absent), plain({ tools: () => [] })])
      await (await openTab(memory(), plays(), [plugin])).close();
  });
});
