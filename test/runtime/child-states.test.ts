import { describe, expect, test } from 'vitest';

import type { ChildStart } from '../../src/contract/child-sessions.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import { eventually } from '../support/eventually.ts';
import { asksChild, childTool, home, modelFor, openParent, patientClock, says } from './children-support.ts';
import { addOne, asks, counts, done } from './plugin-support.ts';

/** Counts the turns of each session; `seen` is what they found, of the session `s` or of the others. */
function counter(): {
  readonly plugin: Plugin;
  readonly seen: (whose: 'parent' | 'other') => readonly number[];
} {
  const found: { readonly isParent: boolean; readonly count: number }[] = [];
  const plugin = counts({
    beforeTurn: ({ sessionId, state }) =>
      void found.push({ isParent: sessionId === 's', count: state.get().count }),
    afterTurn: (_, context) => addOne(context),
  });
  const seen = (whose: 'parent' | 'other'): readonly number[] =>
    found.filter(({ isParent }) => isParent === (whose === 'parent')).map(({ count }) => count);
  return { plugin, seen };
}

describe('what plugins keep, in a session that begins with another one', () => {
  /** What the child finds that begins so, in the third turn of its parent. */
  async function foundBy(start: (first: string) => ChildStart): Promise<readonly number[]> {
    const { plugin, seen } = counter();
    const model = modelFor({ a: [done], b: [done], go: [asks('ask'), done], task: [says('x')] });
    let first = '';
    const ask = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one', start: start(first) });
      await child.turn('task');
    });
    const clock = patientClock();
    const runtime = await openParent(home({ plugins: [plugin] }), model, [ask], { clock });
    first = (await runtime.turn('a').result).leaf ?? '';
    await runtime.turn('b').result;
    await runtime.turn('go').result;
    await runtime.turn('b').result;
    expect(seen('parent')).toEqual([0, 1, 2, 3]);
    await runtime.close();
    return seen('other');
  }

  test('[PS1] is in a child with the path of its parent what held where that ends, and changes nothing there', async () => {
    expect(await foundBy(() => ({ kind: 'path' }))).toEqual([2]);
    expect(await foundBy((nodeId) => ({ kind: 'path', nodeId }))).toEqual([1]);
    expect(await foundBy(() => ({ kind: 'session', sessionId: 's' }))).toEqual([2]);
  });

  test('[PS1] is in a child that begins with nothing what it is in any new session', async () => {
    expect(await foundBy(() => ({ kind: 'empty' }))).toEqual([0]);
  });

  test('[PS1] goes on in the session that the conversation is handed on to, with its path', async () => {
    const { plugin, seen } = counter();
    const model = modelFor({ a: [done], go: [asks('pass')], 'go on': [done] });
    const pass = childTool(
      'pass',
      async (sessions) => await sessions.handOff({ input: 'go on', start: { kind: 'path' } }),
    );
    const environment = home({ plugins: [plugin] });
    const clock = patientClock();
    const runtime = await openParent(environment, model, [pass], { clock });
    await runtime.turn('a').result;
    const { successor = '' } = await runtime.turn('go').result;
    await runtime.close();
    const next = await openParent(environment, model, [], { sessionId: successor, clock: patientClock() });
    await eventually(() => expect(next.view().lastTurn?.result.status).toBe('completed'));
    expect(seen('other')).toEqual([1]);
    await next.close();
  });

  test('[PS4] a child keeps what a plugin kept that its host does not have', async () => {
    const { plugin } = counter();
    const model = modelFor({ a: [done], go: [asks('ask'), done], task: [says('x')] });
    const environment = home({ plugins: [plugin] });
    const { sessionStoreFactory: factory } = environment;
    const clock = patientClock();
    const one = await openParent(environment, model, [], { clock });
    await one.turn('a').result;
    await one.close();
    const start = { kind: 'path' } as const;
    const two = await openParent(home({ factory }), model, [asksChild('task', { start })], {
      clock: patientClock(),
    });
    await two.turn('go').result;
    await two.close();
    const { items } = await factory.list({ parent: 's' });
    const store = await factory.open(items[0]?.sessionId ?? '', { kind: 'open' });
    const { checkpoint } = await store.load({ kind: 'path', checkpoint: true });
    await store.close();
    expect(checkpoint?.components).toMatchObject({ 'plugin:p': { version: 1, body: { count: 1 } } });
  });
});
