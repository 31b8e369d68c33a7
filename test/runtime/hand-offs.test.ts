import { describe, expect, test } from 'vitest';

import type { ChildResult } from '../../src/contract/child-sessions.ts';
import type { LashError } from '../../src/core/error.ts';
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
import { asks, done, letRun, plain, until } from './plugin-support.ts';
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
    await until(() => expect(two.view().lastTurn?.result.reason).toBe('handoff'));
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
    await until(async () => expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(2));
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
    await until(() => expect(next.view().lastTurn?.result.status).toBe('completed'));
    expect(model.asked()).toEqual(['go', 'first']);
    await next.close();
  });
});
