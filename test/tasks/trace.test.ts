import { describe, expect, it } from 'vitest';

import type { BackgroundTaskPolicies } from '../../src/core/task.ts';
import { eventually } from '../support/eventually.ts';
import { openTab, sessionsNamed, type Tab, workNamed } from './support.ts';

/** Two tabs with the session `s`, in one of which the task `t` runs. */
async function running(policies: Partial<BackgroundTaskPolicies> = {}): Promise<{
  readonly here: Tab;
  readonly there: Tab;
  readonly work: ReturnType<typeof workNamed>;
}> {
  const factory = await sessionsNamed('s', 'p');
  const work = workNamed('work', { policies });
  const [here, there] = [
    await openTab(factory, [work.definition]),
    await openTab(factory, [work.definition]),
  ];
  await here.tasks.start({ name: 'work', id: 't' });
  return { here, there, work };
}

describe('[BH10] a step of a task', () => {
  it('is traced once, by whoever stored it; how far the task is, is not', async () => {
    const { here, there, work } = await running();
    work.runs[0]!.context.progress('half');
    await eventually(() => expect(there.told.at(-1)).toMatchObject({ progress: 'half' }));
    await there.tasks.cancel('t');
    await eventually(() => expect(here.told.at(-1)).toMatchObject({ state: 'cancelled' }));
    expect(there.traced).toEqual(['s/t cancel_requested']);
    expect(here.traced).toEqual(['s/t running', 's/t cancelled']);
  });

  it('is traced by the tab that finds a dead one’s task', async () => {
    const { here, there, work } = await running({ lost: 'resume' });
    await here.mortal.kill();
    await eventually(() => expect(work.runs).toHaveLength(2));
    work.runs[1]!.settle('done');
    await eventually(() => expect(there.traced).toEqual(['s/t running', 's/t completed']));
  });

  it('is traced with both sessions when the task moves, and behind that with the one that keeps it', async () => {
    const { here, work } = await running();
    await here.tasks.transfer('t', 'p');
    work.runs[0]!.settle('done');
    await eventually(() =>
      expect(here.traced).toEqual(['s/t running', 's/t running', 'p/t running', 'p/t completed']),
    );
  });

  it('is traced also where the session is closed before a task that is kept ends', async () => {
    const { here, work } = await running({ close: 'keep' });
    await here.tasks.leave();
    work.runs[0]!.settle('done');
    await eventually(() => expect(here.traced).toEqual(['s/t running', 's/t completed']));
  });
});
