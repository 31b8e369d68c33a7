import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { StoredTask, TaskWrite } from '../../src/contract/task-store.ts';
import { LashError } from '../../src/core/error.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { eventually } from '../support/eventually.ts';
import { endsOf, openTab, sessionsNamed, workNamed } from './support.ts';

/** A database of which a test decides what its writes of task records do. */
async function faulty(): Promise<{
  readonly factory: SessionStoreFactory;
  readonly fail: { with: ((write: TaskWrite) => LashError | null) | null };
}> {
  const origin = await sessionsNamed('s');
  const fail: { with: ((write: TaskWrite) => LashError | null) | null } = { with: null };
  const factory = standIn(origin, {
    open: async (sessionId, mode) => {
      const store = await origin.open(sessionId, mode);
      const write = async (change: TaskWrite): Promise<StoredTask> => {
        const error = fail.with?.(change) ?? null;
        if (error !== null) throw error;
        return await store.tasks.write(change);
      };
      return standIn(store, { tasks: standIn(store.tasks, { write }) });
    },
  });
  return { factory, fail };
}

const full = (): LashError => new LashError('StorageFull', 'the disk is full', {});
const stateOf = ({ body }: TaskWrite): string => (body as { readonly state: string }).state;

describe('storage that does not take the record of a task', () => {
  it('[BH3] has a task’s end told when it takes it again, once', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work');
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    let refused = 0;
    fail.with = () => (refused++, full());
    work.runs[0]!.settle(42);
    await eventually(() => expect(refused).toBeGreaterThan(2));
    expect(tab.states('t')).toEqual(['running']);
    fail.with = null;
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(tab.told.at(-1)).toMatchObject({ state: 'completed', result: 42 });
  });

  it('[BH3] forgets what a task said of how far it is, and hears the next that it says', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work');
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    const [run] = work.runs;
    fail.with = full;
    run!.context.progress('lost');
    await new Promise((resolve) => setTimeout(resolve, 10));
    fail.with = null;
    run!.context.progress('heard');
    await eventually(() => expect(tab.told.at(-1)).toMatchObject({ progress: 'heard' }));
  });

  it('[BH3] for good has the task failed, and says why', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work');
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    const refusal = new LashError('InvalidInput', 'too much', { path: 'body', reason: 'is too much' });
    fail.with = (write) => (stateOf(write) === 'completed' ? refusal : null);
    work.runs[0]!.settle(42);
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(tab.told.at(-1)).toMatchObject({ state: 'failed', failure: { code: 'InvalidInput' } });
  });

  it('[BH3] neither its end nor why that failed has the task lost, once', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work');
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    let refused = 0;
    const refusal = new LashError('InvalidInput', 'too much', { path: 'body', reason: 'is too much' });
    fail.with = () => (++refused > 2 ? null : refusal);
    work.runs[0]!.settle(42);
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    expect(tab.told.at(-1)).toMatchObject({ state: 'failed', failure: { code: 'TaskLost' } });
  });

  it('[BH1] refuses to begin one, and the id is free', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work');
    const tab = await openTab(factory, [work.definition]);
    fail.with = full;
    await expect(tab.tasks.start({ name: 'work', id: 't' })).rejects.toMatchObject({ code: 'StorageFull' });
    fail.with = null;
    expect(work.runs).toEqual([]);
    await tab.tasks.start({ name: 'work', id: 't' });
    expect(work.runs).toHaveLength(1);
  });

  it('[BH5] stops a task all the same when its session is closed; it is found as lost', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work', { policies: { close: 'cancel' } });
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    fail.with = full;
    await tab.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    fail.with = null;
    const next = await openTab(factory, [work.definition]);
    expect(await next.tasks.get('t')).toMatchObject({ state: 'failed', failure: { code: 'TaskLost' } });
  });

  it('[BH5] forgets a task then that does not hear that it is to stop, and it is found as lost', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work', { policies: { close: 'cancel' }, deaf: true });
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    fail.with = full;
    await tab.tasks.leave();
    fail.with = null;
    const next = await openTab(factory, [work.definition]);
    expect(await next.tasks.get('t')).toMatchObject({ state: 'failed', failure: { code: 'TaskLost' } });
  });

  it('[BH6] of one lost task has the others found all the same', async () => {
    const { factory, fail } = await faulty();
    const work = workNamed('work', { policies: { lost: 'resume' } });
    const first = await openTab(factory, [work.definition]);
    for (const id of ['a', 'b']) await first.tasks.start({ name: 'work', id });
    await first.mortal.kill();
    fail.with = ({ taskId }) => (taskId === 'a' ? full() : null);
    const next = await openTab(factory, [work.definition]);
    expect(await next.tasks.list()).toMatchObject([
      { id: 'a', attempt: 1 },
      { id: 'b', attempt: 2 },
    ]);
  });

  it('[BH6] lets a session open, and has what was left looked after when it takes it again', async () => {
    const { factory, fail } = await faulty();
    const [paused, lost] = [
      workNamed('paused', { policies: { close: 'pause' } }),
      workNamed('lost', { policies: { lost: 'resume' } }),
    ];
    const definitions = [paused.definition, lost.definition];
    const first = await openTab(factory, definitions);
    await first.tasks.start({ name: 'lost', id: 'l' });
    await first.mortal.kill();
    const second = await openTab(factory, definitions);
    await second.tasks.start({ name: 'paused', id: 'p' });
    await second.tasks.leave();
    await second.mortal.kill();
    let refused = 0;
    fail.with = () => (refused++, full());
    const third = await openTab(factory, definitions);
    expect(await third.tasks.list()).toMatchObject([
      { id: 'l', state: 'running', attempt: 2 },
      { id: 'p', state: 'paused' },
    ]);
    await eventually(() => expect(refused).toBeGreaterThan(4));
    fail.with = null;
    await eventually(async () =>
      expect(await third.tasks.list()).toMatchObject([
        { id: 'l', state: 'running', attempt: 3 },
        { id: 'p', state: 'running', attempt: 1 },
      ]),
    );
    expect([paused.runs.length, lost.runs.length]).toEqual([2, 3]);
  });
});

it('[BH1] a lease that is not given once does not keep later tasks from being begun', async () => {
  const origin = await sessionsNamed('s');
  const work = workNamed('work');
  let asked = 0;
  const factory = standIn(origin, {
    leases: standIn(origin.leases, {
      acquire: async (sessionId, options) => {
        asked += 1;
        if (asked === 1) throw new LashError('StorageUnavailable', 'not now', { database: '', reason: 'x' });
        return await origin.leases.acquire(sessionId, options);
      },
    }),
  });
  const tab = await openTab(factory, [work.definition]);
  await expect(tab.tasks.start({ name: 'work' })).rejects.toMatchObject({ code: 'StorageUnavailable' });
  expect(await tab.tasks.start({ name: 'work' })).toMatchObject({ state: 'running' });
});

it('[BH3] half of a secret is not kept where a message is cut', async () => {
  const work = workNamed('work');
  const redact = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll('hunter22', '[redacted]')) as T;
  const tab = await openTab(await sessionsNamed('s'), [work.definition], { redact });
  await tab.tasks.start({ name: 'work', id: 't' });
  await tab.tasks.register({ id: 'r' });
  await tab.tasks.update('r', { progress: `${'x'.repeat(994)}hunter22` });
  work.runs[0]!.context.progress(`${'x'.repeat(994)}hunter22`);
  work.runs[0]!.fail(new Error(`${'x'.repeat(3994)}hunter22`));
  await eventually(() => expect(endsOf(tab, 't')).toBe(1));
  expect(JSON.stringify(tab.told)).not.toContain('hunter');
});
