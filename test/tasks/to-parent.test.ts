import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskPolicies } from '../../src/core/task.ts';
import { eventually } from '../support/eventually.ts';
import { childNamed, openBeside, openTab, sessionsNamed, type Tab, type Work, workNamed } from './support.ts';

/** A tab that has `p` and its child `c` open, and runs a task `t` of the child. */
async function family(policies: Partial<BackgroundTaskPolicies>): Promise<{
  readonly factory: SessionStoreFactory;
  readonly parent: Tab;
  readonly child: Tab;
  readonly work: Work;
}> {
  const factory = await sessionsNamed('p');
  await childNamed(factory, 'c', 'p');
  const work = workNamed('work', { policies });
  const parent = await openTab(factory, [work.definition], { sessionId: 'p' });
  const child = await openBeside(parent, 'c', [work.definition]);
  await child.tasks.start({ name: 'work', id: 't' });
  return { factory, parent, child, work };
}

describe('a child session that is closed for good', () => {
  it.each(['keep', 'pause', 'transfer'] as const)(
    '[BH5] hands its task to its parent, where it is closed as its policy says: %s',
    async (close) => {
      const { parent, child, work } = await family({ close });
      await child.tasks.leave({ toParent: true });
      expect(await parent.tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
      expect(work.runs[0]!.context.signal.aborted).toBe(false);
      await parent.tasks.leave();
      expect(work.runs[0]!.context.signal.aborted).toBe(close === 'pause');
      const again = await openBeside(parent, 'p', [work.definition]);
      expect(await again.tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
      expect(work.runs).toHaveLength(close === 'pause' ? 2 : 1);
    },
  );

  it('[BH5] cancels what is to be cancelled', async () => {
    const { parent, child, work } = await family({ close: 'cancel' });
    await child.tasks.leave({ toParent: true });
    expect(child.told.at(-1)).toMatchObject({ state: 'cancelled' });
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(await parent.tasks.list({ ended: true })).toEqual([]);
  });

  it('[BH5][BH6] hands on what its parent finds when the tab has died', async () => {
    const { factory, parent, child, work } = await family({ close: 'keep', lost: 'resume' });
    await child.tasks.leave({ toParent: true });
    await parent.mortal.kill();
    const next = await openTab(factory, [work.definition], { sessionId: 'p' });
    expect(await next.tasks.list()).toMatchObject([{ id: 't', state: 'running', attempt: 2 }]);
  });

  it('[BH5] hands on what came to it from its own child', async () => {
    const { factory, parent, child, work } = await family({ close: 'keep' });
    await childNamed(factory, 'g', 'c');
    const grandchild = await openBeside(parent, 'g', [work.definition]);
    await grandchild.tasks.start({ name: 'work', id: 'u' });
    await grandchild.tasks.leave({ toParent: true });
    expect(await child.tasks.list()).toMatchObject([{ id: 't' }, { id: 'u' }]);
    await child.tasks.leave({ toParent: true });
    expect(await parent.tasks.list()).toMatchObject([{ id: 't' }, { id: 'u' }]);
    expect(work.runs.map(({ context }) => context.signal.aborted)).toEqual([false, false]);
  });

  it('[BH5] hands on what nobody runs: what is registered, also by a tab that is gone, and what is paused', async () => {
    const { factory, parent, child } = await family({ close: 'pause' });
    await child.tasks.register({ id: 'r' });
    await child.tasks.leave();
    await parent.mortal.kill();
    const next = await openTab(factory, [], { sessionId: 'c' });
    await next.tasks.leave({ toParent: true });
    const parentAgain = await openTab(factory, [], { sessionId: 'p' });
    const tasks = await parentAgain.tasks.list();
    expect(tasks.map(({ id, state }) => [id, state])).toEqual([
      ['t', 'paused'],
      ['r', 'running'],
    ]);
  });

  it.each([
    ['keep', 'running'],
    ['pause', 'paused'],
  ] as const)('[BH5] closes as always what its parent does not take: %s', async (close, state) => {
    const { parent, child } = await family({ close });
    await parent.tasks.register({ id: 't' });
    await child.tasks.leave({ toParent: true });
    const again = await openBeside(parent, 'c');
    expect(await again.tasks.list()).toMatchObject([{ id: 't', state }]);
  });

  it('[BH5] leaves alone what runs in another tab', async () => {
    const { factory, parent, work } = await family({ close: 'pause' });
    const other = await openTab(factory, [], { sessionId: 'c' });
    await other.tasks.leave({ toParent: true });
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    expect(await parent.tasks.list()).toEqual([]);
    work.runs[0]!.settle('done');
    await eventually(async () =>
      expect(await (await openBeside(parent, 'c')).tasks.get('t')).toMatchObject({ state: 'completed' }),
    );
  });
});

it('[BH5] a session that is no child closes its tasks as always', async () => {
  const work = workNamed('work', { policies: { close: 'pause' } });
  const tab = await openTab(await sessionsNamed('s'), [work.definition]);
  await tab.tasks.start({ name: 'work', id: 't' });
  await tab.tasks.leave({ toParent: true });
  expect(tab.told.at(-1)).toMatchObject({ state: 'paused' });
});
