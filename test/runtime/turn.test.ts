import { describe, expect, it } from 'vitest';

import type { Tool } from '../../src/contract/tool.ts';
import { LashError } from '../../src/core/error.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { messageText } from '../../src/core/message.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { LINGER_MS } from '../../src/runtime/tabs/writer-seat.ts';
import { call, finish, instantClock, openWith, plays, policy, text } from './support.ts';

const shape = (nodes: readonly SessionNode[]): string[] =>
  nodes.map(({ body }) =>
    body.kind === 'conversation'
      ? `${body.message.role}: ${messageText(body.message)}`
      : body.kind === 'tool'
        ? `tool ${body.invocation.callId}: ${body.invocation.outcome.status}`
        : 'plugin',
  );

function tool(
  name: string,
  execute: (args: unknown, signal: AbortSignal) => JsonValue | Promise<JsonValue>,
): Tool {
  return {
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (args) =>
      typeof args === 'object' && args !== null && !('bad' in args)
        ? { ok: true, value: args }
        : { ok: false, path: '$.bad', reason: 'is not allowed' },
    execute: (args, { signal }) => execute(args, signal),
  };
}

describe('a turn', () => {
  it('[TU6] streams prose, commits question and answer, and ends with one terminal event', async () => {
    const { runtime, events } = await openWith(plays([text('Hel'), text('lo'), finish()]));
    const result = await runtime.turn('hi').result;
    expect(result).toMatchObject({ status: 'completed', reason: 'assistant_message' });
    expect(shape(runtime.view().window.nodes)).toEqual(['user: hi', 'assistant: Hello']);
    expect(result.leaf).toBe(runtime.view().head.leaf);
    expect(events.filter((event) => event.type === 'turn-finished')).toHaveLength(1);
    expect(events.at(-1)?.type).toBe('turn-finished');
    expect(runtime.usage().total.inputTokens).toBe(10);
  });

  it('[ST14] stores the question before the model is called', async () => {
    const provider = plays(['hang']);
    const { runtime } = await openWith(provider);
    const turn = runtime.turn('hi');
    await turn.accepted;
    expect(shape(runtime.view().window.nodes)).toEqual(['user: hi']);
    await turn.cancel();
    await runtime.close();
  });

  it('[TU9] runs the calls of one step in parallel and keeps their results in call order', async () => {
    const order: string[] = [];
    let releaseA: () => void = () => undefined;
    const aRuns = new Promise<void>((resolve) => (releaseA = resolve));
    const tools = [
      tool('a', async () => {
        await aRuns;
        order.push('a');
        return 'A';
      }),
      tool('b', () => {
        order.push('b');
        releaseA();
        return { b: 1 };
      }),
    ];
    const provider = plays(
      [text('let me see'), call('1', 'a', '{}'), call('2', 'b', '{}'), finish('tool-calls')],
      [text('done'), finish()],
    );
    const { runtime } = await openWith(provider, { tools });
    await runtime.turn('go').result;
    expect(order).toEqual(['b', 'a']);
    expect(shape(runtime.view().window.nodes)).toEqual([
      'user: go',
      'assistant: let me see',
      'tool 1: success',
      'tool 2: success',
      'assistant: done',
    ]);
    expect(provider.requests[1]?.messages.at(-1)).toEqual({
      role: 'tool',
      parts: [
        { type: 'tool-result', callId: '1', tool: 'a', status: 'success', content: 'A' },
        { type: 'tool-result', callId: '2', tool: 'b', status: 'success', content: '{"b":1}' },
      ],
    });
  });

  it('[TU9] tells the model of a bad call: wrong arguments, no JSON, an unknown tool, a tool that throws', async () => {
    const tools = [
      tool('ok', () => 1),
      tool('breaks', () => {
        throw new Error('out of order');
      }),
      tool('odd', () => (() => 1) as unknown as JsonValue),
    ];
    const provider = plays(
      [
        call('1', 'ok', '{"bad":1}'),
        call('2', 'ok', '{nonsense'),
        call('3', 'missing', '{}'),
        call('4', 'breaks', '{}'),
        call('5', 'odd', '{}'),
        finish('tool-calls'),
      ],
      [text('I see'), finish()],
    );
    const { runtime } = await openWith(provider, { tools });
    const result = await runtime.turn('go').result;
    expect(result.status).toBe('completed');
    const codes = runtime
      .view()
      .window.nodes.flatMap(({ body }) =>
        body.kind === 'tool' && body.invocation.outcome.status === 'failure'
          ? [body.invocation.outcome.code]
          : [],
      );
    expect(codes).toEqual([
      'InvalidToolArguments',
      'InvalidToolArguments',
      'ToolNotFound',
      'ToolFailed',
      'ToolFailed',
    ]);
  });

  it('[TU5] a stop commits the text so far as a cancelled answer, which the next prompt contains', async () => {
    const provider = plays([text('I was say'), 'hang'], [text('ing more'), finish()]);
    const { runtime } = await openWith(provider);
    const turn = runtime.turn('hi');
    for await (const activity of turn) if (activity.type === 'text-delta') void turn.cancel('enough');
    expect(await turn.result).toMatchObject({ status: 'cancelled' });
    const last = runtime.view().window.nodes.at(-1);
    expect(last?.body).toMatchObject({ message: { status: 'cancelled', parts: [{ text: 'I was say' }] } });
    await runtime.turn(null).result;
    expect(JSON.stringify(provider.requests[1]?.messages)).toContain('I was say');
  });

  it('[TU5] a provider that ignores the stop does not hold the turn', async () => {
    const deaf = {
      model: 'deaf',
      async *stream() {
        yield text('half');
        await new Promise(() => undefined);
      },
    };
    const { runtime } = await openWith(deaf);
    const turn = runtime.turn('hi');
    for await (const activity of turn) if (activity.type === 'text-delta') void turn.cancel();
    expect((await turn.result).status).toBe('cancelled');
  });

  it('[TU5] a stop during tools records what was cancelled and makes no further call', async () => {
    const provider = plays([call('1', 'slow', '{}'), finish('tool-calls')]);
    const slow = tool('slow', async () => await new Promise<JsonValue>(() => undefined));
    const { runtime } = await openWith(provider, { tools: [slow] });
    const turn = runtime.turn('go');
    for await (const activity of turn) if (activity.type === 'tool-started') void turn.cancel();
    expect(shape(runtime.view().window.nodes)).toEqual(['user: go', 'assistant: ', 'tool 1: cancelled']);
    expect((await turn.result).status).toBe('cancelled');
  });

  it('[TU5] a cancel that comes too late learns that the turn was completed', async () => {
    const { runtime } = await openWith(plays([text('hello'), finish()]));
    const turn = runtime.turn('hi');
    await turn.result;
    expect((await turn.cancel()).status).toBe('completed');
  });

  it('[TU7] a failed attempt withdraws its text and is made again after the wish of the server', async () => {
    const clock = instantClock();
    const limited = new LashError('ProviderRateLimited', 'slow down', { status: 429, retryAfterMs: 4000 });
    const { runtime, events } = await openWith(plays([text('wro'), limited], [text('right'), finish()]), {
      clock,
    });
    const result = await runtime.turn('hi').result;
    expect(result.status).toBe('completed');
    const waited = clock.waits.find((ms) => ms !== LINGER_MS && ms > 1000);
    expect(waited).toBeCloseTo(4000, -1);
    const withdrawn = events.findIndex((event) => event.type === 'attempt-withdrawn');
    const delta = events.findIndex((event) => event.type === 'text-delta');
    expect(withdrawn).toBeGreaterThan(delta);
    expect(shape(runtime.view().window.nodes)).toEqual(['user: hi', 'assistant: right']);
  });

  const failures: [string, Error | null, string][] = [
    ['a 401', new LashError('ProviderUnauthorized', 'bad key', { status: 401 }), 'ProviderUnauthorized'],
    ['a 429', new LashError('ProviderRateLimited', 'slow down', { status: 429 }), 'ProviderRateLimited'],
    ['a 500', new LashError('ProviderUnavailable', 'broken', { status: 500 }), 'ProviderUnavailable'],
    ['rubbish', new LashError('ProviderStreamInvalid', 'not SSE', {}), 'ProviderStreamInvalid'],
    ['a stream that ends early', null, 'ProviderStreamInterrupted'],
  ];
  it.each(failures)(
    '[TU6] %s fails the turn with its code, and history keeps the question alone',
    async (_, error, code) => {
      const script = error === null ? [text('half an ans')] : [text('half'), error];
      const { runtime, events } = await openWith(plays(script, script, script, script));
      const result = await runtime.turn('hi').result;
      expect(result).toMatchObject({ status: 'failed', reason: 'provider_error', error: { code } });
      expect(shape(runtime.view().window.nodes)).toEqual(['user: hi']);
      expect(runtime.view().turn).toBeNull();
      expect(events.filter((event) => event.type === 'turn-finished')).toHaveLength(1);
    },
  );

  it('[TU6] nothing at all is ProviderEmptyResponse', async () => {
    const { runtime } = await openWith(plays([finish()], [finish()], [finish()], [finish()]));
    expect((await runtime.turn('hi').result).error?.code).toBe('ProviderEmptyResponse');
    expect(runtime.usage().total.outputTokens).toBe(20);
  });

  it('[TU6] an unknown provider fails the turn and keeps the question', async () => {
    const { runtime } = await openWith(plays());
    await runtime.setPolicy({ provider: { id: 'nobody', model: 'x' } });
    expect((await runtime.turn('hi').result).error?.code).toBe('ProviderNotFound');
    expect(shape(runtime.view().window.nodes)).toEqual(['user: hi']);
  });

  it('[TU2] an edit makes a sibling, a regeneration another answer, and both branches stay', async () => {
    const provider = plays([text('one'), finish()], [text('two'), finish()], [text('three'), finish()]);
    const { runtime } = await openWith(provider);
    await runtime.turn('first').result;
    const question = runtime.view().window.nodes[0]?.id ?? '';
    const firstLeaf = runtime.view().head.leaf;
    await runtime.turn('edited', { from: null }).result;
    expect(shape(runtime.view().window.nodes)).toEqual(['user: edited', 'assistant: two']);
    const edited = runtime.view().window.nodes[0]?.id ?? '';
    expect(runtime.view().branches[edited]?.siblings.map(({ nodeId }) => nodeId)).toEqual([question, edited]);
    await runtime.turn(null, { from: edited }).result;
    expect(shape(runtime.view().window.nodes)).toEqual(['user: edited', 'assistant: three']);
    const tip = runtime.view().branches[edited]?.siblings[0]?.tip ?? '';
    expect(tip).toBe(firstLeaf);
    await runtime.branchToNode(tip);
    expect(shape(runtime.view().window.nodes)).toEqual(['user: first', 'assistant: one']);
  });

  it('[TU9] makes no more model calls than the limit and says so', async () => {
    const again = [call('1', 'ok', '{}'), finish('tool-calls')];
    const { runtime } = await openWith(plays(again, again, again), {
      tools: [tool('ok', () => 1)],
      policy: { ...policy, maxSteps: 2 },
    });
    expect(await runtime.turn('go').result).toMatchObject({
      status: 'failed',
      reason: 'max_turns',
      error: { code: 'TurnLimitReached', data: { limit: 'steps', max: 2 } },
    });
  });

  it('refuses a second turn, and a branch, while one runs', async () => {
    const { runtime } = await openWith(plays(['hang']));
    const turn = runtime.turn('hi');
    await expect(runtime.turn('and').result).rejects.toMatchObject({ code: 'TurnRunning' });
    await expect(runtime.branchToNode(null)).rejects.toMatchObject({ code: 'TurnRunning' });
    await turn.cancel();
    await runtime.branchToNode(null);
  });

  it('refuses input that cannot be meant and changes nothing', async () => {
    const { runtime } = await openWith(plays());
    const code = (code: string): object => ({ code });
    await expect(runtime.turn('').result).rejects.toMatchObject(code('InvalidInput'));
    await expect(runtime.turn(null).result).rejects.toMatchObject(code('InvalidInput'));
    await expect(runtime.turn('x', { from: 'nowhere.0' }).result).rejects.toMatchObject(code('NodeNotFound'));
    const bad = { parts: [{ type: 'text', text: (() => 1) as unknown as string } as const] };
    await expect(runtime.turn(bad).result).rejects.toMatchObject(code('NotData'));
    expect(runtime.view().head.revision).toBe(0);
  });
});
