import { describe, expect, test } from 'vitest';

import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import { AgentProgress } from '../../src/plugins/internal/agent-progress.ts';
import type { AgentStatus, SubagentsOptions } from '../../src/plugins/subagents.ts';
import { subagents } from '../../src/plugins/subagents.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { modelFor } from '../runtime/children-support.ts';
import { done, eventsOf } from '../runtime/plugin-support.ts';
import { clockOfItsOwn } from '../runtime/stores.ts';
import {
  call,
  finish,
  memoryEnvironment,
  type Play,
  policy,
  questionIn,
  text,
  toolNamed,
} from '../runtime/support.ts';
import { eventually } from '../support/eventually.ts';

const says = (value: string): Play => [text(value), finish()];
const spawns = (...tasks: readonly string[]): Play => [
  ...tasks.map((task, at) => call(`c${at}`, 'spawn_agent', JSON.stringify({ agent: 'helper', task }))),
  finish('tool-calls'),
];
const helper = { description: 'helps', tools: ['given'] };

async function open(
  model: ReturnType<typeof modelFor>,
  options: Partial<SubagentsOptions> = {},
  tools: readonly Tool[] = [],
): Promise<LashRuntime> {
  const host = new PluginHost([subagents({ agents: { helper }, ...options })]);
  return await LashRuntime.open(
    memoryEnvironment((builder) => builder.withPluginHost(host)),
    {
      sessionId: 's',
      mode: 'create',
      policy,
      clock: clockOfItsOwn(),
      providers: { fake: model },
      tools: [toolNamed('given'), toolNamed('kept'), ...tools],
    },
  );
}

/** How the calls of `spawn_agent` ended. */
async function outcomesOf(
  model: ReturnType<typeof modelFor>,
  options: Partial<SubagentsOptions> = {},
): Promise<readonly ToolOutcome[]> {
  const runtime = await open(model, options);
  const events = eventsOf(runtime);
  await runtime.turn('go').result;
  await runtime.close();
  return events.flatMap((event) => (event.type === 'tool-completed' ? [event.outcome] : []));
}

test('progress of other tools that looks like that of an agent is none', () => {
  const shown: AgentStatus[] = [];
  const { hear } = new AgentProgress('helper', 'child', (status) => shown.push(status));
  hear({ type: 'tool-progress', turnId: 't', callId: 'c', progress: { agent: 'smith' } });
  expect(shown.at(-1)?.waits).toEqual([]);
});

describe('subagents', () => {
  test('an agent answers a task, with the tools and the instructions that it was given', async () => {
    const model = modelFor({ go: [spawns('count'), done], count: [says('three')] });
    const agents = { helper: { ...helper, instructions: 'Be short.' } };
    expect(await outcomesOf(model, { agents })).toEqual([{ status: 'success', value: 'three' }]);
    const [, ofAgent] = model.requests;
    expect(ofAgent?.tools.map(({ name }) => name)).toEqual(['given']);
    expect(ofAgent?.system).toContain('Be short.');
  });

  test('agents that are asked for together work at the same time, and as many as may; the others follow', async () => {
    let now = 0;
    let most = 0;
    const two = new Deferred<void>();
    const model = modelFor({
      go: [spawns('a', 'b', 'c'), done],
      a: [says('1')],
      b: [says('2')],
      c: [says('3')],
    });
    const counted = {
      ...model,
      async *stream(...asked: Parameters<typeof model.stream>) {
        const [request] = asked;
        const isAgent = questionIn(request) !== 'go';
        if (isAgent) most = Math.max(most, ++now);
        if (now === 2) two.resolve();
        try {
          if (isAgent) await two.promise;
          // Time for one too many.
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield* model.stream(...asked);
        } finally {
          if (isAgent) now--;
        }
      },
    };
    const outcomes = await outcomesOf(counted, { maxParallel: 2 });
    expect(new Set(outcomes.map((outcome) => outcome.status === 'success' && outcome.value))).toEqual(
      new Set(['1', '2', '3']),
    );
    expect(most).toBe(2);
  });

  test('an agent that fails is a failure that the model sees, with its name, its session and why', async () => {
    const model = modelFor({ go: [spawns('fail'), done], fail: [[new Error('no such luck')]] });
    const [outcome] = await outcomesOf(model);
    expect(outcome).toMatchObject({
      status: 'failure',
      code: 'ToolFailed',
      data: { agent: 'helper', reason: 'provider_error' },
    });
  });

  test('stopping the turn stops its agents, those that wait for room too', async () => {
    const model = modelFor({ go: [spawns('a', 'b')], a: [['hang']], b: [['hang']] });
    const runtime = await open(model, { maxParallel: 1 });
    const turn = runtime.turn('go');
    await eventually(() => expect(model.asked()).toContain('a'));
    expect((await turn.cancel()).status).toBe('cancelled');
    expect(model.asked()).not.toContain('b');
    await runtime.close();
  });

  test('a call shows its agent at work: the end of what it says, what it runs, how many steps', async () => {
    const model = modelFor({
      go: [spawns('work'), done],
      work: [[call('x', 'given', '{}'), finish('tool-calls')], says('word '.repeat(200))],
    });
    const runtime = await open(model);
    const events = eventsOf(runtime);
    await runtime.turn('go').result;
    const seen = events.flatMap((event) =>
      event.type === 'tool-progress' ? [event.progress as unknown as AgentStatus] : [],
    );
    expect(seen[0]).toMatchObject({ agent: 'helper', steps: 0, text: '' });
    expect(seen.some(({ running }) => running.includes('given'))).toBe(true);
    expect(seen.at(-1)?.steps).toBe(2);
    expect(seen.at(-1)?.text).toHaveLength(400);
    await runtime.close();
  });

  test('[TU11] what an agent, or an agent of its own, asks is answered in the session where it is seen', async () => {
    const agents = { helper: { description: 'helps', tools: ['spawn_agent', 'asks'] } };
    const model = modelFor({
      go: [spawns('middle'), done],
      middle: [spawns('deep'), done],
      deep: [[call('x', 'asks', '{}'), finish('tool-calls')], says('allowed')],
    });
    const ran: string[] = [];
    const asks = toolNamed('asks', { approval: true, execute: () => ran.push('asks') });
    const runtime = await open(model, { agents }, [asks]);
    const turn = runtime.turn('go');
    const waits = await eventually(() => {
      const progress = runtime.view().turn?.toolCalls[0]?.progress as unknown as AgentStatus | undefined;
      expect(progress?.waits).toMatchObject([{ kind: 'approval', tool: 'asks' }]);
      return progress?.waits ?? [];
    });
    const [wait] = waits;
    if (wait?.kind !== 'approval') throw new Error('nobody asks');
    expect(ran).toEqual([]);
    await runtime.answer(wait.requestId, { approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(ran).toEqual(['asks']);
    await runtime.close();
  });

  test('agents deeper than the environment allows are refused, and whoever asked goes on', async () => {
    const agents = { helper: { description: 'helps', tools: ['spawn_agent'] } };
    const again = Array.from({ length: 5 }, () => spawns('go'));
    const model = modelFor({ go: [...again, done, done, done, done, done] });
    const runtime = await open(model, { agents });
    const events = eventsOf(runtime);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(model.requests).toHaveLength(10);
    expect(events.filter(({ type }) => type === 'tool-completed')).toHaveLength(1);
    await runtime.close();
  });

  const bad: readonly (readonly [args: JsonValue, path: string])[] = [
    [{}, '$.agent'],
    [{ agent: 'nobody', task: 'x' }, '$.agent'],
    [{ agent: 'helper' }, '$.task'],
    [{ agent: 'helper', task: ' ' }, '$.task'],
    [[], '$'],
  ];
  test.for(bad)('[TU9] %j is refused at %s', ([args, path]) => {
    const plugin = subagents({ agents: { helper } });
    const hooks = plugin.build?.({
      sessionId: 's',
      backgroundTasksAvailable: false,
      state: { get: () => null, set: () => undefined },
    });
    const [tool] = (hooks?.tools ?? []) as readonly Tool[];
    expect(tool?.check(args)).toMatchObject({ ok: false, path });
  });

  test('no agents, and a number of parallel ones that is none, are refused', () => {
    expect(() => subagents({ agents: {} })).toThrow('subagents: agents has none');
    expect(() => subagents({ agents: { helper }, maxParallel: 0 })).toThrow('maxParallel is no whole number');
  });
});
