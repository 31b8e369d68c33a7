import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import type { Tool } from '../../src/contract/tool.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import type { TurnInput, TurnRequest } from '../../src/core/turn-input.ts';
import { Deferred } from '../../src/runtime/deferred.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { defineTool } from '../../src/worker/define-tool.ts';
import { eventually } from '../support/eventually.ts';
import { numberPair } from './number-pair.ts';
import { call, finish, instantClock, openWith, type Play, plays, policy, text } from './support.ts';

const done: Play = [text('done'), finish()];
const asks = (args: string, name = 'tool'): Play => [call('c', name, args), finish('tool-calls')];

/** A tool that takes anything. */
function tool(execute: Tool['execute'], more: Partial<Tool> = {}): Tool {
  return {
    name: 'tool',
    description: 'A tool.',
    inputSchema: { type: 'object' },
    check: (value) => ({ ok: true, value }),
    execute,
    ...more,
  };
}

const outcomes = (runtime: LashRuntime): readonly ToolOutcome[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

/** Whoever did something wrong can go on: another turn is answered, and nothing is left of the bad one. */
async function expectGoesOn(runtime: LashRuntime): Promise<void> {
  expect(await runtime.pendingTurns()).toEqual([]);
  expect((await runtime.turn('and now?').result).status).toBe('completed');
  expect(runtime.view().turn).toBeNull();
}

/** The outcome of one call of `used`, in a session that goes on afterwards. The model was told what `code` says. */
async function outcomeOf(used: Tool, args = '{}'): Promise<ToolOutcome | undefined> {
  const provider = plays(asks(args), done, done);
  const { runtime } = await openWith(provider, { tools: [used] });
  expect((await runtime.turn('go').result).status).toBe('completed');
  const [outcome] = outcomes(runtime);
  const code = outcome?.status === 'failure' ? outcome.code : '';
  expect(JSON.stringify(provider.requests[1]?.messages)).toContain(code);
  await expectGoesOn(runtime);
  return outcome;
}

describe('wrong input shapes', () => {
  const cases: readonly (readonly [string, unknown, unknown, string])[] = [
    ['an empty text', '', {}, 'InvalidInput'],
    ['no parts', { parts: [] }, {}, 'InvalidInput'],
    ['null where nothing is to be answered', null, {}, 'InvalidInput'],
    ['a function', { parts: [{ type: 'text', text: () => 1 }] }, {}, 'NotData'],
    ['a date in the options', 'x', { answer: { schema: { when: new Date(0) } } }, 'NotData'],
    ['an unknown node', 'x', { from: 'nothing.0' }, 'NodeNotFound'],
    [
      'an image that is not stored',
      { parts: [{ type: 'image', attachment: { id: 'f'.repeat(64), mime: 'image/png', byteLength: 1 } }] },
      {},
      'AttachmentNotFound',
    ],
    ['an id that is too long', 'x', { inputId: 'x'.repeat(101) }, 'InvalidInput'],
  ];
  it.each(cases)('[TU9] %s is refused, and the session goes on', async (_what, input, options, code) => {
    const { runtime } = await openWith(plays(done));
    const turn = runtime.turn(input as TurnInput, options as TurnRequest);
    await expect(turn.result).rejects.toMatchObject({ code });
    expect(runtime.view().head.revision).toBe(0);
    await expectGoesOn(runtime);
  });
});

describe('what a model asks for', () => {
  it('[TU9] that is an unknown tool is ToolNotFound, and the session goes on', async () => {
    const provider = plays(asks('{}', 'nothing'), done, done);
    const { runtime } = await openWith(provider);
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(outcomes(runtime)).toMatchObject([{ status: 'failure', code: 'ToolNotFound' }]);
    await expectGoesOn(runtime);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{broken'],
    ['half a string', '{"a":"'],
    ['text', '"one and two"'],
    ['a number', '5'],
    ['null', 'null'],
    ['true', 'true'],
    ['a list', '[1,2]'],
    ['an object without what is needed', '{"a":1}'],
    ['a value of another kind', '{"a":"1","b":2}'],
    ['a number that is too large for one', '{"a":1e999,"b":2}'],
    ['nesting without an end', `{"a":${'['.repeat(100)}${']'.repeat(100)},"b":2}`],
    ['a key that could reach a prototype', '{"__proto__":{"a":1,"b":2}}'],
  ])('[TU9] with %s for arguments is InvalidToolArguments, and the session goes on', async (_what, args) => {
    let runs = 0;
    const add = defineTool({ name: 'tool', description: 'Adds.', input: numberPair, execute: () => ++runs });
    expect(await outcomeOf(add, args)).toMatchObject({
      status: 'failure',
      class: 'invalid-request',
      code: 'InvalidToolArguments',
    });
    expect(runs).toBe(0);
  });

  it('[TU9] with an answer that a check throws at is told, and the session goes on', async () => {
    const broken = tool(() => 1, {
      check: () => {
        throw new TypeError('the check is broken');
      },
    });
    expect(await outcomeOf(broken)).toMatchObject({ code: 'ToolFailed', message: 'the check is broken' });
  });
});

describe('what a tool returns', () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  it.each([
    ['a function', () => 1, '$'],
    ['a date', { when: new Date(0) }, '$.when'],
    ['not a number', [Number.NaN], '$[0]'],
    ['infinity', { most: Infinity }, '$.most'],
    ['a big integer', 1n, '$'],
    ['a symbol', Symbol('s'), '$'],
    ['a map', new Map([[1, 2]]), '$'],
    ['bytes', new Uint8Array(3), '$'],
    ['a cycle', cycle, '$'],
    ['an error', new Error('returned'), '$'],
  ])('[TL2] that is %s is ToolFailed, and the session goes on', async (_what, value, path) => {
    const outcome = await outcomeOf(tool(() => value as JsonValue));
    expect(outcome).toMatchObject({ status: 'failure', code: 'ToolFailed' });
    expect(outcome?.status === 'failure' && outcome.message).toContain(path);
  });

  it('[TL2] that is nothing is null, and the session goes on', async () => {
    expect(await outcomeOf(tool(() => undefined as unknown as JsonValue))).toEqual({
      status: 'success',
      value: null,
    });
  });

  it('[TL9] that has 50 MB lies in an attachment, and the session goes on', async () => {
    const outcome = await outcomeOf(tool(() => 'x'.repeat(50 * 1024 * 1024)));
    expect(outcome).toMatchObject({
      status: 'success',
      value: null,
      overflow: { byteLength: 50 * 1024 * 1024 + 2 },
    });
  });

  it('[TL2] twice counts once, and the session goes on', async () => {
    const twice = tool(
      () =>
        ({
          // oxlint-disable-next-line unicorn/no-thenable -- what a tool must not do
          then: (resolve: (value: JsonValue) => void, reject: (error: Error) => void) => {
            resolve('first');
            resolve('second');
            reject(new Error('third'));
          },
        }) as unknown as Promise<JsonValue>,
    );
    expect(await outcomeOf(twice)).toEqual({ status: 'success', value: 'first' });
  });

  it('[TL2] and changes later does not change history', async () => {
    const mine = { list: [1] };
    const outcome = await outcomeOf(
      tool(() => {
        setTimeout(() => mine.list.push(2), 0);
        return mine;
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(outcome).toEqual({ status: 'success', value: { list: [1] } });
  });
});

describe('a tool that', () => {
  const thrown: readonly (readonly [string, unknown, string])[] = [
    ['an error', new Error('out of order'), 'out of order'],
    ['a string', 'just words', 'just words'],
    ['a number', 7, '7'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
    ['an object', { code: 'StorageFull' }, 'an object that is no error'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a function', () => 1, '1'],
  ];
  it.each(thrown)('[TL2] throws %s is ToolFailed, and the session goes on', async (_what, value, said) => {
    const outcome = await outcomeOf(
      tool(() => {
        throw value;
      }),
    );
    expect(outcome).toMatchObject({ status: 'failure', class: 'execution', code: 'ToolFailed' });
    expect(outcome?.status === 'failure' && outcome.message).toContain(said);
  });

  it('[TL6] never returns is ToolTimeout where it has a limit, and the session goes on', async () => {
    const endless = tool(() => new Promise<never>(() => undefined), { timeoutMs: 5 });
    expect(await outcomeOf(endless)).toMatchObject({ code: 'ToolTimeout', class: 'timeout' });
  });

  it('[TU5] never returns is cancelled with its turn, and the session goes on', async () => {
    const endless = tool(() => new Promise<never>(() => undefined));
    const { runtime } = await openWith(plays(asks('{}'), done), { tools: [endless] });
    const turn = runtime.turn('go');
    await eventually(() => expect(runtime.view().turn?.toolCalls).toHaveLength(1));
    expect((await turn.cancel('enough')).status).toBe('cancelled');
    expect(outcomes(runtime)).toEqual([{ status: 'cancelled', message: 'Stopped: enough' }]);
    await expectGoesOn(runtime);
  });
});

describe('a tool whose check or approval never answers', () => {
  const DAY_MS = 86_400_000;
  const hanging: readonly (readonly [string, (entered: () => void) => Partial<Tool>])[] = [
    ['check', (entered) => ({ check: never(entered) })],
    ['approval', (entered) => ({ approval: never(entered) })],
  ];
  function never(entered: () => void): () => Promise<never> {
    return async () => {
      entered();
      return await new Promise(() => undefined);
    };
  }
  it.each(hanging)('[TU5] (%s) is cancelled with its turn, and the session goes on', async (_what, part) => {
    let ran = 0;
    const entered = new Deferred<void>();
    const endless = tool(
      () => ++ran,
      part(() => entered.resolve()),
    );
    const { runtime } = await openWith(plays(asks('{}'), done), { tools: [endless] });
    const turn = runtime.turn('go');
    await entered.promise;
    expect((await turn.cancel('enough')).status).toBe('cancelled');
    expect(outcomes(runtime)).toEqual([{ status: 'cancelled', message: 'Stopped: enough' }]);
    expect(ran).toBe(0);
    await expectGoesOn(runtime);
  });

  it.each(hanging)('[TU5] (%s) does not keep its session from being closed', async (_what, part) => {
    const entered = new Deferred<void>();
    const endless = tool(
      () => 1,
      part(() => entered.resolve()),
    );
    const { runtime } = await openWith(plays(asks('{}')), { tools: [endless] });
    const turn = runtime.turn('go');
    await entered.promise;
    await runtime.close();
    expect((await turn.result).status).toBe('cancelled');
  });

  it.each(hanging)('[TU6] (%s) ends with the time that its turn has', async (_what, part) => {
    const entered = new Deferred<void>();
    const endless = tool(
      () => 1,
      part(() => entered.resolve()),
    );
    const { runtime } = await openWith(plays(asks('{}'), done), {
      tools: [endless],
      policy: { ...policy, maxTurnMs: DAY_MS },
      // Its time is over once the tool was asked.
      clock: {
        ...systemClock,
        sleep: async (ms, signal) =>
          ms > DAY_MS / 2 ? await entered.promise : await systemClock.sleep(ms, signal),
      },
    });
    expect(await runtime.turn('go').result).toMatchObject({ reason: 'max_time' });
    expect(outcomes(runtime)).toMatchObject([{ status: 'cancelled' }]);
    await runtime.close();
  });

  it('[TL6] is ToolTimeout where the tool has a limit, and the session goes on', async () => {
    const endless = tool(() => 1, { timeoutMs: 5, check: never(() => undefined) });
    expect(await outcomeOf(endless)).toMatchObject({ code: 'ToolTimeout', class: 'timeout' });
  });

  it('[TL4][TL6] asks where the tool has a limit, as one that throws does', async () => {
    const endless = tool(() => 'ran', { timeoutMs: 5, approval: never(() => undefined) });
    const { runtime } = await openWith(plays(asks('{}'), done, done), { tools: [endless] });
    const turn = runtime.turn('go', { inputId: 't' });
    await eventually(() => expect(runtime.view().turn?.waits).toMatchObject([{ kind: 'approval' }]));
    await runtime.answer('t/tool-0-0', { approve: true });
    expect((await turn.result).status).toBe('completed');
    expect(outcomes(runtime)).toEqual([{ status: 'success', value: 'ran' }]);
    await expectGoesOn(runtime);
  });
});

describe('an approval', () => {
  async function asked(): Promise<{ readonly runtime: LashRuntime; readonly requestId: string }> {
    const guarded = tool(() => 'ran', { approval: true });
    const { runtime } = await openWith(plays(asks('{}'), done, done), { tools: [guarded] });
    runtime.turn('go', { inputId: 't' });
    await eventually(() => expect(runtime.view().turn?.waits).toHaveLength(1));
    const [wait] = runtime.view().turn?.waits ?? [];
    if (wait?.kind !== 'approval') throw new Error('it waits for something else');
    return { runtime, requestId: wait.requestId };
  }

  it('[TU11] that is answered twice keeps the first answer, and the session goes on', async () => {
    const { runtime, requestId } = await asked();
    const answers = await Promise.all([
      runtime.answer(requestId, { approve: false, reason: 'no' }),
      runtime.answer(requestId, { approve: true }),
    ]);
    expect(answers).toEqual([
      { approve: false, reason: 'no' },
      { approve: false, reason: 'no' },
    ]);
    await runtime.turn('go', { inputId: 't' }).result;
    expect(outcomes(runtime)).toMatchObject([{ code: 'ToolDenied', class: 'permission-denied' }]);
    await expect(runtime.answer(requestId, { approve: true })).rejects.toMatchObject({
      code: 'TurnNotFound',
    });
    await expectGoesOn(runtime);
  });

  it.each(['', 'nobody', 'nobody/tool-0-0', '/', '/tool-0-0', 't/tool', 't/cancel'])(
    '[TU11] of nothing that was asked (%j) is TurnNotFound, and the session goes on',
    async (requestId) => {
      const { runtime } = await openWith(plays(done));
      await expect(runtime.answer(requestId, { approve: true })).rejects.toMatchObject({
        code: 'TurnNotFound',
      });
      await expectGoesOn(runtime);
    },
  );
});

describe('an answer that is none', () => {
  it('[TU5][TU11] does not keep a turn from being stopped', async () => {
    const { runtime } = await openWith(plays(['hang'], done));
    const turn = runtime.turn('go', { inputId: 't' });
    await turn.accepted;
    await expect(runtime.answer('t/cancel', { approve: true })).rejects.toMatchObject({
      code: 'TurnNotFound',
    });
    expect((await turn.cancel()).status).toBe('cancelled');
    await expectGoesOn(runtime);
  });
});

describe('an id that is used again', () => {
  it('[TU1] with another input is OperationConflict, also while the first turn runs, and the session goes on', async () => {
    const { runtime } = await openWith(plays(['hang'], done));
    const turn = runtime.turn('one', { inputId: 'id' });
    await turn.accepted;
    for (const options of [{}, { tools: [] }, { from: null }, { whenRunning: 'queue' }] as const) {
      const input = Object.keys(options).length === 1 && !('whenRunning' in options) ? 'one' : 'two';
      await expect(runtime.turn(input, { inputId: 'id', ...options }).result).rejects.toMatchObject({
        code: 'OperationConflict',
        data: { operationId: 'id' },
      });
    }
    expect((await turn.cancel()).status).toBe('cancelled');
    await expect(runtime.turn('two', { inputId: 'id' }).result).rejects.toMatchObject({
      code: 'OperationConflict',
    });
    await expectGoesOn(runtime);
  });

  it('[TU9] for two calls of one step gives each its own, and the session goes on', async () => {
    let runs = 0;
    const twice: Play = [call('c', 'tool', '{}'), call('c', 'tool', '{}'), finish('tool-calls')];
    const { runtime } = await openWith(plays(twice, done, done), {
      tools: [tool(() => ++runs)],
      clock: instantClock(),
    });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([{ value: 1 }, { value: 2 }]);
    await expectGoesOn(runtime);
  });
});
