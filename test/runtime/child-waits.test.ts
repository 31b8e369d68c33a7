import { describe, expect, test } from 'vitest';

import type { TurnWait } from '../../src/core/turn-wait.ts';
import { reduceView, type SessionView } from '../../src/core/view.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { asksChild, childTool, home, modelFor, openParent, says, storedMetas } from './children-support.ts';
import { mortalTab } from './mortal.ts';
import { asks, done, eventsOf } from './plugin-support.ts';
import { call, finish, type Play, toolNamed } from './support.ts';

const erase = toolNamed('erase', { approval: true, execute: () => 'erased' });
const erases: Play = [call('x', 'erase', '{"what":"all"}'), finish('tool-calls')];

/** The only thing that the turn waits for, once there is one. */
async function waitOf(runtime: LashRuntime): Promise<Extract<TurnWait, { readonly kind: 'approval' }>> {
  await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(1));
  const [wait] = runtime.view().turn?.waits ?? [];
  if (wait?.kind !== 'approval') throw new Error('nobody is asked');
  return wait;
}

test('what a child session warns of is told in the turn of its parent', async () => {
  const model = modelFor({ go: [asks('ask'), done], task: [says('fine')] });
  const runtime = await openParent(home(), model, [asksChild('task', { source: 'helper', tools: ['raed'] })]);
  const events = eventsOf(runtime);
  await runtime.turn('go').result;
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
  expect(warnings).toEqual(['Policy or turn names tools that nobody has: raed.']);
  await runtime.close();
});

describe('[TU11] what a child session waits for', () => {
  test('shows in the turn of its parent, is answered there, and is gone then', async () => {
    const environment = home();
    const model = modelFor({ go: [asks('ask'), done], task: [erases, says('fine')] });
    const runtime = await openParent(environment, model, [asksChild('task', { tools: ['erase'] }), erase]);
    const events = eventsOf(runtime);
    const first = runtime.view();
    const turn = runtime.turn('go');
    const wait = await waitOf(runtime);
    const [, child] = await storedMetas(environment.sessionStoreFactory);
    expect(wait).toMatchObject({
      tool: 'erase',
      args: { what: 'all' },
      childSessionId: child?.sessionId,
    });
    await runtime.answer(wait.requestId, { approve: true });
    expect((await turn.result).status).toBe('completed');
    const waits = events.flatMap((event) => (event.type === 'turn-waiting' ? [event.waits.length] : []));
    expect(waits).toEqual([1, 0]);
    const replayed = events.reduce<SessionView>((view, event) => reduceView(view, event), first);
    expect(replayed).toEqual(runtime.view());
    await runtime.close();
  });

  test('shows through as many sessions as there are in between', async () => {
    const nested = childTool('pass', async (sessions) => {
      const child = await sessions.open({ key: 'deep', tools: ['erase'] });
      return (await child.turn('deep')).text;
    });
    const model = modelFor({
      go: [asks('ask'), done],
      task: [asks('pass'), says('passed')],
      deep: [erases, says('fine')],
    });
    const tools = [asksChild('task', { tools: ['pass'] }), nested, erase];
    const environment = home();
    const runtime = await openParent(environment, model, tools);
    const turn = runtime.turn('go');
    const wait = await waitOf(runtime);
    const [, child, grandchild] = await storedMetas(environment.sessionStoreFactory);
    expect(wait.childSessionId).toBe(child?.sessionId);
    expect(wait.requestId.startsWith(`${grandchild?.sessionId}:`)).toBe(true);
    await runtime.answer(wait.requestId, { approve: false, reason: 'no' });
    expect((await turn.result).status).toBe('completed');
    await runtime.close();
  });

  test('shows of each child, until that one goes on', async () => {
    const both = childTool('ask', async (sessions) => {
      const children = ['one', 'two'].map(async (key) => {
        const child = await sessions.open({ key, tools: ['erase'] });
        return (await child.turn(key)).text;
      });
      return await Promise.all(children);
    });
    const model = modelFor({ go: [asks('ask'), done], one: [erases, done], two: [erases, done] });
    const runtime = await openParent(home(), model, [both, erase]);
    const turn = runtime.turn('go');
    const waits = (): readonly TurnWait[] => runtime.view().turn?.waits ?? [];
    await eventually(() => expect(waits()).toHaveLength(2));
    const [first, second] = waits() as readonly Extract<TurnWait, { readonly kind: 'approval' }>[];
    await runtime.answer(first!.requestId, { approve: true });
    await eventually(() => expect(waits()).toEqual([second]));
    await runtime.answer(second!.requestId, { approve: true });
    expect((await turn.result).status).toBe('completed');
    await runtime.close();
  });

  test('is gone with a child that is closed, and the turn goes on', async () => {
    const gives = childTool('ask', async (sessions, { progress }) => {
      const child = await sessions.open({ key: 'one', tools: ['erase'] });
      const turn = child.turn('task', {
        onActivity: ({ type }) => type === 'turn-waiting' && progress('asked'),
      });
      await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(1));
      await child.close();
      return [(await turn).status, runtime.view().turn?.waits.length];
    });
    const model = modelFor({ go: [asks('ask'), done], task: [erases] });
    const runtime = await openParent(home(), model, [gives, erase]);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(
      runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body] : [])),
    ).toMatchObject([{ invocation: { outcome: { value: ['cancelled', 0] } } }]);
    await runtime.close();
  });

  test('[TU3] shows again in the tab that goes on after one that died', async () => {
    const origin = new InMemorySessionStoreFactory();
    const one = mortalTab(origin);
    const tools = [asksChild('task', { tools: ['erase'] }), erase];
    const first = await openParent(
      home({ factory: one.factory }),
      modelFor({ go: [asks('ask')], task: [erases] }),
      tools,
    );
    first.turn('go', { inputId: 't' }).result.catch(() => undefined);
    const asked = await waitOf(first);
    await one.kill();
    const model = modelFor({ go: [done], task: [says('fine')] });
    const two = await openParent(home({ factory: origin }), model, tools);
    const wait = await waitOf(two);
    expect(wait).toEqual(asked);
    await two.answer(wait.requestId, { approve: true });
    expect((await two.turn('go', { inputId: 't' }).result).status).toBe('completed');
    await two.close();
  });
});
