import { describe, expect, it } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskPolicies } from '../../src/core/task.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { eventually } from '../support/eventually.ts';
import {
  childNamed,
  endsOf,
  openBeside,
  openTab,
  sessionsNamed,
  type Tab,
  withTasks,
  type Work,
  workNamed,
} from './support.ts';

/** A tab that has `s` and `p` open, and a task `t` that went from the one to the other. */
async function moved(
  close: BackgroundTaskPolicies['close'],
  deaf = false,
): Promise<{
  readonly factory: SessionStoreFactory;
  readonly from: Tab;
  readonly to: Tab;
  readonly work: Work;
}> {
  const factory = await sessionsNamed('s', 'p');
  const work = workNamed('work', { policies: { close }, deaf });
  const from = await openTab(factory, [work.definition]);
  const to = await openBeside(from, 'p', [work.definition]);
  await from.tasks.start({ name: 'work', id: 't' });
  await from.tasks.transfer('t', 'p');
  return { factory, from, to, work };
}

describe('a session that was given a task, and is closed', () => {
  it.each([false, true])('[BH5][BH7] cancels it, and tells that (deaf: %s)', async (deaf) => {
    const { from, to, work } = await moved('cancel', deaf);
    await from.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    await to.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(to.told.at(-1)).toMatchObject({ id: 't', state: 'cancelled' });
    expect(endsOf(to, 't')).toBe(1);
  });

  it('[BH5][BH6] pauses it, and begins it again when it is opened', async () => {
    const { from, to, work } = await moved('pause');
    await to.tasks.leave();
    await from.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(to.told.at(-1)).toMatchObject({ state: 'paused', owner: null });
    const again = await openBeside(from, 'p', [work.definition]);
    expect(await again.tasks.list()).toMatchObject([{ id: 't', state: 'running', attempt: 1 }]);
    expect(work.runs).toHaveLength(2);
  });

  it('[BH5] keeps it where it is to be kept', async () => {
    const { from, to, work } = await moved('keep');
    await to.tasks.leave();
    await from.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    work.runs[0]!.settle('done');
    const again = await openBeside(from, 'p');
    await eventually(async () =>
      expect(await again.tasks.get('t')).toMatchObject({ state: 'completed', result: 'done' }),
    );
  });

  it('[BH5] keeps it until then where it was not open, and somebody opens and closes it', async () => {
    const factory = await sessionsNamed('s', 'p');
    const work = workNamed('work', { policies: { close: 'cancel' } });
    const from = await openTab(factory, [work.definition]);
    await from.tasks.start({ name: 'work', id: 't' });
    await from.tasks.transfer('t', 'p');
    await from.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    const reader = await openTab(factory, [], {
      host: from.host,
      factory: from.mortal.factory,
      sessionId: 'p',
      readOnly: true,
    });
    await reader.tasks.leave();
    const elsewhere = await openTab(factory, [], { sessionId: 'p' });
    await elsewhere.tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(false);
    await (await openBeside(from, 'p')).tasks.leave();
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
  });

  it('[BH5] does so with one that is arriving', async () => {
    const origin = await sessionsNamed('s', 'p');
    const [reached, opened] = [new Deferred<void>(), new Deferred<void>()];
    const factory = withTasks(origin, (tasks, sessionId) => ({
      write: async (change) => {
        if (sessionId === 'p') {
          reached.resolve();
          await opened.promise;
        }
        return await tasks.write(change);
      },
    }));
    const work = workNamed('work', { policies: { close: 'cancel' } });
    const from = await openTab(factory, [work.definition]);
    const to = await openBeside(from, 'p');
    await from.tasks.start({ name: 'work', id: 't' });
    const moving = from.tasks.transfer('t', 'p');
    await reached.promise;
    const leaving = to.tasks.leave();
    opened.resolve();
    await moving;
    await leaving;
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
    expect(to.told.at(-1)).toMatchObject({ id: 't', state: 'cancelled' });
  });

  it('[BH5][BH7] transfers it to its own parent, through the generations', async () => {
    const factory = await sessionsNamed('grandparent');
    await childNamed(factory, 'parent', 'grandparent');
    await childNamed(factory, 'child', 'parent');
    const work = workNamed('work', { policies: { close: 'transfer' } });
    const grandparent = await openTab(factory, [], { sessionId: 'grandparent' });
    const parent = await openBeside(grandparent, 'parent');
    const child = await openBeside(grandparent, 'child', [work.definition]);
    await child.tasks.start({ name: 'work', id: 't' });
    await child.tasks.leave();
    expect(await parent.tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
    await parent.tasks.leave();
    expect(await grandparent.tasks.list()).toMatchObject([{ id: 't', state: 'running' }]);
    await grandparent.tasks.cancel('t');
    await eventually(() => expect(endsOf(grandparent, 't')).toBe(1));
    expect(work.runs[0]!.context.signal.aborted).toBe(true);
  });

  it('[BH5] asks it to stop where somebody else does it, who registered it here', async () => {
    const factory = await sessionsNamed('s', 'p');
    const from = await openTab(factory);
    const to = await openBeside(from, 'p');
    await from.tasks.register({ id: 'stops', policies: { close: 'cancel' } });
    await from.tasks.register({ id: 'stays' });
    for (const id of ['stops', 'stays']) await from.tasks.transfer(id, 'p');
    await from.tasks.leave();
    expect(await to.tasks.list()).toMatchObject([{ state: 'running' }, { state: 'running' }]);
    await to.tasks.leave();
    expect(await (await openBeside(from, 'p')).tasks.list()).toMatchObject([
      { id: 'stops', state: 'cancel_requested' },
      { id: 'stays', state: 'running' },
    ]);
  });
});

it('[BH7] nothing of a transfer is left in memory once the task has ended', async () => {
  const factory = await sessionsNamed('s', 'p');
  const work = workNamed('work');
  const from = await openTab(factory, [work.definition]);
  const to = await openBeside(from, 'p');
  await from.tasks.start({ name: 'work', id: 't' });
  await from.tasks.register({ id: 'r', policies: { close: 'cancel' } });
  for (const id of ['t', 'r']) await from.tasks.transfer(id, 'p');
  const owner = `#tasks/${(await to.tasks.get('t')).owner!}`;
  expect(await factory.leases.isHeld(owner)).toBe(true);
  work.runs[0]!.settle('done');
  await to.tasks.complete('r', { state: 'completed', result: null });
  await eventually(async () => expect(await factory.leases.isHeld(owner)).toBe(false));
});
