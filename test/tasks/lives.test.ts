import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { isLashError } from '../../src/core/error.ts';
import { type BackgroundTaskPolicies, hasEnded } from '../../src/core/task.ts';
import { eventually } from '../support/eventually.ts';
import { childNamed, endsOf, openTab, sessionsNamed, type Tab, type Work, workNamed } from './support.ts';

/** A session whose tab runs a task `t` of these policies. */
async function running(
  policies: Partial<BackgroundTaskPolicies>,
  {
    maxAttempts = 3,
    deaf = false,
    isChild = false,
  }: { maxAttempts?: number; deaf?: boolean; isChild?: boolean } = {},
): Promise<{
  readonly tab: Tab;
  readonly work: Work;
  readonly next: (more?: Parameters<typeof openTab>[2]) => Promise<Tab>;
}> {
  const factory = await sessionsNamed('p', ...(isChild ? [] : ['s']));
  if (isChild) await childNamed(factory, 's', 'p');
  const work = workNamed('work', { policies, maxAttempts, deaf });
  const tab = await openTab(factory, [work.definition]);
  await tab.tasks.start({ name: 'work', id: 't', input: 'in' });
  return { tab, work, next: async (more) => await openTab(factory, [work.definition], more) };
}

describe('a session that is closed or parked', () => {
  it('[BH5][flaw 39] keeps a task: whoever opens the session sees it run, and stops it', async () => {
    const { tab, work, next } = await running({ close: 'keep' });
    await tab.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    const after = await next();
    expect(after.tasks.stored).toMatchObject([{ id: 't', state: 'running' }]);
    work.runs[0]!.context.progress('half');
    await eventually(() => expect(after.told.at(-1)).toMatchObject({ progress: 'half' }));
    await after.tasks.cancel('t');
    await eventually(() => expect(after.states('t').slice(-2)).toEqual(['cancel_requested', 'cancelled']));
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(work.runs).toHaveLength(1);
    expect(endsOf(after, 't')).toBe(1);
    expect(endsOf(tab, 't')).toBe(0);
  });

  it('[BH5][flaw 39] keeps a task that ends while nobody has the session open', async () => {
    const { tab, work, next } = await running({ close: 'keep' });
    await tab.tasks.leave();
    work.runs[0]!.settle('done');
    await eventually(async () => {
      const after = await next();
      expect(await after.tasks.get('t')).toMatchObject({ state: 'completed', result: 'done' });
    });
  });

  it.each([false, true])('[BH5][flaw 37] cancels a task (deaf: %s)', async (deaf) => {
    const { tab, work, next } = await running({ close: 'cancel' }, { deaf });
    await tab.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(tab.states('t')).toEqual(['running', 'cancelled']);
    work.runs[0]!.settle('too late');
    const after = await next();
    expect(await after.tasks.list({ ended: true })).toMatchObject([{ state: 'cancelled', result: null }]);
    expect(work.runs).toHaveLength(1);
  });

  it('[BH5][BH6][flaw 37] pauses a task, and begins it again as the same attempt when it is opened', async () => {
    const { tab, work, next } = await running({ close: 'pause' });
    work.runs[0]!.context.progress('half');
    await eventually(() => expect(tab.told.at(-1)).toMatchObject({ progress: 'half' }));
    await tab.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(tab.told.at(-1)).toMatchObject({ state: 'paused', owner: null });
    const [left, right] = await Promise.all([next(), next()]);
    expect(work.runs.map(({ input, context }) => [input, context.attempt])).toEqual([
      ['in', 1],
      ['in', 1],
    ]);
    work.runs[1]!.settle('done');
    await eventually(() => expect([endsOf(left, 't'), endsOf(right, 't')]).toEqual([1, 1]));
  });

  it('[BH6] leaves a paused task alone where nobody defines it', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work', { policies: { close: 'pause' } });
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await tab.tasks.leave();
    const without = await openTab(factory);
    expect(await without.tasks.list()).toMatchObject([{ state: 'paused' }]);
    await without.tasks.leave();
    await openTab(factory, [work.definition]);
    expect(work.runs).toHaveLength(2);
  });

  it('[BH5] cancels a task that was to be paused and was asked to stop', async () => {
    const { tab } = await running({ close: 'pause' }, { deaf: true });
    await tab.tasks.cancel('t', 'enough');
    await tab.tasks.leave();
    expect(tab.told.at(-1)).toMatchObject({ state: 'cancelled', cancelReason: 'enough' });
  });

  it('[BH5][BH7][flaw 37] transfers a task to its parent, where it can be seen and stopped', async () => {
    const { tab, work, next } = await running({ close: 'transfer' }, { isChild: true });
    const parent = await next({ sessionId: 'p' });
    await tab.tasks.leave();
    expect(tab.told.at(-1)).toMatchObject({ id: 't', sessionId: 'p' });
    await eventually(() => expect(parent.told.at(-1)).toMatchObject({ sessionId: 'p', state: 'running' }));
    await parent.tasks.cancel('t');
    await eventually(() => expect(endsOf(parent, 't')).toBe(1));
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(await (await next()).tasks.list({ ended: true })).toEqual([]);
  });

  it('[BH5] keeps a task that was to be transferred where there is no parent', async () => {
    const { tab, work, next } = await running({ close: 'transfer' });
    await tab.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    expect(await (await next()).tasks.list()).toMatchObject([{ state: 'running' }]);
  });
});

describe('a tab that died', () => {
  it('[BH6] leaves a task that has failed, once, for whoever opens the session', async () => {
    const { tab, next } = await running({ lost: 'fail' });
    await tab.mortal.kill();
    const [left, right] = await Promise.all([next(), next()]);
    expect(await left.tasks.get('t')).toMatchObject({
      state: 'failed',
      failure: { code: 'TaskLost', data: { taskId: 't', attempt: 1 } },
    });
    await eventually(() => expect([endsOf(left, 't'), endsOf(right, 't')]).toEqual([1, 1]));
  });

  it('[BH6] leaves a task that is begun again, by one of those who find it, until its attempts are used up', async () => {
    const { tab, work, next } = await running({ lost: 'resume' }, { maxAttempts: 2 });
    await tab.mortal.kill();
    const [left, right] = await Promise.all([next(), next()]);
    expect(work.runs.map(({ context }) => context.attempt)).toEqual([1, 2]);
    await Promise.all([left.mortal.kill(), right.mortal.kill()]);
    const last = await next();
    expect(await last.tasks.get('t')).toMatchObject({ state: 'failed', failure: { code: 'TaskLost' } });
    expect(work.runs).toHaveLength(2);
  });

  it('[BH6] is found by a tab that had the session open all along', async () => {
    const { tab, work, next } = await running({ lost: 'resume' });
    const other = await next();
    expect(other.told).toEqual([]);
    await tab.mortal.kill();
    await eventually(() => expect(work.runs).toHaveLength(2));
    work.runs[1]!.settle('done');
    await eventually(() => expect(endsOf(other, 't')).toBe(1));
    expect(other.told.at(-1)).toMatchObject({ state: 'completed', attempt: 2 });
  });

  it('[BH6] leaves a task that was asked to stop, and is cancelled', async () => {
    const { tab, next } = await running({ lost: 'resume' }, { deaf: true });
    await tab.tasks.cancel('t');
    await tab.mortal.kill();
    expect(await (await next()).tasks.get('t')).toMatchObject({ state: 'cancelled' });
  });

  it('[BH6] leaves a task that has failed where nobody defines it any more', async () => {
    const factory = await sessionsNamed('s');
    const work = workNamed('work', { policies: { lost: 'resume' } });
    const tab = await openTab(factory, [work.definition]);
    await tab.tasks.start({ name: 'work', id: 't' });
    await tab.mortal.kill();
    expect(await (await openTab(factory)).tasks.get('t')).toMatchObject({ state: 'failed' });
  });

  it('[BH6] leaves what was registered alone: whoever does it is elsewhere', async () => {
    const factory = await sessionsNamed('s');
    const tab = await openTab(factory);
    await tab.tasks.register({ id: 't' });
    await tab.mortal.kill();
    const next = await openTab(factory);
    expect(await next.tasks.complete('t', { state: 'completed', result: 1 })).toMatchObject({
      state: 'completed',
    });
  });

  it('[BH5][BH6] is found as any other where it only kept a task', async () => {
    const { tab, next } = await running({ close: 'keep' });
    await tab.tasks.leave();
    await tab.mortal.kill();
    expect(await (await next()).tasks.get('t')).toMatchObject({
      state: 'failed',
      failure: { code: 'TaskLost' },
    });
  });
});

describe('a transfer', () => {
  it('[BH7][flaw 37] moves a task that runs, with its id, and the record that stays says where it is', async () => {
    const { tab, work, next } = await running({});
    const parent = await next({ sessionId: 'p' });
    expect(await tab.tasks.transfer('t', 'p')).toMatchObject({ id: 't', sessionId: 'p', state: 'running' });
    expect(await tab.tasks.list()).toEqual([]);
    expect(await tab.tasks.get('t')).toMatchObject({ sessionId: 'p' });
    work.runs[0]!.settle('done');
    await eventually(() => expect(endsOf(parent, 't')).toBe(1));
    expect(parent.told.at(-1)).toMatchObject({ sessionId: 'p', state: 'completed', result: 'done' });
    expect(endsOf(tab, 't')).toBe(0);
    for (const refusal of [tab.tasks.cancel('t'), tab.tasks.transfer('t', 'p')])
      await expect(refusal).rejects.toMatchObject({ code: 'TaskNotFound' });
    await expect(tab.tasks.start({ name: 'work', id: 't' })).rejects.toMatchObject({ code: 'TaskExists' });
  });

  it('[BH7] moves nothing where the id is taken, or the session is not there', async () => {
    const { tab, work, next } = await running({});
    const parent = await next({ sessionId: 'p' });
    await parent.tasks.register({ id: 't' });
    await expect(tab.tasks.transfer('t', 'p')).rejects.toMatchObject({ code: 'TaskExists' });
    await expect(tab.tasks.transfer('t', 'nowhere')).rejects.toMatchObject({ code: 'SessionNotFound' });
    await expect(tab.tasks.transfer('nobody', 'p')).rejects.toMatchObject({ code: 'TaskNotFound' });
    expect(await tab.tasks.transfer('t', 's')).toMatchObject({ sessionId: 's' });
    work.runs[0]!.settle('done');
    await eventually(() => expect(endsOf(tab, 't')).toBe(1));
    await expect(tab.tasks.transfer('t', 'p')).rejects.toMatchObject({ code: 'TaskEnded' });
  });

  it('[BH7] of what runs in another tab is refused there', async () => {
    const { next } = await running({});
    await expect((await next()).tasks.transfer('t', 'p')).rejects.toMatchObject({ code: 'InvalidTaskMove' });
  });

  it.each([
    ['a paused one', 'pause'],
    ['a registered one', 'register'],
  ])('[BH7] moves %s', async (_, how) => {
    const factory = await sessionsNamed('s', 'p');
    const work = workNamed('work', { policies: { close: 'pause' } });
    const tab = await openTab(factory, [work.definition]);
    if (how === 'pause') await tab.tasks.start({ name: 'work', id: 't' });
    else await tab.tasks.register({ id: 't' });
    await tab.tasks.leave();
    const without = await openTab(factory);
    await without.tasks.transfer('t', 'p');
    const parent = await openTab(factory, [work.definition], { sessionId: 'p' });
    expect(await parent.tasks.list()).toMatchObject([{ id: 't', sessionId: 'p', state: 'running' }]);
    expect(work.runs).toHaveLength(how === 'pause' ? 2 : 0);
  });

  it('[BH7] that its tab did not survive is finished by the next one, after whichever write it died', async () => {
    for (const write of [1, 2, 3]) {
      const factory = await sessionsNamed('s', 'p');
      const work = workNamed('work', { policies: { lost: 'resume' } });
      const tab = await openTab(factory, [work.definition], {}, { write, when: 'after' });
      await tab.tasks.start({ name: 'work', id: 't' });
      void tab.tasks.transfer('t', 'p');
      await eventually(() => expect(tab.mortal.isDead()).toBe(true));
      await openTab(factory, [work.definition]);
      const parent = await openTab(factory, [work.definition], { sessionId: 'p' });
      expect(await parent.tasks.list()).toMatchObject([
        { id: 't', sessionId: 'p', state: 'running', attempt: 2 },
      ]);
      expect(work.runs).toHaveLength(2);
    }
  });
});

it('[BH8] a session that is deleted has its tasks stopped, in every tab, also those that were kept', async () => {
  const { tab, work, next } = await running({ close: 'keep' });
  await tab.tasks.leave();
  const after = await next();
  await after.tasks.start({ name: 'work', id: 'u' });
  const { factory } = after.mortal;
  await factory.delete('s');
  factory.leases.publish('s', { kind: 'deleted' });
  await eventually(() =>
    expect(work.runs.map(({ context }) => context.signal.aborted)).toEqual([true, true]),
  );
  expect(after.states('u')).toEqual(['running', 'cancelled']);
});

test('[BH3][flaw 37] whatever two tabs do to a task at once, each of them is told of one end, and of the same', async () => {
  const act = fc.constantFrom('cancel', 'complete', 'settle', 'fail', 'progress', 'wait');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.boolean(), act, fc.nat({ max: 2 })), { minLength: 1, maxLength: 8 }),
      fc.constantFrom('cooperative', 'abort', 'external'),
      async (acts, cancel) => {
        const { tab, work, next } = await running({ cancel });
        const other = await next();
        const done = acts.map(async ([isOther, what, delay]) => {
          await new Promise((resolve) => setTimeout(resolve, delay));
          const { tasks } = isOther ? other : tab;
          const run = work.runs[0]!;
          if (what === 'cancel') await tasks.cancel('t');
          else if (what === 'complete') await tasks.complete('t', { state: 'completed', result: 'told' });
          else if (what === 'settle') run.settle('settled');
          else if (what === 'fail') run.fail(new Error('broke'));
          else if (what === 'progress') run.context.progress('on');
          else run.context.waiting(true);
        });
        for (const { reason } of (await Promise.allSettled(done)).filter((end) => end.status === 'rejected'))
          expect(isLashError(reason, 'TaskEnded')).toBe(true);
        if (!hasEnded(await tab.tasks.get('t'))) work.runs[0]!.settle('at last');
        await eventually(() => expect([endsOf(tab, 't'), endsOf(other, 't')]).toEqual([1, 1]));
        expect(tab.told.at(-1)).toEqual(other.told.at(-1));
        expect(await other.tasks.get('t')).toEqual(tab.told.at(-1));
        await Promise.all([tab.tasks.leave(), other.tasks.leave()]);
      },
    ),
    { seed: 20_261_127, numRuns: 60 },
  );
});
