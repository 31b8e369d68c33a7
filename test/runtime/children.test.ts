import { describe, expect, test } from 'vitest';

import type { ChildResult } from '../../src/contract/child-sessions.ts';
import type { HookContext } from '../../src/contract/plugin.ts';
import type { LashError } from '../../src/core/error.ts';
import { deleteSessions } from '../../src/runtime/delete-sessions.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
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
  USED,
} from './children-support.ts';
import { mortalTab } from './mortal.ts';
import { asks, done, eventsOf, plain, textsOf } from './plugin-support.ts';
import { call, finish, keepingSink, policy, text, toolNamed } from './support.ts';

const twice = { inputTokens: 20, outputTokens: 10, cachedInputTokens: 4, reasoningTokens: 2 };

describe('child sessions', () => {
  test('a tool gives a child a task, and its answer is the result of the call', async () => {
    const model = modelFor({ go: [asks('ask'), done], 'the task': [says('the answer')] });
    const seen: ChildResult[] = [];
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('the task', { source: 'helper' }, seen)]);
    const result = await runtime.turn('go').result;
    expect(result).toMatchObject({ status: 'completed', usage: twice });
    expect(seen[0]).toMatchObject({ text: 'the answer', status: 'completed', usage: USED });
    expect(model.asked()).toEqual(['go', 'the task', 'go']);
    const [, child] = await storedMetas(environment.sessionStoreFactory);
    expect(child?.parent).toEqual({ sessionId: 's', relation: 'child', source: 'helper', depth: 1 });
    await runtime.close();
  });

  test('what a child uses is counted in the ledger of its parent by source and model, and told with the result', async () => {
    const model = modelFor({ go: [asks('ask'), done], 'the task': [says('x')] });
    const runtime = await openParent(home(), model, [asksChild('the task', { source: 'helper' })]);
    const { children } = await runtime.turn('go').result;
    expect(children).toEqual([{ source: 'helper', model: 'fake-1', usage: USED }]);
    expect(runtime.usage().ledger).toEqual([
      { source: 'turn', model: 'fake-1', usage: twice },
      { source: 'helper', model: 'fake-1', usage: USED },
    ]);
    await runtime.close();
  });

  test('[flaw 38] what a grandchild uses is counted in the ledger of its grandparent too, as what it was', async () => {
    const model = modelFor({
      go: [asks('ask'), done],
      middle: [asks('dig'), done],
      deep: [says('found')],
    });
    const dig = childTool('dig', async (sessions) => {
      const child = await sessions.open({ key: 'one', source: 'digger' });
      return (await child.turn('deep')).text;
    });
    const environment = home();
    const runtime = await openParent(environment, model, [
      asksChild('middle', { source: 'helper', tools: ['dig'] }),
      dig,
    ]);
    const { children } = await runtime.turn('go').result;
    expect(children).toEqual([
      { source: 'helper', model: 'fake-1', usage: twice },
      { source: 'digger', model: 'fake-1', usage: USED },
    ]);
    expect(runtime.usage().ledger.map(({ source }) => source)).toEqual(['turn', 'helper', 'digger']);
    const depths = (await storedMetas(environment.sessionStoreFactory)).map(({ parent }) => parent?.depth);
    expect(depths).toEqual([undefined, 1, 2]);
    await runtime.close();
  });

  test('[CH1] the same key in one call is the same child, and another key another one', async () => {
    const ids: string[] = [];
    const tool = childTool('ask', async (sessions) => {
      for (const key of ['one', 'one', 'two']) ids.push((await sessions.open({ key })).sessionId);
    });
    const environment = home();
    const runtime = await openParent(environment, modelFor({ go: [asks('ask'), done] }), [tool]);
    await runtime.turn('go').result;
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(3);
    await runtime.close();
  });

  test('[CH1] after a crash the call finds its child, whose finished calls are not made again, and which is counted once', async () => {
    const origin = new InMemorySessionStoreFactory();
    const first = mortalTab(origin);
    const before = modelFor({
      go: [asks('ask')],
      task: [[call('c', 'step', '{}'), finish('tool-calls')], ['hang']],
    });
    const steps: string[] = [];
    const step = toolNamed('step', { execute: () => steps.push('step') });
    const tools = [asksChild('task', { tools: ['step'], source: 'helper' }), step];
    const one = await openParent(home({ factory: first.factory }), before, tools);
    one.turn('go', { inputId: 't' });
    await eventually(() => expect(before.asked().filter((asked) => asked === 'task')).toHaveLength(2));
    await first.kill();

    const after = modelFor({ go: [done], task: [says('late answer')] });
    const two = await openParent(home({ factory: mortalTab(origin).factory }), after, tools);
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    expect(steps).toEqual(['step']);
    expect(after.asked()).toEqual(['task', 'go']);
    expect(await storedMetas(origin)).toHaveLength(2);
    expect(two.usage().ledger).toEqual([
      { source: 'turn', model: 'fake-1', usage: twice },
      { source: 'helper', model: 'fake-1', usage: twice },
    ]);
    await two.close();
  });

  test('[CH1] a child that was deleted within its call is made anew where the call is made again', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tool = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      const { text: said } = await child.turn('task');
      await child.delete();
      if (said === 'first') await new Promise(() => undefined);
      return said;
    });
    const first = mortalTab(origin);
    const model = modelFor({ go: [asks('ask')], task: [says('first')] });
    const one = await openParent(home({ factory: first.factory }), model, [tool]);
    one.turn('go', { inputId: 't' });
    await eventually(async () => {
      expect(model.asked()).toContain('task');
      expect(await storedMetas(origin)).toHaveLength(1);
    });
    await first.kill();
    const after = modelFor({ go: [says('end')], task: [says('second')] });
    const two = await openParent(home({ factory: mortalTab(origin).factory }), after, [tool]);
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    expect(textsOf(two)).toContain('end');
    await two.close();
  });

  test('[CH2] a child may use the tools that it was given, and no others, whoever has them', async () => {
    const plugin = plain({ tools: [toolNamed('of-plugin')] });
    const model = modelFor({ go: [asks('ask'), done], task: [says('x')] });
    const tools = [asksChild('task', { tools: ['given'] }), toolNamed('given'), toolNamed('kept')];
    const runtime = await openParent(home({ plugins: [plugin] }), model, tools);
    await runtime.turn('go').result;
    const [ofParent, ofChild] = model.requests;
    expect(ofParent?.tools.map(({ name }) => name)).toEqual(['ask', 'given', 'kept', 'of-plugin']);
    expect(ofChild?.tools.map(({ name }) => name)).toEqual(['given']);
    await runtime.close();
  });

  test('[CH2] a child runs with the policy of its parent, but for what is asked', async () => {
    const model = modelFor({ go: [asks('ask'), done], task: [says('x')] });
    const request = { policy: { maxSteps: 2 } } as const;
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('task', request)], {
      policy: { ...policy, maxContextTokens: 50_000, maxSteps: 9 },
    });
    await runtime.turn('go').result;
    const [, child] = await storedMetas(environment.sessionStoreFactory);
    expect(child?.policy).toMatchObject({
      provider: policy.provider,
      maxContextTokens: 50_000,
      maxSteps: 2,
      tools: [],
    });
    await runtime.close();
  });

  test('[CH3] stopping the turn stops its children and theirs, and what they used by then counts', async () => {
    const model = modelFor({
      go: [asks('ask')],
      middle: [asks('dig')],
      deep: [[text('half'), 'hang']],
    });
    const dig = childTool('dig', async (sessions) => {
      const child = await sessions.open({ key: 'one', source: 'digger' });
      return (await child.turn('deep')).text;
    });
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('middle', { tools: ['dig'] }), dig]);
    const turn = runtime.turn('go');
    await eventually(() => expect(model.asked()).toEqual(['go', 'middle', 'deep']));
    const result = await turn.cancel('enough');
    expect(result.status).toBe('cancelled');
    expect(result.children).toEqual([{ source: 'child', model: 'fake-1', usage: USED }]);
    for (const { sessionId } of await storedMetas(environment.sessionStoreFactory)) {
      const store = await environment.sessionStoreFactory.open(sessionId, { kind: 'open' });
      expect(await store.turns.pending()).toEqual([]);
      await store.close();
    }
    await runtime.close();
  });

  test('[CH3] a child that a tool leaves running is stopped when its call is over', async () => {
    const model = modelFor({ go: [asks('ask'), done], task: [['hang']] });
    const outcomes: unknown[] = [];
    const tool = childTool('ask', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      child.turn('task').then(
        ({ status }) => outcomes.push(status),
        () => outcomes.push('rejected'),
      );
      await eventually(() => expect(model.asked()).toContain('task'));
    });
    const runtime = await openParent(home(), model, [tool]);
    expect(await runtime.turn('go').result).toMatchObject({ status: 'completed' });
    await eventually(() => expect(outcomes).toHaveLength(1));
    await runtime.close();
  });

  test('[CH3] a child whose turn is taken over by another tab is left as it is, and goes on there', async () => {
    const origin = new InMemorySessionStoreFactory();
    const before = modelFor({ go: [asks('ask')], task: [['hang']] });
    const tools = [asksChild('task')];
    const one = await openParent(home({ factory: mortalTab(origin).factory }), before, tools);
    one.turn('go', { inputId: 't' });
    await eventually(() => expect(before.asked()).toContain('task'));
    const after = modelFor({ go: [done], task: [says('from the other tab')] });
    const two = await openParent(home({ factory: mortalTab(origin).factory }), after, tools);
    await two.takeOver({ force: true });
    await eventually(() => expect(two.view().lastTurn?.result.status).toBe('completed'));
    expect(after.asked()).toEqual(['task', 'go']);
    await Promise.all([one.close(), two.close()]);
  });

  test('[CH4] children deeper than the limit are refused, and the turn goes on', async () => {
    const outcomes: string[] = [];
    const again = childTool('again', async (sessions) => {
      try {
        const child = await sessions.open({ key: 'one', tools: ['again'] });
        return (await child.turn('go')).text;
      } catch (error) {
        outcomes.push((error as { code: string }).code);
        throw error;
      }
    });
    const model = modelFor({ go: Array.from({ length: 3 }, () => asks('again')).concat([done, done, done]) });
    const runtime = await openParent(home({ limits: { childDepth: 2 } }), model, [again]);
    expect(await runtime.turn('go').result).toMatchObject({ status: 'completed' });
    expect(outcomes).toEqual(['ChildLimitReached']);
    await runtime.close();
  });

  test('[CH4] more open children than the limit are refused, and there is room again once one is closed', async () => {
    const codes: string[] = [];
    const tool = childTool('ask', async (sessions) => {
      const one = await sessions.open({ key: '1' });
      await sessions.open({ key: '2' });
      const refused = await sessions.open({ key: '3' }).catch((error: unknown) => (error as LashError).code);
      codes.push(refused as string);
      await one.close();
      await sessions.open({ key: '3' });
    });
    const runtime = await openParent(
      home({ limits: { openChildren: 2 } }),
      modelFor({ go: [asks('ask'), done] }),
      [tool],
    );
    expect(await runtime.turn('go').result).toMatchObject({ status: 'completed' });
    expect(codes).toEqual(['ChildLimitReached']);
    await runtime.close();
  });

  test('[CH5] deleting a session deletes its children and theirs', async () => {
    const model = modelFor({ go: [asks('ask'), done], middle: [asks('dig'), done], deep: [says('x')] });
    const dig = childTool(
      'dig',
      async (sessions) => (await (await sessions.open({ key: '1' })).turn('deep')).text,
    );
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('middle', { tools: ['dig'] }), dig]);
    await runtime.turn('go').result;
    await runtime.close();
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(3);
    await deleteSessions(environment, 's');
    expect(await storedMetas(environment.sessionStoreFactory)).toEqual([]);
  });

  test('a later call may delete a child that an earlier one left stored, with its own, and nothing else', async () => {
    const model = modelFor({
      go: [asks('ask'), done],
      middle: [asks('dig'), done],
      deep: [says('x')],
      tidy: [asks('tidy'), done],
    });
    const dig = childTool('dig', async (sessions) => {
      const child = await sessions.open({ key: 'one' });
      return (await child.turn('deep')).text;
    });
    const codes: unknown[] = [];
    const tidy = childTool('tidy', async (sessions) => {
      const { items } = await sessions.list();
      for (const sessionId of [...items.map((item) => item.sessionId), 's', 'other', 'nowhere'])
        await sessions.delete(sessionId).catch((error: unknown) => codes.push((error as LashError).code));
    });
    const environment = home();
    const other = await openParent(environment, model, [], { sessionId: 'other' });
    await other.close();
    const tools = [asksChild('middle', { tools: ['dig'] }), dig, tidy];
    const runtime = await openParent(environment, model, tools);
    await runtime.turn('go').result;
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(4);
    await runtime.turn('tidy').result;
    expect(codes).toEqual(['SessionNotFound', 'SessionNotFound', 'SessionNotFound']);
    const left = await storedMetas(environment.sessionStoreFactory);
    expect(left.map(({ sessionId }) => sessionId).toSorted()).toEqual(['other', 's']);
    await runtime.close();
  });

  test('[flaw 15] a child may begin with what was said so far, as a copy that changes nothing', async () => {
    const model = modelFor({ hello: [says('hi')], go: [asks('ask'), done], task: [says('x')] });
    const environment = home();
    const runtime = await openParent(environment, model, [asksChild('task', { start: { kind: 'path' } })]);
    await runtime.turn('hello').result;
    await runtime.turn('go').result;
    const ofChild = model.requests.at(-2);
    expect(ofChild?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'user']);
    expect(runtime.view().window.nodes).toHaveLength(6);
    expect(runtime.usage().ledger).toContainEqual({ source: 'child', model: 'fake-1', usage: USED });
    await runtime.close();
  });

  test('a child may begin with the path of another session', async () => {
    const model = modelFor({ hello: [says('hi')], go: [asks('ask'), done], task: [says('x')] });
    const environment = home();
    const other = await openParent(environment, model, [], { sessionId: 'other' });
    await other.turn('hello').result;
    await other.close();
    const start = { kind: 'session', sessionId: 'other' } as const;
    const runtime = await openParent(environment, model, [asksChild('task', { start })]);
    await runtime.turn('go').result;
    const ofChild = model.requests.at(-2);
    expect(ofChild?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    await runtime.close();
  });

  test('a start that is not there fails the call, names what is missing, and leaves nothing behind', async () => {
    const model = modelFor({ go: [asks('ask'), done] });
    const environment = home();
    const start = { kind: 'session', sessionId: 'nowhere' } as const;
    const runtime = await openParent(environment, model, [asksChild('task', { start })]);
    const events = eventsOf(runtime);
    await runtime.turn('go').result;
    const completed = events.find((event) => event.type === 'tool-completed');
    expect(completed).toMatchObject({ outcome: { status: 'failure', code: 'SessionNotFound' } });
    expect(await storedMetas(environment.sessionStoreFactory)).toHaveLength(1);
    await runtime.close();
  });

  test('a hook may ask children too, and what they use counts with its model call, or with the end of the turn', async () => {
    const asksAs = async (source: string, { sessions, sessionId }: HookContext<null>): Promise<void> => {
      if (sessionId !== 's') return;
      const child = await sessions.open({ key: 'one', source });
      await child.turn('task');
    };
    const plugin = plain({
      beforeStep: async (context) => await asksAs('before', context),
      afterTurn: async (_, context) => await asksAs('after', context),
    });
    const model = modelFor({ go: [done], task: [says('x'), says('y')] });
    // Hooks have their time, which the clock of the other tests does not give.
    const clock = patientClock();
    const runtime = await openParent(home({ plugins: [plugin] }), model, [], { clock });
    const { children } = await runtime.turn('go').result;
    const expected = ['before', 'after'].map((source) => ({ source, model: 'fake-1', usage: USED }));
    expect(children).toEqual(expected);
    expect(runtime.usage().ledger).toEqual([
      expected[0],
      { source: 'turn', model: 'fake-1', usage: USED },
      expected[1],
    ]);
    await runtime.close();
  });

  test('what a child does is traced as its own, and names its parent, and the call that asked', async () => {
    const sink = keepingSink();
    const model = modelFor({ go: [asks('ask'), done], task: [says('x')] });
    const runtime = await openParent(home({ sink }), model, [asksChild('task', { source: 'helper' })]);
    await runtime.turn('go').result;
    await runtime.close();
    const ofChild = sink.records.filter(({ context }) => context.session_id?.startsWith('child-') === true);
    expect(ofChild.map(({ type }) => type)).toContain('llm_call_completed');
    for (const { context } of ofChild)
      expect(context).toMatchObject({
        originating_tool_call_id: '0',
        metadata: { parent_session_id: 's', source: 'helper' },
      });
  });

  test('a tool shows how far it is, as data, and the running call has it', async () => {
    const model = modelFor({ go: [asks('slow'), done] });
    const seen: unknown[] = [];
    const slow = childTool('slow', async (_, { progress }) => {
      progress({ done: 1 });
      seen.push(runtime.view().turn?.toolCalls[0]?.progress);
      progress({ done: 2 });
      seen.push(runtime.view().turn?.toolCalls[0]?.progress);
    });
    const runtime: LashRuntime = await openParent(home(), model, [slow]);
    await runtime.turn('go').result;
    expect(seen).toEqual([{ done: 1 }, { done: 2 }]);
    await runtime.close();
  });

  test('what a turn may use at most includes what its children use', async () => {
    const model = modelFor({ go: [asks('ask')], task: [says('x')] });
    const runtime = await openParent(home(), model, [asksChild('task')], {
      policy: { ...policy, maxTokens: 25 },
    });
    expect(await runtime.turn('go').result).toMatchObject({ status: 'failed', reason: 'max_tokens' });
    await runtime.close();
  });
});

describe('handing the conversation on', () => {
  const handsOff = childTool(
    'pass',
    async (sessions) => await sessions.handOff({ title: 'Part two', input: 'go on here' }),
  );

  test('the turn ends once its calls are over, and names a session that has the first input in its queue', async () => {
    const model = modelFor({ go: [asks('pass')], 'go on here': [says('here I am')] });
    const environment = home();
    const runtime = await openParent(environment, model, [handsOff]);
    const result = await runtime.turn('go').result;
    expect(result).toMatchObject({ status: 'completed', reason: 'handoff' });
    const { successor = '' } = result;
    const { items } = await environment.sessionStoreFactory.list({ parent: null });
    expect(items.map(({ title, sessionId }) => [title, sessionId === successor])).toContainEqual([
      'Part two',
      true,
    ]);
    await runtime.close();
    const next = await openParent(environment, model, [], { sessionId: successor, mode: 'open' });
    await eventually(() => expect(next.view().lastTurn?.result.status).toBe('completed'));
    expect(textsOf(next)).toEqual(['go on here', 'here I am']);
    await next.close();
  });

  test('[flaw 25] a turn that is gone on with after a crash hands on to the same session', async () => {
    const origin = new InMemorySessionStoreFactory();
    for (let write = 0; ; write++) {
      const tab = mortalTab(origin, { write, when: 'after' });
      const sessionId = `s${write}`;
      await (await openParent(home({ factory: origin }), modelFor({}), [], { sessionId })).close();
      const play = { go: [asks('pass')] };
      const made = await openParent(home({ factory: mortalTab(origin).factory }), modelFor(play), [], {
        sessionId,
      });
      await made.close();
      const one = await openParent(home({ factory: tab.factory }), modelFor(play), [handsOff], { sessionId });
      const turn = one.turn('go', { inputId: 't' });
      await eventually(async () =>
        expect(tab.isDead() || (await Promise.race([turn.result, Promise.resolve(false)]))).toBeTruthy(),
      );
      if (!tab.isDead()) {
        await one.close();
        break;
      }
      const two = await openParent(home({ factory: mortalTab(origin).factory }), modelFor(play), [handsOff], {
        sessionId,
      });
      const found = await two.turn('go', { inputId: 't' }).result;
      expect(found.reason).toBe('handoff');
      const { items } = await origin.list({ parent: sessionId });
      expect(items.map((item) => item.sessionId)).toEqual([found.successor]);
      await two.close();
    }
  });
});
