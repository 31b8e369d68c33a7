import { describe, expect, it, vi } from 'vitest';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import { definePlugin, type Plugin, type PluginHooks } from '../../src/contract/plugin.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { eventually } from '../support/eventually.ts';
import {
  approvalOf,
  asks,
  addOne,
  counts,
  done,
  eventsOf,
  leaveAsking,
  letRun,
  memory,
  openTab,
  plain,
  storedStates,
  textsOf,
} from './plugin-support.ts';
import { plays, text, toolNamed } from './support.ts';

describe('what a hook is given', () => {
  /** Tries to change a member of something. */
  type Change = (of: unknown, key: string) => void;

  it.each<readonly [string, (change: Change) => PluginHooks<null>]>([
    [
      'afterTurn: how the turn ends',
      (change) => ({
        afterTurn: (ending) => {
          change(ending, 'status');
          change(ending.usage, 'inputTokens');
        },
      }),
    ],
    [
      'afterStep: the answer',
      (change) => ({
        afterStep: ({ parts, usage }) => {
          change(parts, '0');
          change(parts[0], 'text');
          change(usage, 'outputTokens');
        },
      }),
    ],
    [
      'availableTools: the names of the tools',
      (change) => ({
        availableTools: (names) => {
          change(names, '0');
          return undefined;
        },
      }),
    ],
    [
      'transformAnswer: which parts the answer has',
      (change) => ({
        transformAnswer: (answer) => {
          change(answer, 'parts');
          return undefined;
        },
      }),
    ],
    [
      'transformAnswer: the answer',
      (change) => ({
        transformAnswer: ({ parts, usage }) => {
          change(parts[0], 'text');
          change(usage, 'outputTokens');
          return undefined;
        },
      }),
    ],
    [
      'beforeToolCall: what the model wrote',
      (change) => ({
        beforeToolCall: (call) => {
          change(call, 'tool');
          change(call.args, 'n');
        },
      }),
    ],
    [
      'afterToolCall: the outcome',
      (change) => ({
        afterToolCall: (call, outcome) => {
          change(call.args, 'n');
          change(outcome, 'value');
          return undefined;
        },
      }),
    ],
    [
      'onEvent: what others hear',
      (change) => ({
        onEvent: (event) => {
          change(event, 'text');
          if (event.type === 'nodes-committed') change(event.nodes[0]?.body, 'kind');
        },
      }),
    ],
    [
      'viewContext: the history',
      (change) => ({
        viewContext: (nodes) => {
          change(nodes, '0');
          change(nodes[0]?.body, 'kind');
          return undefined;
        },
      }),
    ],
  ])('[PL5] does not change: %s', async (_, hooks) => {
    const told = async (plugins: readonly Plugin[]): Promise<unknown> => {
      const script = [[text('said'), ...asks('x')], done];
      const runtime = await openTab(memory(), plays(...script), plugins, { tools: [toolNamed('x')] });
      const events = eventsOf(runtime);
      const { status, usage } = await runtime.turn('go', { inputId: 't' }).result;
      const shown = events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));
      return [status, usage, shown, runtime.view().window.nodes.map(({ body }) => body)];
    };
    const changes: boolean[] = [];
    const change: Change = (of, key) =>
      void changes.push(typeof of !== 'object' || of === null || Reflect.set(of, key, 'changed'));
    expect(await told([plain(hooks(change))])).toEqual(await told([]));
    expect(changes.length).toBeGreaterThan(0);
    expect(changes).not.toContain(true);
  });

  it('[PL1] says of which step its call is', async () => {
    const steps: number[] = [];
    const watches = plain({
      beforeToolCall: (_, { step }) => void steps.push(step),
      afterToolCall: (_call, _outcome, { step }) => {
        steps.push(step);
        return undefined;
      },
      afterTurn: (_, { step }) => void steps.push(step),
    });
    const provider = plays(asks('x'), asks('x'), done);
    const runtime = await openTab(memory(), provider, [watches], { tools: [toolNamed('x')] });
    await runtime.turn('go').result;
    expect(steps).toEqual([0, 0, 1, 1, 2]);
  });
});

describe('an approval', () => {
  it('[PL4] is of the arguments that then run, and no hook is asked about the call again', async () => {
    const factory = memory();
    const ran: unknown[] = [];
    let rulings = 0;
    const rules = counts({
      beforeToolCall: (_, context) => {
        addOne(context);
        return { kind: 'args', args: { ruling: ++rulings } };
      },
    });
    const execute = (args: unknown): string => {
      ran.push(args);
      return 'ok';
    };
    const tools = [toolNamed('ask', { approval: true, execute })];
    const runtime = await openTab(factory, plays(asks('ask'), done), [rules], { tools });
    const turn = runtime.turn('go');
    const approval = await approvalOf(runtime);
    await approval.answer({ approve: true });
    await turn.result;
    expect([approval.args, ran]).toEqual([{ ruling: 1 }, [{ ruling: 1 }]]);
    expect(await storedStates(factory)).toEqual({ 'plugin:p': [1, { count: 1 }] });
  });

  it('[PL4] is of the arguments that then run in another tab, which has a ruling of its own', async () => {
    const factory = memory();
    const ran: unknown[] = [];
    const rules = (by: string): Plugin => plain({ beforeToolCall: () => ({ kind: 'args', args: { by } }) });
    const execute = (args: unknown): string => {
      ran.push(args);
      return 'ok';
    };
    const tools = [toolNamed('ask', { approval: true, execute })];
    await leaveAsking(await openTab(factory, plays(asks('ask')), [rules('first')], { tools }));
    const second = await openTab(factory, plays(done), [rules('second')], { tools });
    const turn = second.turn('go', { inputId: 't' });
    await (await approvalOf(second)).answer({ approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(ran).toEqual([{ by: 'first' }]);
  });
});

describe('a tool of a page with the name of a tool of a plugin', () => {
  it('is not offered: turns go on', async () => {
    const page: Tool[] = [];
    const execute = vi.fn<() => string>(() => 'of the page');
    const provider = plays(done, asks('mine'), done);
    const brings = plain({ tools: [toolNamed('mine')] });
    const runtime = await openTab(memory(), provider, [brings], { tools: () => page });
    await runtime.turn('a').result;
    page.push(toolNamed('mine', { execute }), toolNamed('other'));
    expect((await runtime.turn('b').result).status).toBe('completed');
    expect(provider.requests[1]?.tools.map(({ name }) => name)).toEqual(['other', 'mine']);
    expect(execute).not.toHaveBeenCalled();
  });

  it('does not cost the answer that is under way when it comes', async () => {
    const page: Tool[] = [];
    const brings = plain({
      tools: [toolNamed('mine')],
      afterStep: () => void page.push(toolNamed('mine')),
    });
    const runtime = await openTab(memory(), plays(asks('mine'), done), [brings], { tools: () => page });
    const { status, usage } = await runtime.turn('go').result;
    expect([status, usage.inputTokens]).toEqual(['completed', 20]);
  });
});

describe('a plugin', () => {
  const fails = (): never => {
    throw new Error('no');
  };

  it('that was built is disposed of, where a later one cannot be built', async () => {
    const dispose = vi.fn<() => void>();
    const first = definePlugin({ id: 'first', version: 0, build: () => ({ dispose }) });
    const second = definePlugin({ id: 'second', version: 0, build: fails });
    const opening = openTab(memory(), plays(), [first, second]);
    await expect(opening).rejects.toMatchObject({ code: 'PluginFailed' });
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it('is disposed of, once, where its session is deleted in another tab', async () => {
    const factory = memory();
    const dispose = vi.fn<() => void>();
    const runtime = await openTab(factory, plays(), [plain({ dispose })]);
    await factory.delete('s');
    factory.leases.publish('s', { kind: 'deleted' });
    await eventually(() => expect(dispose).toHaveBeenCalled());
    await expect(runtime.readView()).rejects.toMatchObject({ code: 'SessionDeleted' });
    await runtime.close();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  it.each(['constructor', 'toString', '__proto__'])(
    'has no action %s that it did not name',
    async (action) => {
      const runtime = await openTab(memory(), plays(), [plain({ actions: {} })]);
      const asked = runtime.runAction({ plugin: 'p', action });
      await expect(asked).rejects.toMatchObject({ code: 'PluginActionNotFound' });
    },
  );

  it.each([
    ['takes for ever', { timeoutMs: Infinity }],
    ['has no time at all', { timeoutMs: 0 }],
    ['takes longer than a timer can wait', { timeoutMs: 2 ** 31 }],
    ['has a time that is no number', { timeoutMs: Number.NaN }],
    ['has a priority that is no number', { priority: Number.NaN }],
  ])('that %s is refused by its host', (_, more) => {
    const refused = expect.objectContaining({ code: 'InvalidInput' }) as Error;
    expect(() => new PluginHost([plain({}, more)])).toThrow(refused);
  });

  it('[TU5] that fails at text keeps nobody from stopping the turn, nor the text so far from being kept', async () => {
    const provider = plays([text('hello world-wi'), 'hang']);
    const failsLate = plain({ transformText: (shown) => (shown.includes('world') ? fails() : undefined) });
    // What might be the beginning of a secret is held back until the turn is stopped.
    const secrets = new SecretVault();
    secrets.set('key', 'world-wide-key');
    const runtime = await openTab(memory(), provider, [failsLate], { secrets });
    const turn = runtime.turn('go');
    await eventually(() => expect(provider.requests).toHaveLength(1));
    await letRun();
    await turn.cancel('enough');
    expect((await turn.result).status).toBe('cancelled');
    expect(textsOf(runtime)).toEqual(['go', expect.stringContaining('hello')]);
  });
});
