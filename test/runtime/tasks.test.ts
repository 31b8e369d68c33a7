import { describe, expect, it } from 'vitest';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskDefinition, SessionTasks } from '../../src/contract/task.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { SessionEvent } from '../../src/core/event.ts';
import { hasEnded } from '../../src/core/task.ts';
import { deleteSessions } from '../../src/runtime/delete-sessions.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { eventually } from '../support/eventually.ts';
import { sessionsNamed, workNamed } from '../tasks/support.ts';
import { mortalTab, type MortalTab } from './mortal.ts';
import { asks, done, eventsOf, letRun, plain } from './plugin-support.ts';
import { clockOfItsOwn, lastingAttachments } from './stores.ts';
import {
  call,
  finish,
  keepingSink,
  memoryEnvironment,
  type Play,
  plays,
  policy,
  toolNamed,
} from './support.ts';

const attachments = lastingAttachments();

/** The environment of a further tab, which runs tasks. */
function tabEnvironment(factory: SessionStoreFactory, plugins: readonly Plugin[]): RuntimeEnvironment {
  return memoryEnvironment((builder) =>
    builder
      .withSessionStoreFactory(factory)
      .withAttachmentStore(attachments)
      .withPluginHost(new PluginHost(plugins))
      .withBackgroundTaskHost(new LocalBackgroundTaskHost()),
  );
}

/** A tab that has a session open. */
interface OpenTab {
  readonly runtime: LashRuntime;
  readonly tasks: SessionTasks;
  readonly events: readonly SessionEvent[];
  readonly mortal: MortalTab;
  readonly environment: RuntimeEnvironment;
}

async function openTab(
  factory: SessionStoreFactory,
  definitions: readonly BackgroundTaskDefinition[],
  options: RuntimeOptions & { readonly play?: readonly Play[]; readonly plugins?: readonly Plugin[] } = {},
): Promise<OpenTab> {
  const { play = [], plugins = [plain({ backgroundTasks: definitions })], ...rest } = options;
  const mortal = mortalTab(factory);
  const environment = tabEnvironment(mortal.factory, plugins);
  const runtime = await LashRuntime.open(environment, {
    sessionId: 's',
    clock: clockOfItsOwn(),
    providers: { fake: plays(...play) },
    ...rest,
  });
  const { tasks } = runtime;
  if (tasks === null) throw new Error('there is a host');
  return { runtime, tasks, events: eventsOf(runtime), mortal, environment };
}

/** The states that a tab was told of a task. */
const statesOf = (events: readonly SessionEvent[], taskId: string): readonly string[] =>
  events.flatMap((event) =>
    event.type === 'task-changed' && event.task.id === taskId ? [event.task.state] : [],
  );

const endsOf = (events: readonly SessionEvent[]): number =>
  events.filter((event) => event.type === 'task-changed' && hasEnded(event.task)).length;

/** A tool `begin` that starts `work` as the task `t`. */
const begin = toolNamed('begin', {
  execute: async (_, { tasks, callId }) =>
    (await tasks?.start({ name: 'work', id: 't', producer: callId }))?.state ?? 'no host',
});

describe('a session with a host for background tasks', () => {
  it('[BH3] a tool starts a task that outlives its turn; view and events tell of it, and of one end', async () => {
    const work = workNamed('work', { kind: 'observer' });
    const plugins = [plain({ backgroundTasks: [work.definition], tools: [begin] })];
    const tab = await openTab(await sessionsNamed('s'), [], { plugins, play: [asks('begin'), done] });
    expect(await tab.runtime.turn('go').result).toMatchObject({ status: 'completed' });
    expect(tab.runtime.view().tasks).toMatchObject([{ id: 't', state: 'running', producer: '0' }]);
    work.runs[0]!.context.progress('half');
    await eventually(() => expect(tab.runtime.view().tasks).toMatchObject([{ progress: 'half' }]));
    work.runs[0]!.settle(42);
    await eventually(() => expect(endsOf(tab.events)).toBe(1));
    expect(tab.runtime.view().tasks).toMatchObject([{ state: 'completed', result: 42 }]);
    await tab.runtime.close();
  });

  it('[BH4] the model lists tasks and stops one', async () => {
    const work = workNamed('work');
    const plugins = [plain({ backgroundTasks: [work.definition], tools: [begin] })];
    const stop: Play = [call('1', 'tasks_stop', '{"task_id":"t"}'), finish('tool-calls')];
    const odd: Play = [
      call('1', 'tasks_stop', '{"task_id":"nobody"}'),
      call('2', 'tasks_stop', '{}'),
      finish('tool-calls'),
    ];
    const play = [asks('begin'), asks('tasks_list'), stop, odd, done];
    const tab = await openTab(await sessionsNamed('s'), [], { plugins, play });
    await tab.runtime.turn('go').result;
    const outcomes = tab.runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
    expect(outcomes).toMatchObject([
      { status: 'success', value: 'running' },
      {
        status: 'success',
        value: { tasks: [{ task_id: 't', title: 'work', kind: 'other', state: 'running' }] },
      },
      { status: 'success', value: { task_id: 't', state: 'cancel_requested' } },
      { status: 'failure', code: 'TaskNotFound' },
      { status: 'failure', code: 'InvalidToolArguments' },
    ]);
    await eventually(() => expect(statesOf(tab.events, 't').at(-1)).toBe('cancelled'));
    expect(await tab.tasks.get('t')).toMatchObject({ cancelReason: 'stopped by the model' });
    await tab.runtime.close();
  });

  it('[TL7] a policy switches the tools off, and a tool of the session takes the place of one', async () => {
    const factory = await sessionsNamed('s');
    const provider = plays(done, done, done);
    const own = toolNamed('tasks_list', { description: 'mine' });
    const offered = async (options: RuntimeOptions): Promise<readonly string[]> => {
      const { runtime } = await openTab(factory, [], { providers: { fake: provider }, ...options });
      await runtime.turn('go').result;
      await runtime.close();
      return provider.requests
        .at(-1)!
        .tools.map(({ description, name }) => (name === description ? name : description));
    };
    expect(await offered({})).toEqual([
      expect.stringMatching(/^Lists the background tasks/u),
      expect.stringMatching(/^Stops a background task/u),
    ]);
    expect(await offered({ tools: [own] })).toEqual(['mine', expect.stringMatching(/^Stops/u)]);
    expect(await offered({ policy: { ...policy, tools: [] } })).toEqual([]);
  });

  it.each(['a list', 'a function'])('[TL7] a tool of a plugin takes the place of one (%s)', async (how) => {
    const own = toolNamed('tasks_stop', { execute: () => 'not today' });
    const tools = how === 'a list' ? [own] : (): readonly Tool[] => [own];
    const plugins = [plain({ tools })];
    const tab = await openTab(await sessionsNamed('s'), [], {
      plugins,
      play: [asks('tasks_stop', 'tasks_list'), done],
    });
    await tab.runtime.turn('go').result;
    const outcomes = tab.runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
    expect(outcomes).toMatchObject([{ value: 'not today' }, { value: { tasks: [] } }]);
    await tab.runtime.close();
  });

  it('[BH1][BH2] a task id used twice, or a completion after the end, is named by task, and the session goes on', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition], { play: [done] });
    await tab.tasks.start({ name: 'work', id: 't' });
    await expect(tab.tasks.start({ name: 'work', id: 't' })).rejects.toMatchObject({
      code: 'TaskExists',
      data: { taskId: 't' },
    });
    work.runs[0]!.settle(1);
    await eventually(() => expect(endsOf(tab.events)).toBe(1));
    await expect(tab.tasks.complete('t', { state: 'completed', result: 2 })).rejects.toMatchObject({
      code: 'TaskEnded',
      data: { taskId: 't', state: 'completed' },
    });
    expect(endsOf(tab.events)).toBe(1);
    expect(await tab.runtime.turn('go on').result).toMatchObject({ status: 'completed' });
    await tab.runtime.close();
  });

  it('hooks and actions of plugins can use it, and none of them is there without a host', async () => {
    const seen: unknown[] = [];
    const hooks = {
      beforeTurn: async ({ tasks }: { readonly tasks: SessionTasks | null }) => {
        seen.push(tasks === null ? null : (await tasks.list()).length);
      },
      actions: {
        count: {
          run: async (_: unknown, { tasks }: { readonly tasks: SessionTasks | null }) =>
            tasks === null ? null : (await tasks.list()).length,
        },
      },
    };
    const tab = await openTab(await sessionsNamed('s'), [], { plugins: [plain(hooks)], play: [done] });
    await tab.tasks.register({ id: 't' });
    await tab.runtime.turn('go').result;
    expect(await tab.runtime.runAction({ plugin: 'p', action: 'count' })).toBe(1);
    await tab.runtime.close();
    const without = await LashRuntime.open(
      memoryEnvironment((builder) => builder.withPluginHost(new PluginHost([plain(hooks)]))),
      { mode: 'create', policy, providers: { fake: plays(done) } },
    );
    expect(without.tasks).toBeNull();
    expect(without.view().tasks).toEqual([]);
    await without.turn('go').result;
    expect(await without.runAction({ plugin: 'p', action: 'count' })).toBeNull();
    expect(seen).toEqual([1, null]);
    await without.close();
  });

  it('[BH2] two definitions of one name, or one without, are refused when the session opens', async () => {
    const factory = await sessionsNamed('s');
    const { definition } = workNamed('work');
    for (const definitions of [[definition, definition], [workNamed('no name').definition]])
      await expect(openTab(factory, definitions)).rejects.toMatchObject({
        code: 'InvalidInput',
        data: { path: 'backgroundTasks' },
      });
    const tab = await openTab(factory, [definition]);
    await tab.runtime.close();
  });

  it('[BH9] hidden work is awaited, and its first failure is told', async () => {
    const tab = await openTab(await sessionsNamed('s'), []);
    let isDone = false;
    tab.tasks.hide(async () => {
      await letRun();
      isDone = true;
      throw new Error('it broke');
    });
    await expect(tab.tasks.awaitBackgroundWork()).rejects.toThrow('it broke');
    expect(isDone).toBe(true);
    await tab.runtime.close();
    await expect(tab.tasks.awaitBackgroundWork()).rejects.toMatchObject({ code: 'SessionClosed' });
  });

  it('[SE1] what is stored and told of a task holds no secret', async () => {
    const secrets = new SecretVault();
    secrets.set('key', 'hunter22hunter22');
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition], { secrets });
    await tab.tasks.start({
      name: 'work',
      id: 't',
      input: 'hunter22hunter22',
      title: 'Use hunter22hunter22',
    });
    work.runs[0]!.context.progress('trying hunter22hunter22');
    work.runs[0]!.fail(new Error('hunter22hunter22 is wrong'));
    await eventually(() => expect(endsOf(tab.events)).toBe(1));
    expect(
      JSON.stringify([tab.events, tab.runtime.view(), await tab.tasks.list({ ended: true })]),
    ).not.toContain('hunter22');
    await tab.runtime.close();
  });
});

describe('a session that is parked, closed or deleted', () => {
  it.each(['park', 'close'] as const)(
    '[BH5][flaw 39] %s keeps a task within reach: the next one that opens it sees and stops it',
    async (how) => {
      const factory = await sessionsNamed('s');
      const work = workNamed('work');
      const before = await openTab(factory, [work.definition]);
      await before.tasks.start({ name: 'work', id: 't' });
      await before.runtime[how]();
      const after = await openTab(factory, [work.definition]);
      expect(after.runtime.view().tasks).toMatchObject([{ id: 't', state: 'running' }]);
      await after.tasks.cancel('t');
      await eventually(() => expect(after.runtime.view().tasks).toMatchObject([{ state: 'cancelled' }]));
      expect(work.runs[0]!.context.signal.aborted).toBe(true);
      await after.runtime.close();
    },
  );

  it('[BH5][BH6][flaw 39] a task that is paused with its session goes on when it is resumed', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work', { policies: { close: 'pause' } });
    const before = await openTab(factory, [work.definition]);
    await before.tasks.start({ name: 'work', id: 't' });
    const parked = await before.runtime.park();
    expect(statesOf(before.events, 't')).toEqual(['running', 'paused']);
    const after = await LashRuntime.resume(parked, before.environment, { providers: { fake: plays() } });
    expect(after.view().tasks).toMatchObject([{ id: 't', state: 'running', attempt: 1 }]);
    expect(work.runs).toHaveLength(2);
    await after.close();
  });

  it('[BH5][flaw 37] a task whose policy says so is cancelled, and that is told before the session ends', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work', { policies: { close: 'cancel' } });
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await tab.runtime.close();
    expect(statesOf(tab.events, 't')).toEqual(['running', 'cancelled']);
    await expect(tab.tasks.list()).rejects.toMatchObject({ code: 'SessionClosed' });
  });

  it('[BH5][BH7][flaw 37] a child’s task becomes its parent’s when the child is closed', async () => {
    const factory = await sessionsNamed('s');
    const parent = { sessionId: 's', relation: 'child', source: 'helper', depth: 1 } as const;
    await factory.open('c', { kind: 'create', title: 'c', policy, at: 1, parent });
    const work = workNamed('work', { policies: { close: 'transfer' } });
    const tab = await openTab(factory, [work.definition]);
    const child = await openTab(factory, [work.definition], { sessionId: 'c' });
    await child.tasks.start({ name: 'work', id: 't' });
    await child.runtime.close();
    expect(child.runtime.view().tasks).toEqual([]);
    await eventually(() =>
      expect(tab.runtime.view().tasks).toMatchObject([{ id: 't', sessionId: 's', state: 'running' }]),
    );
    work.runs[0]!.settle('done');
    await eventually(() => expect(endsOf(tab.events)).toBe(1));
    await tab.runtime.close();
  });

  it('[BH8] deleting it stops its tasks, also in another tab', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const runs = await openTab(factory, [work.definition]);
    const deletes = await openTab(factory, [work.definition]);
    await runs.tasks.start({ name: 'work', id: 't' });
    await deletes.runtime.close();
    await deleteSessions(deletes.environment, 's');
    await eventually(() => expect(work.runs[0]!.context.signal.aborted).toBe(true));
    expect(statesOf(runs.events, 't')).toEqual(['running', 'cancelled']);
    await expect(runs.tasks.list()).rejects.toMatchObject({ code: 'SessionDeleted' });
  });
});

describe('several tabs', () => {
  it('[BH3] show the same tasks, and any of them stops one', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const [runs, watches] = [
      await openTab(factory, [work.definition]),
      await openTab(factory, [work.definition]),
    ];
    await runs.tasks.start({ name: 'work', id: 't' });
    await eventually(() => expect(watches.runtime.view().tasks).toEqual(runs.runtime.view().tasks));
    await watches.tasks.cancel('t');
    await eventually(() => expect([endsOf(runs.events), endsOf(watches.events)]).toEqual([1, 1]));
    expect(watches.runtime.view().tasks).toEqual(runs.runtime.view().tasks);
    await Promise.all([runs.runtime.close(), watches.runtime.close()]);
  });

  it.each([
    ['fail', 'failed', 1],
    ['resume', 'running', 2],
  ] as const)(
    '[BH6] a task of a tab that died, policy %s, is %s for the next one',
    async (lost, state, runs) => {
      const factory = await sessionsNamed('s');
      const work = workNamed('work', { policies: { lost } });
      const before = await openTab(factory, [work.definition]);
      await before.tasks.start({ name: 'work', id: 't' });
      await before.mortal.kill();
      const after = await openTab(factory, [work.definition]);
      expect(after.runtime.view().tasks).toMatchObject([{ id: 't', state }]);
      expect(work.runs).toHaveLength(runs);
      await after.runtime.close();
    },
  );

  it('[BH6] plugins of the tab that finds a lost task are told of its one end', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const before = await openTab(factory, [work.definition]);
    await before.tasks.start({ name: 'work', id: 't' });
    await before.mortal.kill();
    const told: SessionEvent[] = [];
    const plugins = [
      plain({ backgroundTasks: [work.definition], onEvent: (event) => void told.push(event) }),
    ];
    const after = await openTab(factory, [], { plugins });
    await after.runtime.close();
    const again = await openTab(factory, [], { plugins });
    await again.runtime.close();
    expect(statesOf(told, 't')).toEqual(['failed']);
  });

  it('one that reads only sees tasks and changes none', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const writer = await openTab(factory, [work.definition]);
    await writer.tasks.start({ name: 'work', id: 't' });
    const reader = await openTab(factory, [], { mode: 'readOnly' });
    expect(reader.runtime.view().tasks).toMatchObject([{ id: 't', state: 'running' }]);
    await expect(reader.tasks.cancel('t')).rejects.toMatchObject({ code: 'ReadOnly' });
    await reader.runtime.close();
    expect(await writer.tasks.get('t')).toMatchObject({ state: 'running' });
    await writer.runtime.close();
  });
});

describe('the record of a task that cannot be read', () => {
  it('[ST6] keeps nobody from the session, which has no tasks then, and is traced', async () => {
    const origin = await sessionsNamed('s');
    const corrupt = new LashError('StoredDataCorrupt', 'damaged', {
      sessionId: 's',
      nodeId: null,
      reason: 'damaged',
    });
    const factory = standIn(origin, {
      open: async (sessionId, mode) => {
        const store = await origin.open(sessionId, mode);
        return standIn(store, {
          tasks: standIn(store.tasks, { list: async () => await Promise.reject(corrupt) }),
        });
      },
    });
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) =>
      builder
        .withSessionStoreFactory(factory)
        .withBackgroundTaskHost(new LocalBackgroundTaskHost())
        .withTraceSink(sink),
    );
    const runtime = await LashRuntime.open(environment, { sessionId: 's', providers: { fake: plays(done) } });
    expect(runtime.tasks).toBeNull();
    expect((await runtime.turn('go').result).status).toBe('completed');
    await runtime.close();
    expect(sink.records).toContainEqual(expect.objectContaining({ name: 'tasks_damaged' }));
  });
});

describe('the trace', () => {
  it('[BH10][TR2][SE1] says when a task began and how it ended, without its input, its result and a secret', async () => {
    const factory = await sessionsNamed('s');
    const { definition, runs } = workNamed('work');
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) =>
      builder
        .withSessionStoreFactory(factory)
        .withPluginHost(new PluginHost([plain({ backgroundTasks: [definition] })]))
        .withBackgroundTaskHost(new LocalBackgroundTaskHost())
        .withTraceSink(sink),
    );
    const secrets = new SecretVault();
    secrets.set('key', 'sk-canary-123');
    const runtime = await LashRuntime.open(environment, {
      sessionId: 's',
      providers: { fake: plays() },
      secrets,
    });
    await runtime.tasks?.start({ name: 'work', id: 't', title: 'Counts for sk-canary-123', input: 'in' });
    runs[0]!.fail(new Error('no server for sk-canary-123'));
    await eventually(() => expect(sink.records).toHaveLength(2));
    await runtime.close();
    const steps = sink.records.map((record) => (record.type === 'custom' ? record.payload : record));
    const task = {
      task_id: 't',
      name: 'work',
      kind: 'other',
      title: 'Counts for [redacted]',
      attempt: 1,
    };
    expect(steps).toEqual([
      { ...task, state: 'running' },
      {
        ...task,
        state: 'failed',
        failure: { code: 'Internal', message: expect.stringContaining('[redacted]') as string },
      },
    ]);
  });
});
