import { describe, expect, it, vi } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import {
  definePlugin,
  type Plugin,
  type PluginHooks,
  type ToolCallRuling,
} from '../../src/contract/plugin.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import { messageText } from '../../src/core/message.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { eventually } from '../support/eventually.ts';
import { openStored } from './plugin-support.ts';
import {
  call,
  finish,
  keepingSink,
  memoryEnvironment,
  openWith,
  type Play,
  plays,
  policy,
  text,
} from './support.ts';

const done: Play = [text('done'), finish()];
const asks = (...names: string[]): Play => [
  ...names.map((name, at) => call(`${at}`, name, '{"n":1}')),
  finish('tool-calls'),
];

type Hooks = PluginHooks<null>;

const plugin = (id: string, hooks: Hooks, more: Partial<Plugin> = {}): Plugin =>
  definePlugin({ id, version: 0, hooks, ...more });

const environmentOf = (...plugins: readonly Plugin[]): ReturnType<typeof memoryEnvironment> =>
  memoryEnvironment((builder) => builder.withPluginHost(new PluginHost(plugins)));

function echo(name = 'echo'): Tool & { readonly given: unknown[] } {
  const given: unknown[] = [];
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    given,
    check: (value) => ({ ok: true, value }),
    execute: (args) => {
      given.push(args);
      return 'echoed';
    },
  };
}

const open = async (
  provider: ReturnType<typeof plays>,
  plugins: readonly Plugin[],
  options: Partial<RuntimeOptions> = {},
): ReturnType<typeof openWith> =>
  await openWith(provider, { environment: environmentOf(...plugins), ...options });

const texts = (runtime: LashRuntime): readonly string[] =>
  runtime
    .view()
    .window.nodes.flatMap(({ body }) => (body.kind === 'conversation' ? [messageText(body.message)] : []));

const outcomes = (runtime: LashRuntime): readonly unknown[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

describe('a plugin host', () => {
  it.each([
    ['two plugins of one id', [plugin('a', {}), plugin('a', {})]],
    ['an id that is none', [plugin('a b', {})]],
    ['a version that is no whole number', [plugin('a', {}, { version: 1.5 })]],
    ['hooks beside build', [plugin('a', {}, { build: () => ({}) })]],
  ])('refuses %s', (_, plugins) => {
    expect(() => new PluginHost(plugins)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  });

  it('[PL1] asks plugins by priority, and then in its own order', async () => {
    const asked: string[] = [];
    const named = (id: string, priority?: number): Plugin =>
      plugin(id, { beforeStep: () => void asked.push(id) }, priority === undefined ? {} : { priority });
    const { runtime } = await open(plays(done), [
      named('late', 5),
      named('b'),
      named('a'),
      named('early', -1),
    ]);
    await runtime.turn('go').result;
    expect(asked).toEqual(['early', 'b', 'a', 'late']);
  });

  it('builds each plugin once for each session, and disposes of it when that is closed, parked or not opened', async () => {
    const log: string[] = [];
    const built = definePlugin({
      id: 'built',
      version: 0,
      build: ({ sessionId }) => {
        log.push(`build ${sessionId}`);
        return { dispose: () => void log.push(`dispose ${sessionId}`) };
      },
    });
    const environment = environmentOf(built);
    const options = { environment, mode: 'create' } as const;
    const { runtime: a } = await openWith(plays(), { ...options, sessionId: 'a' });
    const { runtime: b } = await openWith(plays(), { ...options, sessionId: 'b' });
    await a.close();
    await b.park();
    expect(log).toEqual(['build a', 'build b', 'dispose a', 'dispose b']);
  });

  it('a plugin that cannot be built keeps the session from opening, and its id is free again', async () => {
    let fails = true;
    const moody = definePlugin({
      id: 'moody',
      version: 0,
      build: () => {
        if (fails) throw new Error('not today');
        return {};
      },
    });
    const environment = environmentOf(moody);
    const again = async (mode: 'create' | 'open'): Promise<LashRuntime> =>
      await LashRuntime.open(environment, { sessionId: 's', mode, policy });
    await expect(again('create')).rejects.toMatchObject({
      code: 'PluginFailed',
      data: { plugin: 'moody', hook: 'build', problem: 'threw' },
    });
    fails = false;
    await (await again('open')).close();
  });

  it('refuses two tools of one name, whoever brings them', async () => {
    const both = environmentOf(plugin('a', { tools: [echo()] }), plugin('b', { tools: [echo()] }));
    await expect(LashRuntime.open(both, { mode: 'create', policy })).rejects.toMatchObject({
      code: 'InvalidInput',
    });
    const one = environmentOf(plugin('a', { tools: [echo()] }));
    const opening = LashRuntime.open(one, { mode: 'create', policy, tools: [echo()] });
    await expect(opening).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

describe('what the model is asked', () => {
  it('[PL1][flaw 33] has what every plugin contributes, between environment and session, and the trace says from whom', async () => {
    const sink = keepingSink();
    const says = (id: string, content: string): Plugin =>
      plugin(id, { prompt: async () => await Promise.resolve([{ slot: 'guidance', content }]) });
    const environment = memoryEnvironment((builder) =>
      builder
        .withPluginHost(new PluginHost([says('one', 'Be brief.'), says('two', 'Be kind.')]))
        .withTraceSink(sink),
    );
    const provider = plays(done);
    const { runtime } = await openWith(provider, { environment });
    await runtime.turn('go').result;
    expect(provider.requests[0]?.system).toContain('Be brief.\n\nBe kind.');
    const built = sink.records.find(({ type }) => type === 'prompt_built') as unknown as {
      readonly components: readonly { readonly id: string }[];
    };
    expect(built.components.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['one:guidance.0', 'two:guidance.1']),
    );
  });

  it('a session can drop what plugins contribute to a slot', async () => {
    const provider = plays(done);
    const talks = plugin('talks', { prompt: () => [{ slot: 'guidance', content: 'Shout.' }] });
    const quiet = { ...policy, prompt: { slots: { guidance: { reset: true, contributions: [] } } } };
    const { runtime } = await open(provider, [talks], { policy: quiet });
    await runtime.turn('go').result;
    expect(provider.requests[0]?.system).not.toContain('Shout.');
  });

  it('[PL1] offers the tools of plugins, as far as every plugin in the chain leaves them, and no others', async () => {
    const provider = plays(done);
    const brings = plugin('brings', { tools: [echo('a'), echo('b')] });
    const without = (id: string, name: string): Plugin =>
      plugin(id, { availableTools: (names) => [...names.filter((other) => other !== name), 'made up'] });
    const { runtime } = await open(provider, [brings, without('x', 'a'), without('y', 'host')], {
      tools: [echo('host'), echo('kept')],
    });
    await runtime.turn('go').result;
    expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(['kept', 'b']);
  });

  it('[TU2] is a view of the path, which changes no history', async () => {
    const provider = plays(done, done);
    const blind = plugin('blind', { viewContext: (nodes) => nodes.slice(-1) });
    const { runtime } = await open(provider, [blind]);
    await runtime.turn('first').result;
    await runtime.turn('second').result;
    expect(provider.requests.map(({ messages }) => messages.length)).toEqual([1, 1]);
    expect(texts(runtime)).toEqual(['first', 'done', 'second', 'done']);
  });

  it('[PL4] is asked for again with each attempt; only the first one of a turn begins it', async () => {
    const asked: string[] = [];
    const counts = plugin('counts', {
      beforeTurn: () => void asked.push('turn'),
      beforeStep: ({ step }) => void asked.push(`step ${step}`),
    });
    const { runtime } = await open(
      plays([new LashError('ProviderUnavailable', '503', {})], asks('echo'), done),
      [counts],
      {
        tools: [echo()],
      },
    );
    await runtime.turn('go').result;
    expect(asked).toEqual(['turn', 'step 0', 'step 0', 'step 1']);
  });
});

describe('what the model answers', () => {
  it('[PL1] is what the chain makes of it, and every plugin is told of that before the calls run', async () => {
    const told: unknown[] = [];
    const says = (suffix: string): Plugin =>
      plugin(`says${suffix.length}`, {
        transformText: (shown) => `${shown}${suffix}`,
        transformAnswer: ({ parts }) =>
          parts.map((part) => (part.type === 'text' ? { ...part, text: `${part.text}${suffix}` } : part)),
      });
    const hears = plugin('hears', {
      afterStep: ({ parts, usage }) => void told.push(parts, usage.outputTokens),
    });
    const { runtime, events } = await open(plays(done), [says('!'), says('?!'), hears]);
    await runtime.turn('go').result;
    expect(texts(runtime)).toEqual(['go', 'done!?!']);
    expect(events).toContainEqual(expect.objectContaining({ type: 'text-delta', text: 'done!?!' }));
    expect(told).toEqual([[{ type: 'text', text: 'done!?!' }], 5]);
  });

  it('a plugin that swallows text shows none of it', async () => {
    const mute = plugin('mute', { transformText: () => '' });
    const { runtime, events } = await open(plays(done), [mute]);
    await runtime.turn('go').result;
    expect(events.filter(({ type }) => type === 'text-delta')).toEqual([]);
  });

  it('[SE1] holds no secret that a plugin brings into it', async () => {
    const secrets = new SecretVault();
    secrets.set('key', 'a-key-of-the-user');
    const leaks = plugin('leaks', { transformAnswer: () => [{ type: 'text', text: 'a-key-of-the-user' }] });
    const { runtime } = await open(plays(done), [leaks], { secrets });
    await runtime.turn('go').result;
    expect(texts(runtime)).toEqual(['go', '[redacted]']);
  });
});

describe('a tool call', () => {
  const rules = (id: string, ruling: ToolCallRuling | undefined): Plugin =>
    plugin(id, { beforeToolCall: () => ruling });

  it('[PL1] runs with the arguments that the chain leaves; the history keeps the ones that the model wrote', async () => {
    const tool = echo();
    const adds = (id: string): Plugin =>
      plugin(id, {
        beforeToolCall: ({ args }) => ({ kind: 'args', args: { ...(args as object), [id]: true } }),
      });
    const { runtime } = await open(plays(asks('echo'), done), [adds('x'), adds('y')], { tools: [tool] });
    await runtime.turn('go').result;
    expect(tool.given).toEqual([{ n: 1, x: true, y: true }]);
    const [invocation] = runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation] : []));
    expect(invocation?.args).toEqual({ n: 1 });
  });

  it.each([
    ['is answered', { kind: 'answer', value: 7 } as const, { status: 'success', value: 7 }],
    ['is denied', { kind: 'deny', reason: 'no' } as const, { status: 'failure', code: 'ToolDenied' }],
  ])('%s by the first plugin that rules so, and does not run', async (_, ruling, outcome) => {
    const tool = echo();
    const later = vi.fn<() => undefined>();
    const { runtime } = await open(
      plays(asks('echo'), done),
      [rules('first', ruling), plugin('later', { beforeToolCall: later })],
      { tools: [tool] },
    );
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([outcome]);
    expect([tool.given.length, later.mock.calls.length]).toEqual([0, 0]);
  });

  it('is asked about, and runs once it is approved', async () => {
    const tool = echo();
    const { runtime } = await open(plays(asks('echo'), done), [rules('asks', { kind: 'ask' })], {
      tools: [tool],
    });
    const turn = runtime.turn('go');
    await eventually(() => expect(runtime.view().turn?.waits[0]?.kind).toBe('approval'));
    expect(tool.given).toEqual([]);
    const wait = runtime.view().turn?.waits[0];
    if (wait?.kind === 'approval') await runtime.answer(wait.requestId, { approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(tool.given).toEqual([{ n: 1 }]);
  });

  it('[PL1] has the outcome that the chain leaves', async () => {
    const doubles = (id: string): Plugin =>
      plugin(id, {
        afterToolCall: (_, outcome) =>
          outcome.status === 'success' ? { ...outcome, value: [outcome.value, outcome.value] } : undefined,
      });
    const { runtime } = await open(plays(asks('echo'), done), [doubles('x'), doubles('y')], {
      tools: [echo()],
    });
    await runtime.turn('go').result;
    const twice = ['echoed', 'echoed'];
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: [twice, twice] }]);
  });
});

describe('a turn', () => {
  it.each(['beforeTurn', 'beforeStep'] as const)(
    'is ended by the first plugin whose %s says so',
    async (hook) => {
      const later = vi.fn<() => undefined>();
      const provider = plays();
      const { runtime } = await open(provider, [
        plugin('stops', { [hook]: () => ({ abort: 'enough' }) }),
        plugin('later', { [hook]: later }),
      ]);
      const result = await runtime.turn('go').result;
      expect(result).toMatchObject({
        status: 'failed',
        reason: 'plugin_abort',
        error: { code: 'TurnAborted', data: { plugin: 'stops', reason: 'enough' } },
      });
      expect([provider.requests.length, later.mock.calls.length]).toEqual([0, 0]);
      expect(texts(runtime)).toEqual(['go']);
    },
  );

  it('[PL3][flaw 22] tells every plugin how it ends, before that is told, and one that fails is a warning', async () => {
    const told: string[] = [];
    const { runtime, events } = await open(plays(done), [
      plugin('fails', { afterTurn: () => Promise.reject(new Error('oh')) }),
      plugin('hears', {
        afterTurn: ({ status, usage }) => void told.push(`${status} ${usage.outputTokens}`),
      }),
    ]);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(told).toEqual(['completed 5']);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'warning',
        message: expect.stringContaining('plugin fails') as string,
      }),
    );
  });
});

describe('a hook that goes wrong', () => {
  const fail = (): never => {
    throw new Error('broken');
  };
  const invalid = {
    prompt: [{ slot: 'nowhere', content: 'x' }],
    availableTools: 'echo',
    beforeTurn: { abort: 1 },
    beforeStep: 'no',
    viewContext: [1],
    transformText: 1,
    transformAnswer: [{ type: 'text' }],
    beforeToolCall: { kind: 'perhaps' },
    afterToolCall: { status: 'perhaps' },
  };
  const cases = [
    ...Object.entries(invalid).map(([hook, value]) => [hook, 'invalid', () => value] as const),
    ...[...Object.keys(invalid), 'afterStep'].map((hook) => [hook, 'threw', fail] as const),
  ];
  const isOfCalls = (hook: string): boolean => hook.endsWith('ToolCall');

  /** A session with the hook, as long as `isBroken`. */
  async function broken(
    hook: string,
    body: () => unknown,
    ...script: Play[]
  ): Promise<Awaited<ReturnType<typeof openWith>> & { readonly repair: () => void }> {
    let isBroken = true;
    const bad = plugin('bad', { [hook]: () => (isBroken ? body() : undefined) });
    const opened = await open(plays(...script), [bad], { tools: [echo()] });
    return { ...opened, repair: () => void (isBroken = false) };
  }

  it.each(cases.filter(([hook]) => !isOfCalls(hook)))(
    '[PL2][PL3] %s that is %s ends the turn once, is named, and the session goes on',
    async (hook, problem, body) => {
      const { runtime, events, repair } = await broken(hook, body, done, done);
      const result = await runtime.turn('go').result;
      const error = { code: 'PluginFailed', data: { plugin: 'bad', hook, problem }, retryable: false };
      expect(result).toMatchObject({ status: 'failed', reason: 'plugin_error', error });
      // What the model answered was paid for, whatever a plugin makes of it.
      const isAnswered = hook === 'transformAnswer' || hook === 'afterStep';
      expect(result.usage.outputTokens).toBe(isAnswered ? 5 : 0);
      expect(events.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
      repair();
      expect((await runtime.turn('again').result).status).toBe('completed');
    },
  );

  it.each(cases.filter(([hook]) => isOfCalls(hook)))(
    '[PL2][PL3] %s that is %s fails the call, which the model is told, and the turn goes on',
    async (hook, _, body) => {
      const { runtime } = await broken(hook, body, asks('echo'), done);
      expect((await runtime.turn('go').result).status).toBe('completed');
      const message = expect.stringContaining(`hook ${hook} of the plugin bad`) as string;
      expect(outcomes(runtime)).toMatchObject([{ status: 'failure', code: 'PluginFailed', message }]);
    },
  );

  it('[PL2] is not waited for beyond its time, and told to stop', async () => {
    let told: AbortSignal | undefined;
    const slow = plugin(
      'slow',
      {
        beforeStep: async ({ signal }) => {
          told = signal;
          await new Promise(() => undefined);
        },
      },
      { timeoutMs: 30 },
    );
    const { runtime } = await open(plays(), [slow], { clock: systemClock });
    const result = await runtime.turn('go').result;
    const data = { plugin: 'slow', hook: 'beforeStep', problem: 'late' };
    expect(result).toMatchObject({ status: 'failed', error: { code: 'PluginFailed', data } });
    expect(told?.aborted).toBe(true);
  });

  it.each(['beforeStep', 'transformAnswer', 'beforeToolCall', 'afterToolCall'] as const)(
    '[TU5] %s that hangs keeps no turn from being stopped',
    async (hook) => {
      const hanging = vi.fn<() => Promise<never>>(async () => await new Promise(() => undefined));
      const stuck = plugin('stuck', { [hook]: hanging });
      const first = hook === 'transformAnswer' ? done : asks('echo');
      const { runtime } = await open(plays(first), [stuck], { clock: systemClock, tools: [echo()] });
      const turn = runtime.turn('go');
      await eventually(() => expect(hanging).toHaveBeenCalled());
      await turn.cancel('enough');
      expect((await turn.result).status).toBe('cancelled');
      expect(texts(runtime).includes('done')).toBe(hook === 'transformAnswer');
    },
  );

  it('[PL3] afterTurn that hangs delays the end by its time alone', async () => {
    const stuck = plugin(
      'stuck',
      { afterTurn: async () => await new Promise<never>(() => undefined) },
      { timeoutMs: 20 },
    );
    const { runtime } = await open(plays(done), [stuck], { clock: systemClock });
    expect((await runtime.turn('go').result).status).toBe('completed');
  });

  it('[PL3] onEvent that fails, at once or later, is traced and disturbs nobody', async () => {
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) =>
      builder
        .withTraceSink(sink)
        .withPluginHost(
          new PluginHost([
            plugin('now', { onEvent: fail }),
            plugin('later', { onEvent: () => Promise.reject(new Error('late')) }),
          ]),
        ),
    );
    const { runtime, events } = await openWith(plays(done), { environment });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(events.at(-1)?.type).not.toBe('warning');
    const messages = sink.records.flatMap((record) =>
      record.type === 'custom' && record.name === 'plugin_failed' ? [JSON.stringify(record.payload)] : [],
    );
    expect(messages.some((message) => message.includes('plugin now'))).toBe(true);
    expect(messages.some((message) => message.includes('plugin later'))).toBe(true);
  });
});

describe('a policy', () => {
  it('[PL1] is stored as the chain leaves it', async () => {
    const caps = plugin('caps', {
      changePolicy: (asked) => ({ ...asked, maxSteps: Math.min(3, asked.maxSteps ?? 3) }),
    });
    const { runtime } = await open(plays(), [caps]);
    expect((await runtime.setPolicy({ maxSteps: 9 })).maxSteps).toBe(3);
  });

  it.each(['create', 'open', 'openOrCreate'] as const)(
    '[PL1] that a session is opened with (%s) is stored as the chain leaves it, and stays so',
    async (mode) => {
      const asked: unknown[] = [];
      const caps = plugin('caps', {
        changePolicy: (given, previous) => {
          asked.push([given.maxSteps, previous.maxSteps]);
          return { ...given, maxSteps: 2 };
        },
      });
      const environment = environmentOf(caps);
      const opens = async (options: RuntimeOptions): Promise<LashRuntime> =>
        await LashRuntime.open(environment, { sessionId: 's', ...options });
      if (mode === 'open') {
        const plain = { ...environment, pluginHost: new PluginHost() };
        const created = { sessionId: 's', mode: 'create', policy: { ...policy, maxSteps: 7 } } as const;
        await (await LashRuntime.open(plain, created)).close();
      }
      const runtime = await opens({ mode, policy: { ...policy, maxSteps: 50 } });
      expect(runtime.policy.maxSteps).toBe(2);
      await runtime.close();
      expect(asked).toEqual([[50, mode === 'open' ? 7 : 50]]);
      const again = await opens({ mode: 'open' });
      expect([again.policy.maxSteps, asked.length]).toEqual([2, 1]);
      await again.close();
    },
  );

  it('[PL2] that a plugin refuses keeps the session from opening, and what is stored stays', async () => {
    const refuses = plugin('refuses', { changePolicy: () => Promise.reject(new Error('no')) });
    const environment = environmentOf(refuses);
    const plain = { ...environment, pluginHost: new PluginHost() };
    await (await LashRuntime.open(plain, { sessionId: 's', mode: 'create', policy })).close();
    const opening = LashRuntime.open(environment, { sessionId: 's', policy: { ...policy, maxSteps: 50 } });
    await expect(opening).rejects.toMatchObject({
      code: 'PluginFailed',
      data: { plugin: 'refuses', hook: 'changePolicy', problem: 'threw' },
    });
    const again = await LashRuntime.open(environment, { sessionId: 's' });
    expect(again.policy).toEqual(policy);
    await again.close();
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no')), 'threw'],
    ['answers with none', () => ({ provider: { id: '', model: '' } }), 'invalid'],
    ['answers with no limit', () => ({ ...policy, maxSteps: 0 }), 'invalid'],
  ])('[PL2] stays as it is where a plugin %s', async (_, changePolicy, problem) => {
    const runtime = await openStored([plugin('bad', { changePolicy })]);
    const data = { plugin: 'bad', hook: 'changePolicy', problem };
    await expect(runtime.setPolicy({ maxSteps: 9 })).rejects.toMatchObject({ code: 'PluginFailed', data });
    expect(runtime.policy).toEqual(policy);
  });
});
