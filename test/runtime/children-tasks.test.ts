import { describe, expect, test } from 'vitest';

import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { eventually } from '../support/eventually.ts';
import { type Work, workNamed } from '../tasks/support.ts';
import { asksChild, childTool, home, modelFor, openParent, says } from './children-support.ts';
import { mortalTab } from './mortal.ts';
import { asks, done, plain } from './plugin-support.ts';
import { type Play, toolNamed } from './support.ts';

/** A tool `begin` that starts `work` as the task `t` of the session in which it is called. */
const begin = toolNamed('begin', {
  execute: async (_, { tasks }) => (await tasks?.start({ name: 'work', id: 't' }))?.state ?? 'no host',
});

function environmentOf(factory: SessionStoreFactory, work: Work): RuntimeEnvironment {
  return home({
    factory,
    plugins: [plain({ backgroundTasks: [work.definition] })],
    tasks: new LocalBackgroundTaskHost(),
  });
}

/** A session with a child that is asked to begin `work`. */
async function open(
  environment: RuntimeEnvironment,
  ask: Tool = asksChild('task', { tools: ['begin'] }),
  go: readonly Play[] = [asks('ask'), done],
): Promise<LashRuntime> {
  const model = modelFor({ go, task: [asks('begin'), says('begun')] });
  return await openParent(environment, model, [ask, begin]);
}

describe('[BH5][CH3] when the call is over that asked for a child, its background tasks', () => {
  test('are its parent’s: they run on, are paused with it, and are begun again with it', async () => {
    const work = workNamed('work', { policies: { close: 'pause' } });
    const environment = environmentOf(new InMemorySessionStoreFactory(), work);
    const parent = await open(environment);
    await parent.turn('go').result;
    await eventually(() => expect(parent.view().tasks).toMatchObject([{ id: 't', state: 'running' }]));
    await parent.close();
    expect(parent.view().tasks).toMatchObject([{ id: 't', state: 'paused' }]);
    const again = await open(environment);
    expect(again.view().tasks).toMatchObject([{ id: 't', state: 'running' }]);
    expect(work.runs).toHaveLength(2);
    await again.close();
  });

  test('are its parent’s also where the tab of the call died, and nobody asks for the child again', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const work = workNamed('work', { policies: { lost: 'resume' } });
    const asksOnce: Tool = {
      ...childTool('ask', async (sessions) => {
        const child = await sessions.open({ key: 'one', tools: ['begin'] });
        await child.turn('task');
        await new Promise(() => undefined);
      }),
      replay: 'never',
    };
    const first = await open(environmentOf(tab.factory, work), asksOnce);
    first.turn('go', { inputId: 'turn' });
    await eventually(() => expect(work.runs).toHaveLength(1));
    await eventually(async () => {
      const { items } = await origin.list({ parent: 's' });
      const store = await origin.open(items[0]!.sessionId, { kind: 'open' });
      expect(await store.turns.pending()).toEqual([]);
    });
    await tab.kill();
    const next = await open(environmentOf(origin, work), asksOnce, [done]);
    await eventually(() => expect(next.view().lastTurn?.result.status).toBe('completed'));
    await eventually(() =>
      expect(next.view().tasks).toMatchObject([{ id: 't', state: 'running', attempt: 2 }]),
    );
    await next.close();
  });

  test('end with a child that is deleted', async () => {
    const work = workNamed('work');
    const ask = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one', tools: ['begin'] });
      await child.turn('task');
      await child.delete();
    });
    const parent = await open(environmentOf(new InMemorySessionStoreFactory(), work), ask);
    await parent.turn('go').result;
    expect(work.runs.map(({ context }) => context.signal.aborted)).toEqual([true]);
    expect(parent.view().tasks).toEqual([]);
    await parent.close();
  });
});
