import { describe, expect, it } from 'vitest';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Plugin, PluginHooks } from '../../src/contract/plugin.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { approvalOf, asks, done, leaveAsking, memory, openTab, plain, textsOf } from './plugin-support.ts';
import { keepingSink, memoryEnvironment, openWith, plays, toolNamed } from './support.ts';

const outcomes = (runtime: LashRuntime): readonly unknown[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

const offered = (provider: ReturnType<typeof plays>): readonly (readonly string[])[] =>
  provider.requests.map(({ tools }) => tools.map(({ name }) => name));

const environmentOf = (
  plugins: readonly Plugin[],
  sink = keepingSink(),
): ReturnType<typeof memoryEnvironment> =>
  memoryEnvironment((builder) => builder.withPluginHost(new PluginHost(plugins)).withTraceSink(sink));

describe('tools that a plugin gives as a function', () => {
  it('come and go between the model calls of a turn', async () => {
    const tools: Tool[] = [];
    const first = toolNamed('first', {
      execute: () => {
        tools.splice(0, 1, toolNamed('second', { execute: () => 'second ran' }));
        return 'first ran';
      },
    });
    tools.push(first);
    const provider = plays(asks('first'), asks('second'), asks('first'), done);
    const { runtime } = await openWith(provider, {
      environment: environmentOf([plain({ tools: () => tools })]),
    });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(offered(provider)).toEqual([['first'], ['second'], ['second'], ['second']]);
    expect(outcomes(runtime)).toMatchObject([
      { status: 'success', value: 'first ran' },
      { status: 'success', value: 'second ran' },
      { status: 'failure', code: 'ToolNotFound' },
    ]);
  });

  it('are left out where the host, a page, or another plugin has the name', async () => {
    const says = (text: string): Partial<Tool> => ({ execute: () => text });
    const host = [toolNamed('ours', says('host'))];
    const plugins = [
      plain({ tools: [toolNamed('fixed', says('fixed'))] }),
      plain(
        { tools: () => ['ours', 'fixed', 'free', 'later'].map((name) => toolNamed(name, says('first'))) },
        { id: 'first' },
      ),
      plain(
        { tools: () => ['free', 'more'].map((name) => toolNamed(name, says('second'))) },
        { id: 'second' },
      ),
    ];
    const provider = plays(asks('ours', 'fixed', 'free', 'more', 'later'), done);
    const { runtime } = await openWith(provider, {
      environment: environmentOf(plugins),
      tools: () => host,
    });
    host.push(toolNamed('later', says('page')));
    await runtime.turn('go').result;
    expect(offered(provider)[0]).toEqual(['ours', 'later', 'fixed', 'free', 'more']);
    expect(outcomes(runtime)).toMatchObject(
      ['host', 'fixed', 'first', 'second', 'page'].map((value) => ({ value })),
    );
  });

  it.each<readonly [string, NonNullable<PluginHooks<null>['tools']>, string]>([
    [
      'throws',
      () => {
        throw new Error('no tools today');
      },
      'no tools today',
    ],
    ['gives no list', () => ({}) as readonly Tool[], 'must return tools, at once'],
    ['gives a promise', () => Promise.resolve([]) as never, 'must return tools, at once'],
    ['gives what are no tools', () => [{ name: 'half' } as Tool], 'must return tools, at once'],
  ])('[PL2] [PL3] are none, and that is traced, where the function %s', async (_, tools, words) => {
    const sink = keepingSink();
    const others = plain({ tools: () => [toolNamed('sound')] }, { id: 'others' });
    const provider = plays(done);
    const { runtime } = await openWith(provider, {
      environment: environmentOf([plain({ tools }), others], sink),
    });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(offered(provider)).toEqual([['sound']]);
    const traced = sink.records.filter(
      (record) => record.type === 'custom' && record.name === 'plugin_failed',
    );
    expect(JSON.stringify(traced)).toContain(words);
  });
});

describe('prepareTools', () => {
  it('is waited for before each model call, and its tools are offered', async () => {
    const tools: Tool[] = [];
    const later = plain({
      tools: () => tools,
      prepareTools: async ({ step }) => {
        await new Promise((resolve) => setTimeout(resolve));
        tools.push(toolNamed(`tool${step}`));
      },
    });
    const provider = plays(asks('tool0'), done);
    const { runtime } = await openWith(provider, { environment: environmentOf([later]) });
    await runtime.turn('go').result;
    expect(offered(provider)).toEqual([['tool0'], ['tool0', 'tool1']]);
  });

  it('[PL3] that fails ends the turn, and the session goes on', async () => {
    let fails = true;
    const moody = plain({
      prepareTools: () => {
        if (fails) throw new Error('not today');
      },
    });
    const { runtime } = await openWith(plays(done), { environment: environmentOf([moody]) });
    expect(await runtime.turn('go').result).toMatchObject({
      status: 'failed',
      error: { code: 'PluginFailed', data: { plugin: 'p', hook: 'prepareTools' } },
    });
    fails = false;
    expect((await runtime.turn('again').result).status).toBe('completed');
  });

  /** Tools that are not there until they were asked for, as in each tab that is opened. */
  const lazy = (ready: () => void = () => undefined): Plugin => {
    const tools: Tool[] = [];
    return plain({
      tools: () => tools,
      prepareTools: async () => {
        await new Promise((resolve) => setTimeout(resolve));
        ready();
        if (tools.length === 0) tools.push(toolNamed('remote', { approval: true, execute: () => 'ran' }));
      },
    });
  };

  it('[TU3] gets the tool of a call that is approved in the next tab, before anything else asks for it', async () => {
    const store = memory();
    const before = await openTab(store, plays(asks('remote')), [lazy()]);
    await leaveAsking(before);
    const after = await openTab(store, plays(done), [lazy()]);
    const { answer } = await approvalOf(after);
    await answer({ approve: true });
    expect((await after.turn('go', { inputId: 't' }).result).status).toBe('completed');
    expect(outcomes(after)).toMatchObject([{ status: 'success', value: 'ran' }]);
    expect(textsOf(after)).toEqual(['go', '', 'done']);
    await after.close();
  });

  it('[TU3] that fails then is the failure of the call, and the model reads it', async () => {
    const store = memory();
    await leaveAsking(await openTab(store, plays(asks('remote')), [lazy()]));
    let fails = true;
    const broken = lazy(() => {
      if (!fails) return;
      fails = false;
      throw new Error('nobody answers');
    });
    const after = await openTab(store, plays(done), [broken]);
    await (await approvalOf(after)).answer({ approve: true });
    expect((await after.turn('go', { inputId: 't' }).result).status).toBe('completed');
    expect(outcomes(after)).toMatchObject([{ status: 'failure', code: 'PluginFailed' }]);
    await after.close();
  });
});
