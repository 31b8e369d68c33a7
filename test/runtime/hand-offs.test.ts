import { describe, expect, test } from 'vitest';

import type { ChildResult } from '../../src/contract/child-sessions.ts';
import { LashError } from '../../src/core/error.ts';
import { eventually } from '../support/eventually.ts';
import {
  asksChild,
  childTool,
  home,
  modelFor,
  openParent,
  patientClock,
  says,
  storedMetas,
} from './children-support.ts';
import { mortalTab } from './mortal.ts';
import { asks, done, letRun, memory, plain } from './plugin-support.ts';
import { faultyFactory, type Faults } from './stores.ts';
import { toolNamed } from './support.ts';

describe('what a turn is not passed on to', () => {
  const pass = childTool('pass', async (sessions) => await sessions.handOff({ input: 'go on' }));

  test('a hook that is no part of a tool call cannot pass it on', async () => {
    const codes: string[] = [];
    const refuses = async (handing: Promise<string>): Promise<void> => {
      codes.push(await handing.catch((error: unknown) => (error as LashError).code));
    };
    const plugins = [
      plain({
        beforeStep: async ({ sessions }) => await refuses(sessions.handOff({ input: 'x' })),
        beforeToolCall: async (_, { sessions }) => await refuses(sessions.handOff({ input: 'x' })),
        afterTurn: async (_, { sessions }) => await refuses(sessions.handOff({ input: 'x' })),
      }),
    ];
    const environment = home({ plugins });
    const model = modelFor({ go: [asks('x'), done] });
    const runtime = await openParent(environment, model, [toolNamed('x')], { clock: patientClock() });
    await runtime.turn('go').result;
    expect(codes).toEqual(['Unsupported', 'Unsupported', 'Unsupported', 'Unsupported']);
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(1);
    await runtime.close();
  });

  test('[CH6] a child session cannot: its parent would be left without an answer', async () => {
    const codes: string[] = [];
    const passes = childTool('pass', async (sessions) => {
      const handing = sessions.handOff({ input: 'go on' });
      codes.push(await handing.catch((error: unknown) => (error as LashError).code));
    });
    const environment = home();
    const model = modelFor({ go: [asks('ask'), done], task: [asks('pass'), says('the answer')] });
    const seen: ChildResult[] = [];
    const tools = [asksChild('task', { tools: ['pass'] }, seen), passes];
    const runtime = await openParent(environment, model, tools);
    await runtime.turn('go').result;
    expect(codes).toEqual(['Unsupported']);
    expect(seen).toMatchObject([{ reason: 'assistant_message', text: 'the answer' }]);
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(2);
    await runtime.close();
  });

  test('[CH6] a session that goes on for another one can, and is as deep', async () => {
    const environment = home();
    const model = modelFor({ go: [asks('pass')], 'go on': [asks('pass')] });
    const one = await openParent(environment, model, [pass]);
    const { successor = '' } = await one.turn('go').result;
    await one.close();
    const two = await openParent(environment, model, [pass], { sessionId: successor });
    await eventually(() => expect(two.view().lastTurn?.result.reason).toBe('handoff'));
    const metas = await storedMetas(environment.sessionStoreFactory);
    expect(metas.map(({ parent }) => parent?.depth ?? 0)).toEqual([0, 0, 0]);
    await two.close();
  });

  test('of two sessions that its calls made, the one stays that its end names', async () => {
    const environment = home();
    const runtime = await openParent(environment, modelFor({ go: [asks('pass', 'pass')] }), [pass]);
    const { successor } = await runtime.turn('go').result;
    const [, ...others] = await storedMetas(environment.sessionStoreFactory);
    expect(others.map(({ sessionId }) => sessionId)).toEqual([successor]);
    await runtime.close();
  });

  test('the session of a call that failed behind it goes, and the turn goes on', async () => {
    const fails = childTool('fails', async (sessions) => {
      await sessions.handOff({ input: 'go on' });
      throw new Error('after all not');
    });
    const environment = home();
    const runtime = await openParent(environment, modelFor({ go: [asks('fails'), done] }), [fails]);
    expect(await runtime.turn('go').result).toMatchObject({ reason: 'assistant_message' });
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(1);
    await runtime.close();
  });

  test('the session of a turn that is stopped before its end goes', async () => {
    const hangs = toolNamed('hangs', { execute: async () => await new Promise<never>(() => undefined) });
    const environment = home();
    const runtime = await openParent(environment, modelFor({ go: [asks('pass', 'hangs')] }), [pass, hangs]);
    const turn = runtime.turn('go');
    await eventually(async () => expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(2));
    await letRun();
    expect(await turn.cancel()).toMatchObject({ status: 'cancelled' });
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(1);
    await runtime.close();
  });

  test('[CH6] once: the same input again is the same session, and another one is refused and changes nothing', async () => {
    const outcomes: unknown[] = [];
    const passes = childTool('pass', async (sessions) => {
      for (const input of ['first', 'first', 'second'])
        outcomes.push(await sessions.handOff({ input }).catch((error: unknown) => (error as LashError).code));
    });
    const environment = home();
    const model = modelFor({ go: [asks('pass')], first: [says('here I am')] });
    const runtime = await openParent(environment, model, [passes]);
    const { successor = '' } = await runtime.turn('go').result;
    expect(outcomes).toEqual([successor, successor, 'OperationConflict']);
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(2);
    await runtime.close();
    const next = await openParent(environment, model, [], { sessionId: successor });
    await eventually(() => expect(next.view().lastTurn?.result.status).toBe('completed'));
    expect(model.asked()).toEqual(['go', 'first']);
    await next.close();
  });

  test('the session of a turn goes whose end could not be stored, and which ended otherwise', async () => {
    const origin = memory();
    let ends = 0;
    const commit: Faults['commit'] = async ({ turn }, proceed) => {
      if (turn?.kind === 'end' && ends++ === 0) throw new LashError('Internal', 'no such end', {});
      return await proceed();
    };
    const model = modelFor({ go: [asks('pass')] });
    const runtime = await openParent(home({ factory: faultyFactory({ commit }, origin) }), model, [pass]);
    expect(await runtime.turn('go').result).toMatchObject({ status: 'failed', reason: 'runtime_error' });
    expect(await storedMetas(origin)).toHaveLength(1);
    await runtime.close();
  });

  test('none goes before the end is stored that does not name it: the next tab may come to another end', async () => {
    const origin = memory();
    const recordsBehindPass = (): number => {
      const made = tab.writes.indexOf('publish');
      return made < 0 ? 0 : tab.writes.slice(made).filter((write) => write === 'record').length;
    };
    const tab = mortalTab(
      faultyFactory(
        {
          // What `last` came to cannot be recorded, so that the turn is to end as failed, but the tab dies first.
          record: async (_, proceed) => {
            if (recordsBehindPass() > 1) throw new LashError('Internal', 'no such record', {});
            await proceed();
          },
          commit: async ({ turn }, proceed) => {
            if (turn?.kind === 'end') await tab.kill();
            return tab.isDead() ? await new Promise(() => undefined) : await proceed();
          },
        },
        origin,
      ),
    );
    const last = childTool('last', async () => {
      await eventually(() => expect(recordsBehindPass()).toBeGreaterThan(0));
    });
    const hangs = childTool('hangs', async () => {
      await eventually(() => expect(tab.isDead()).toBe(true));
    });
    const tools = [pass, last, hangs];
    const model = modelFor({ go: [asks('pass', 'last', 'hangs')] });
    const one = await openParent(home({ factory: tab.factory }), model, tools);
    one.turn('go', { inputId: 't' });
    await tab.death;
    const two = await openParent(home({ factory: mortalTab(origin).factory }), model, tools);
    const { reason, successor } = await two.turn('go', { inputId: 't' }).result;
    expect(reason).toBe('handoff');
    const { items } = await origin.list({ parent: 's' });
    expect(items.map(({ sessionId }) => sessionId)).toEqual([successor]);
    await two.close();
  });
});
