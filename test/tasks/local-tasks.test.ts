import { describe, expect, it } from 'vitest';

import type { LashErrorCode } from '../../src/core/error.ts';
import { isLashError, LashError } from '../../src/core/error.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { eventually } from '../support/eventually.ts';
import { endsOf, openTab, sessionsNamed, workNamed } from './support.ts';

const refused = async (promise: Promise<unknown>, code: LashErrorCode): Promise<LashError> => {
  const error: unknown = await promise.then(
    () => 'nothing was refused',
    (thrown: unknown) => thrown,
  );
  if (!isLashError(error, code)) throw new Error(`expected ${code}`, { cause: error });
  return error;
};

describe('a task that runs here', () => {
  it('[BH3][flaw 37] is told when it begins, says how far it is, and ends in one terminal event with its result', async () => {
    const work = workNamed('work', { kind: 'monitor' });
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    const task = await tab.tasks.start({ name: 'work', id: 't', input: { url: 'a' }, title: 'Watch a' });
    expect(task).toMatchObject({
      id: 't',
      sessionId: 's',
      kind: 'monitor',
      producer: 'work',
      title: 'Watch a',
      state: 'running',
      attempt: 1,
      policies: { cancel: 'cooperative', close: 'keep', lost: 'fail' },
    });
    expect(work.runs[0]).toMatchObject({ input: { url: 'a' }, context: { taskId: 't', attempt: 1 } });
    work.runs[0]!.context.progress('half');
    work.runs[0]!.context.waiting(true);
    await eventually(() => expect(tab.told.at(-1)).toMatchObject({ state: 'waiting', progress: 'half' }));
    work.runs[0]!.settle({ found: 2 });
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(await tab.tasks.get('t')).toMatchObject({ state: 'completed', result: { found: 2 }, owner: null });
    expect(await tab.tasks.list()).toEqual([]);
    expect(await tab.tasks.list({ ended: true, kind: 'monitor' })).toMatchObject([{ id: 't' }]);
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
  });

  it('[BH3] says the last of what it says at once, and before its end', async () => {
    const tab = await openTab(await sessionsNamed('s'), [
      {
        name: 'work',
        run: (_, { progress }) => {
          for (let n = 0; n < 500; n++) progress(`${n}`);
        },
      },
    ]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(tab.told.map(({ progress }) => progress)).toEqual([null, '499', '499']);
  });

  it.each([
    [
      'throws',
      () => Promise.reject(new LashError('InvalidInput', 'no', { path: 'x', reason: 'no' })),
      'InvalidInput',
    ],
    [
      'throws at once',
      () => {
        throw new Error('no');
      },
      'Internal',
    ],
    ['returns what is no data', () => (() => 1) as never, 'NotData'],
    ['returns too much', () => 'x'.repeat(20_000), 'InvalidInput'],
  ])('[BH3] that %s has failed, once, and says why', async (_, run, code) => {
    const tab = await openTab(await sessionsNamed('s'), [{ name: 'work', run }]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(tab.told.at(-1)).toMatchObject({ state: 'failed', failure: { code }, result: null });
    expect(tab.told.at(-1)?.failure).not.toHaveProperty('stack');
  });

  it('[BH1] has an id that is used once, also after it ended, and the session goes on', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    const twice = await refused(tab.tasks.start({ name: 'work', id: 't' }), 'TaskExists');
    expect(twice.data).toEqual({ sessionId: 's', taskId: 't' });
    await refused(tab.tasks.register({ id: 't' }), 'TaskExists');
    work.runs[0]!.settle(1);
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    await refused(tab.tasks.start({ name: 'work', id: 't' }), 'TaskExists');
    expect(work.runs).toHaveLength(1);
    await tab.tasks.start({ name: 'work', id: 'u' });
    expect(await tab.tasks.list()).toMatchObject([{ id: 'u', state: 'running' }]);
  });

  it('[BH1] has an id that no other tab can use in the same session', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const tabs = [
      await openTab(factory, [work.definition]),
      await openTab(factory, [work.definition]),
    ] as const;
    const started = await Promise.allSettled(tabs.map(({ tasks }) => tasks.start({ name: 'work', id: 't' })));
    expect(started.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(work.runs).toHaveLength(1);
    await eventually(() => expect(tabs.map(({ told }) => told.length)).toEqual([1, 1]));
  });

  it('[BH2] refuses a completion after the end, named by task', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    work.runs[0]!.settle(1);
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    const late = await refused(tab.tasks.complete('t', { state: 'completed', result: 2 }), 'TaskEnded');
    expect(late.data).toEqual({ taskId: 't', state: 'completed', move: 'end' });
    await refused(tab.tasks.cancel('t'), 'TaskEnded');
    await refused(tab.tasks.update('t', { state: 'running' }), 'TaskEnded');
    expect(await tab.tasks.get('t')).toMatchObject({ state: 'completed', result: 1 });
    expect(endsOf(tab, 't')).toBe(1);
    await refused(tab.tasks.cancel('nobody'), 'TaskNotFound');
    await refused(tab.tasks.get('nobody'), 'TaskNotFound');
  });

  it.each([
    ['a name that nobody defines', { name: 'other' }, 'TaskNotDefined'],
    ['an id that is none', { name: 'work', id: '' }, 'InvalidInput'],
    ['input that is no data', { name: 'work', input: (() => 1) as never }, 'NotData'],
    ['too much input', { name: 'work', input: 'x'.repeat(20_000) }, 'InvalidInput'],
    ['a title too long', { name: 'work', title: 'x'.repeat(501) }, 'InvalidInput'],
    ['a producer too long', { name: 'work', producer: 'x'.repeat(501) }, 'InvalidInput'],
    ['a policy that is none', { name: 'work', policies: { close: 'burn' as never } }, 'InvalidInput'],
    ['a kind that is none', { name: 'work', kind: 'burner' as never }, 'InvalidInput'],
  ] as const)('[BH2] is refused for %s, and nothing is kept', async (_, start, code) => {
    const tab = await openTab(await sessionsNamed('s'), [workNamed('work').definition]);
    await refused(tab.tasks.start(start), code);
    expect(await tab.tasks.list({ ended: true })).toEqual([]);
  });

  it('[BH3] is kept without secrets, and given them in its first run', async () => {
    const work = workNamed('work');
    const redact = <T>(value: T): T =>
      JSON.parse(JSON.stringify(value).replaceAll('hunter22', '[redacted]')) as T;
    const tab = await openTab(await sessionsNamed('s'), [work.definition], { redact });
    await tab.tasks.start({ name: 'work', id: 't', input: { key: 'hunter22' } });
    expect(work.runs[0]!.input).toEqual({ key: 'hunter22' });
    work.runs[0]!.fail(new Error('hunter22 is wrong'));
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(JSON.stringify(await tab.tasks.list({ ended: true }))).not.toContain('hunter22');
  });
});

describe('cancelling', () => {
  it('[BH4] asks a cooperative task to stop; one that rejects is cancelled', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    expect(await tab.tasks.cancel('t', 'enough')).toMatchObject({ state: 'cancel_requested' });
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    await eventually(() => expect(tab.states('t')).toEqual(['running', 'cancel_requested', 'cancelled']));
    expect(await tab.tasks.get('t')).toMatchObject({ cancelReason: 'enough', result: null });
  });

  it('[BH4] lets a cooperative task complete that was asked to stop', async () => {
    const work = workNamed('work', { deaf: true });
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await tab.tasks.cancel('t');
    expect(await tab.tasks.cancel('t')).toMatchObject({ state: 'cancel_requested' });
    work.runs[0]!.settle('all the same');
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(await tab.tasks.get('t')).toMatchObject({ state: 'completed', result: 'all the same' });
  });

  it('[BH4] ends a task at once whose policy is abort, and drops what it settles with', async () => {
    const work = workNamed('work', { deaf: true, policies: { cancel: 'abort' } });
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    expect(await tab.tasks.cancel('t')).toMatchObject({ state: 'cancelled' });
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    work.runs[0]!.settle('too late');
    work.runs[0]!.context.progress('too late');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(tab.states('t')).toEqual(['running', 'cancelled']);
    expect(await tab.tasks.get('t')).toMatchObject({ result: null, progress: null });
  });

  it('[BH4] leaves an external task alone until somebody completes it', async () => {
    const tab = await openTab(await sessionsNamed('s'));
    await tab.tasks.register({ id: 't', title: 'A build elsewhere' });
    await tab.tasks.update('t', { progress: 'compiling' });
    expect(await tab.tasks.cancel('t')).toMatchObject({ state: 'cancel_requested', progress: 'compiling' });
    await tab.tasks.complete('t', { state: 'cancelled', reason: null });
    expect(tab.states('t')).toEqual(['running', 'running', 'cancel_requested', 'cancelled']);
  });

  it('[BH4] of a task that runs here is not heard by it where its policy is external', async () => {
    const work = workNamed('work', { policies: { cancel: 'external' } });
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await tab.tasks.cancel('t');
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    await tab.tasks.complete('t', { state: 'completed', result: 'done elsewhere' });
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(endsOf(tab, 't')).toBe(1);
  });

  it('[BH4][flaw 37] does not say of a task that completed that it was cancelled', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    work.runs[0]!.settle(1);
    const cancelled = tab.tasks.cancel('t').catch((error: unknown) => error);
    await cancelled;
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    const { state } = await tab.tasks.get('t');
    expect(tab.states('t').at(-1)).toBe(state);
    await refused(tab.tasks.cancel('t'), 'TaskEnded');
    expect(endsOf(tab, 't')).toBe(1);
  });

  it('[BH3][BH4] reaches a task that runs in another tab, and both tell of one end', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work');
    const runs = await openTab(factory, [work.definition]);
    const watches = await openTab(factory, [work.definition]);
    await runs.tasks.start({ name: 'work', id: 't' });
    work.runs[0]!.context.progress('half');
    await eventually(() => expect(watches.told.at(-1)).toMatchObject({ progress: 'half' }));
    await watches.tasks.cancel('t', 'from elsewhere');
    await eventually(() => expect([endsOf(runs, 't'), endsOf(watches, 't')]).toEqual([1, 1]));
    expect(runs.told.at(-1)).toEqual(watches.told.at(-1));
    expect(watches.told.at(-1)).toMatchObject({ state: 'cancelled', cancelReason: 'from elsewhere' });
  });
});

describe('what somebody else does', () => {
  it('[BH2] is pending until it is begun, waits, and is completed by whoever registered it', async () => {
    const tab = await openTab(await sessionsNamed('s'));
    await tab.tasks.register({ id: 't', kind: 'observer', state: 'pending', parentTaskId: 'p' });
    await refused(tab.tasks.complete('t', { state: 'completed', result: 1 }), 'InvalidTaskMove');
    await refused(tab.tasks.update('t', { progress: 'half' }), 'InvalidTaskMove');
    await tab.tasks.update('t', { state: 'running' });
    await tab.tasks.update('t', { state: 'waiting', progress: 'half' });
    await tab.tasks.complete('t', { state: 'completed', result: 1 });
    expect(tab.states('t')).toEqual(['pending', 'running', 'waiting', 'waiting', 'completed']);
  });

  it.each([
    ['a result that is no data', { state: 'completed', result: (() => 1) as never }, 'NotData'],
    ['an end that is none', { state: 'running' } as never, 'InvalidInput'],
  ] as const)('[BH2] is not ended by %s', async (_, outcome, code) => {
    const tab = await openTab(await sessionsNamed('s'));
    await tab.tasks.register({ id: 't' });
    await refused(tab.tasks.complete('t', outcome), code);
    expect(await tab.tasks.list()).toMatchObject([{ state: 'running' }]);
  });

  it('[BH5] cannot be paused, and is asked to stop where its policy says so', async () => {
    const factory = await sessionsNamed('s');
    const tab = await openTab(factory);
    await refused(tab.tasks.register({ policies: { close: 'pause' as never } }), 'InvalidInput');
    await tab.tasks.register({ id: 'stops', policies: { close: 'cancel' } });
    await tab.tasks.register({ id: 'stays' });
    const other = await openTab(factory);
    await other.tasks.leave();
    expect(await tab.tasks.list()).toMatchObject([{ state: 'running' }, { state: 'running' }]);
    await tab.tasks.leave();
    const next = await openTab(factory);
    expect(await next.tasks.list()).toMatchObject([
      { id: 'stops', state: 'cancel_requested' },
      { id: 'stays', state: 'running' },
    ]);
  });
});

describe('who listens', () => {
  it('[BH3][flaw 37] hears every change, terminal ones too, until it does not want to', async () => {
    const work = workNamed('work');
    const tab = await openTab(await sessionsNamed('s'), [work.definition]);
    const heard: string[] = [];
    const stop = tab.tasks.subscribe(({ id, state }) => heard.push(`${id} ${state}`));
    await tab.tasks.start({ name: 'work', id: 't' });
    work.runs[0]!.settle(1);
    await eventually(() => expect(heard).toEqual(['t running', 't completed']));
    stop();
    await tab.tasks.register({ id: 'u' });
    expect(heard).toHaveLength(2);
  });
});

describe('records of tasks that ended', () => {
  it('[BH8][flaw 37] are removed by number, the oldest first, and never those of others', async () => {
    const tab = await openTab(await sessionsNamed('s'), [{ name: 'work', run: () => 1 }], {
      host: new LocalBackgroundTaskHost({ keepEnded: 2 }),
    });
    await tab.tasks.register({ id: 'live' });
    for (const id of ['a', 'b', 'c', 'd']) {
      await tab.tasks.start({ name: 'work', id });
      await eventually(() => expect(endsOf(tab, id)).toBe(1));
    }
    await eventually(async () => {
      const kept = await tab.tasks.list({ ended: true });
      expect(kept.map(({ id }) => id)).toEqual(['live', 'c', 'd']);
    });
    expect(await tab.tasks.start({ name: 'work', id: 'a' })).toMatchObject({ state: 'running' });
  });

  it('[BH8][flaw 37] are removed by age, when the session is opened', async () => {
    const factory = await sessionsNamed('s');
    const before = await openTab(factory, [{ name: 'work', run: () => 1 }]);
    await before.tasks.start({ name: 'work', id: 't' });
    await eventually(() => expect(endsOf(before, 't')).toBe(1));
    await before.tasks.leave();
    const host = new LocalBackgroundTaskHost({ keepEndedMs: 1000 });
    const young = await openTab(factory, [], { host });
    expect(await young.tasks.list({ ended: true })).toHaveLength(1);
    await young.tasks.leave();
    const later = {
      now: () => 9_000_000,
      newId: () => 'later',
      sleep: async () => await new Promise<void>(() => undefined),
    };
    const old = await openTab(factory, [], { host, clock: later });
    expect(await old.tasks.list({ ended: true })).toEqual([]);
  });

  it.each([{ keepEnded: -1 }, { keepEndedMs: 0.5 }])('[BH8] a host is not made with %o', (kept) => {
    expect(() => new LocalBackgroundTaskHost(kept)).toThrow(/whole number/u);
  });
});

describe('hidden work', () => {
  it('[BH9] is waited for, also what began meanwhile; the first failure is told once all of it is over', async () => {
    const tab = await openTab(await sessionsNamed('s'));
    const order: string[] = [];
    const after = async (ms: number, name: string): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      order.push(name);
    };
    tab.tasks.hide(async () => {
      await after(2, 'first');
      tab.tasks.hide(async () => await after(4, 'second'));
      throw new Error('first failed');
    });
    tab.tasks.hide(async () => await after(10, 'third'));
    await expect(tab.tasks.awaitBackgroundWork()).rejects.toThrow('first failed');
    expect(order.toSorted()).toEqual(['first', 'second', 'third']);
    await tab.tasks.awaitBackgroundWork();
    expect(tab.told).toEqual([]);
    expect(await tab.tasks.list({ ended: true })).toEqual([]);
  });

  it('[BH9] is asked to stop when the session is closed', async () => {
    const tab = await openTab(await sessionsNamed('s'));
    let stopped: unknown;
    tab.tasks.hide(async (signal) =>
      signal.addEventListener('abort', () => {
        stopped = signal.reason;
      }),
    );
    await tab.tasks.leave();
    expect(stopped).toMatchObject({ code: 'SessionClosed' });
  });
});

it('a session that is closed, or opened to read only, changes nothing', async () => {
  const factory = await sessionsNamed('s');
  const work = workNamed('work');
  const writer = await openTab(factory, [work.definition]);
  await writer.tasks.start({ name: 'work', id: 't' });
  const reader = await openTab(factory, [work.definition], { readOnly: true });
  expect(await reader.tasks.list()).toMatchObject([{ id: 't' }]);
  expect(reader.tasks.stored).toMatchObject([{ id: 't' }]);
  work.runs[0]!.context.progress('half');
  await eventually(() => expect(reader.told.at(-1)).toMatchObject({ progress: 'half' }));
  await refused(reader.tasks.start({ name: 'work' }), 'ReadOnly');
  await refused(reader.tasks.register({}), 'ReadOnly');
  await refused(reader.tasks.cancel('t'), 'ReadOnly');
  await refused(reader.tasks.update('t', {}), 'ReadOnly');
  await refused(reader.tasks.complete('t', { state: 'completed', result: 1 }), 'ReadOnly');
  await refused(reader.tasks.transfer('t', 'p'), 'ReadOnly');
  await writer.mortal.kill();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await reader.tasks.get('t')).toMatchObject({ state: 'running' });
  await reader.tasks.leave();
  await reader.tasks.leave();
  await refused(reader.tasks.list(), 'SessionClosed');
});
