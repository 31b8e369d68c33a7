import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { describeError } from '../../src/core/error.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import type { TurnEffect } from '../../src/turn/effect.ts';
import type { TurnInputEvent } from '../../src/turn/input.ts';
import { newTurn, transition } from '../../src/turn/machine.ts';
import type { ModelAnswer, TurnConfig, TurnState } from '../../src/turn/state.ts';

const config: TurnConfig = {
  turnId: 't',
  maxSteps: 3,
  retries: { maxAttempts: 3, baseDelayMs: 100, maxDelayMs: 1000, retryAfterCapMs: 60_000 },
  treatMissingDoneAsFailure: true,
};
const question: NodeDraft = {
  createdAt: 1,
  body: {
    kind: 'conversation',
    message: { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
    turnId: 't',
  },
};
const usage = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 0 };
const unavailable = describeError('ProviderUnavailable', 'no answer', {});

function answer(parts: ModelAnswer['parts'], finish: ModelAnswer['finish'] = 'stop'): ModelAnswer {
  return { model: 'm', parts, finish, usage };
}
const prose = answer([{ type: 'text', text: 'hello' }]);
const twoCalls = answer([
  { type: 'tool-call', callId: 'a', tool: 'x', args: {} },
  { type: 'tool-call', callId: 'b', tool: 'y', args: {} },
]);

/** Drives a turn by hand, keeping every effect. */
class Bench {
  state: TurnState;
  readonly effects: TurnEffect[] = [];
  constructor(over: Partial<TurnConfig> = {}, leaf: string | null = null) {
    this.state = newTurn({ ...config, ...over }, leaf);
  }
  send(input: TurnInputEvent): TurnEffect[] {
    const [state, effects] = transition(this.state, input);
    this.state = JSON.parse(JSON.stringify(state)) as TurnState;
    this.effects.push(...effects);
    return [...effects];
  }
  last<T extends TurnEffect['type']>(type: T): Extract<TurnEffect, { type: T }> {
    const found = this.effects.findLast((effect) => effect.type === type);
    if (found === undefined) throw new Error(`no ${type} among ${this.effects.map((e) => e.type).join(' ')}`);
    return found as Extract<TurnEffect, { type: T }>;
  }
  commit(leaf: string): TurnEffect[] {
    return this.send({ type: 'committed', effect: this.last('commit').id, leaf });
  }
  reply(reply: ModelAnswer): TurnEffect[] {
    return this.send({ type: 'model-answered', effect: this.last('call-model').id, answer: reply, at: 5 });
  }
  fail(error = unavailable): TurnEffect[] {
    return this.send({ type: 'model-failed', effect: this.last('call-model').id, error });
  }
}

function asked(over: Partial<TurnConfig> = {}): Bench {
  const bench = new Bench(over);
  bench.send({ type: 'start', input: question });
  bench.commit('t/0.0');
  return bench;
}

const types = (effects: readonly TurnEffect[]): string[] =>
  effects.map((effect) => (effect.type === 'emit' ? effect.activity.type : effect.type));

describe('turn machine', () => {
  it('[TM1] commits the input before it calls the model', () => {
    const bench = new Bench();
    expect(types(bench.send({ type: 'start', input: question }))).toEqual(['turn-started', 'commit']);
    expect(bench.last('commit')).toMatchObject({
      operationId: 't/0',
      parent: null,
      nodes: [question],
      accept: true,
    });
    expect(types(bench.commit('t/0.0'))).toEqual(['input-accepted', 'step-started', 'call-model']);
    expect(bench.last('call-model')).toMatchObject({ leaf: 't/0.0', step: 0, attempt: 1 });
  });

  it('[TM1] commits the final answer, with its usage, before it ends', () => {
    const bench = asked();
    expect(types(bench.reply(prose))).toEqual(['usage-counted', 'commit']);
    expect(bench.last('commit').usage).toEqual([{ source: 'turn', model: 'm', usage }]);
    expect(types(bench.commit('t/1.0'))).toEqual(['finish']);
    expect(bench.last('finish')).toMatchObject({
      end: { status: 'completed', reason: 'assistant_message' },
      usage,
    });
  });

  it('[TM3] runs all calls of an answer at once and commits their results in call order', () => {
    const bench = asked();
    expect(types(bench.reply(twoCalls))).toEqual([
      'usage-counted',
      'tool-started',
      'tool-started',
      'run-tool',
      'run-tool',
    ]);
    const done = (effect: string, value: string): TurnEffect[] =>
      bench.send({
        type: 'tool-finished',
        effect,
        outcome: { status: 'success', value },
        durationMs: 1,
        at: 9,
      });
    expect(types(done('tool-0-1', 'second'))).toEqual(['tool-completed']);
    expect(types(done('tool-0-1', 'again'))).toEqual([]);
    expect(types(done('tool-0-0', 'first'))).toEqual(['tool-completed', 'commit']);
    const kinds = bench
      .last('commit')
      .nodes.map(({ body }) => (body.kind === 'tool' ? body.invocation.callId : body.kind));
    expect(kinds).toEqual(['conversation', 'a', 'b']);
    expect(types(bench.commit('t/1.2'))).toEqual(['step-started', 'call-model']);
    expect(bench.last('call-model')).toMatchObject({ leaf: 't/1.2', step: 1 });
  });

  it('[TM1] stops at the limit of model calls, after the round is committed', () => {
    const bench = asked({ maxSteps: 1 });
    bench.reply(twoCalls);
    for (const effect of ['tool-0-0', 'tool-0-1']) {
      bench.send({
        type: 'tool-finished',
        effect,
        outcome: { status: 'success', value: 1 },
        durationMs: 1,
        at: 9,
      });
    }
    expect(types(bench.commit('t/1.2'))).toEqual(['finish']);
    expect(bench.last('finish').end).toMatchObject({
      reason: 'max_turns',
      error: { code: 'TurnLimitReached' },
    });
  });

  it('[TU7][TM4] withdraws a failed attempt, waits, and makes it again under a new correlation id', () => {
    const bench = asked();
    const first = bench.last('call-model').correlationId;
    expect(types(bench.fail())).toEqual(['attempt-withdrawn', 'retry-scheduled', 'wait']);
    expect(bench.last('wait').ms).toBe(100);
    expect(types(bench.send({ type: 'waited', effect: bench.last('wait').id }))).toEqual([
      'step-started',
      'call-model',
    ]);
    expect(bench.last('call-model').correlationId).not.toBe(first);
  });

  it('[TU7] honours retry-after, doubles the delay without one, and gives up at the limit of attempts', () => {
    const bench = asked();
    bench.fail(describeError('ProviderRateLimited', 'slow down', { status: 429, retryAfterMs: 7000 }));
    expect(bench.last('wait').ms).toBe(7000);
    bench.send({ type: 'waited', effect: bench.last('wait').id });
    bench.fail();
    expect(bench.last('wait').ms).toBe(200);
    bench.send({ type: 'waited', effect: bench.last('wait').id });
    expect(types(bench.fail())).toEqual(['attempt-withdrawn', 'finish']);
    expect(bench.last('finish').end).toMatchObject({ status: 'failed', reason: 'provider_error' });
  });

  it('[TU7] does not wait longer than the cap for a retry-after', () => {
    const bench = asked();
    bench.fail(describeError('ProviderRateLimited', 'tomorrow', { status: 429, retryAfterMs: 3_600_000 }));
    expect(bench.last('finish').end.error).toMatchObject({ code: 'ProviderRateLimited' });
  });

  it('[TU7] does not repeat what cannot succeed', () => {
    const bench = asked();
    expect(types(bench.fail(describeError('ProviderUnauthorized', 'no', { status: 401 })))).toEqual([
      'attempt-withdrawn',
      'finish',
    ]);
  });

  it('[TM2] a stream without an end is a failed attempt, or the answer, as the termination policy says', () => {
    const strict = asked();
    expect(types(strict.reply(answer(prose.parts, 'missing')))).toContain('retry-scheduled');
    const lenient = asked({ treatMissingDoneAsFailure: false });
    lenient.reply(answer(prose.parts, 'missing'));
    lenient.commit('t/1.0');
    expect(lenient.last('finish').end.status).toBe('completed');
  });

  it('[TM2] an answer of nothing is ProviderEmptyResponse, and its tokens are counted', () => {
    const bench = asked({ retries: { ...config.retries, maxAttempts: 1 } });
    bench.reply(answer([]));
    expect(bench.last('commit')).toMatchObject({ nodes: [], usage: [{ usage }] });
    bench.commit('t/0.0');
    expect(bench.last('finish').end.error).toMatchObject({ code: 'ProviderEmptyResponse' });
  });

  it('[TM2] the output limit keeps the text as an incomplete answer and says so', () => {
    const bench = asked();
    bench.reply(answer(prose.parts, 'length'));
    expect(bench.last('commit').nodes[0]?.body).toMatchObject({ message: { status: 'incomplete' } });
    bench.commit('t/1.0');
    expect(bench.last('finish').end).toMatchObject({
      reason: 'incomplete',
      error: { code: 'OutputLimitReached' },
    });
  });

  it('[TM2] the output limit leaves out calls that never ran, so that none is without a result', () => {
    const bench = asked();
    bench.reply(answer([...prose.parts, ...twoCalls.parts], 'length'));
    expect(bench.last('commit').nodes.map(({ body }) => body)).toMatchObject([
      { message: { status: 'incomplete', parts: prose.parts } },
    ]);
  });

  it('[TM2] an answer that the output limit left without text is withdrawn, counted and not made again', () => {
    const bench = asked();
    const parts = [{ type: 'reasoning', text: 'hm' } as const, ...twoCalls.parts];
    expect(types(bench.reply(answer(parts, 'length')))).toEqual([
      'usage-counted',
      'attempt-withdrawn',
      'commit',
    ]);
    expect(bench.last('commit')).toMatchObject({ nodes: [], usage: [{ usage }] });
    bench.commit('t/0.0');
    expect(bench.last('finish').end).toMatchObject({
      reason: 'incomplete',
      error: { code: 'OutputLimitReached' },
    });
  });

  it('[TU5][TM5] a cancel during the call commits the text so far as a cancelled answer', () => {
    const bench = asked();
    expect(types(bench.send({ type: 'cancel', reason: 'enough' }))).toEqual(['stop-model']);
    const parts = [...answer([{ type: 'text', text: 'hel' }]).parts, ...twoCalls.parts];
    bench.send({ type: 'model-stopped', effect: bench.last('call-model').id, answer: answer(parts), at: 5 });
    expect(bench.last('commit').nodes[0]?.body).toMatchObject({
      message: { status: 'cancelled', parts: [{ type: 'text', text: 'hel' }] },
    });
    bench.commit('t/1.0');
    expect(bench.last('finish').end.status).toBe('cancelled');
  });

  it('[TU5][TM5] a cancel after the final commit was asked for changes nothing', () => {
    const bench = asked();
    bench.reply(prose);
    expect(bench.send({ type: 'cancel', reason: 'late' })).toEqual([]);
    bench.commit('t/1.0');
    expect(bench.last('finish').end.status).toBe('completed');
  });

  it('[TM6] an input that answers no present effect changes nothing', () => {
    const bench = asked();
    const before = bench.state;
    expect(bench.send({ type: 'committed', effect: 'commit-0', leaf: 'x' })).toEqual([]);
    expect(bench.send({ type: 'waited', effect: 'wait-0-2' })).toEqual([]);
    expect(bench.state).toEqual(before);
  });
});

describe('turn machine, any sequence', () => {
  const choices = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 60 });
  const replies = [
    prose,
    twoCalls,
    answer([]),
    answer(prose.parts, 'length'),
    answer(prose.parts, 'missing'),
  ];

  /** Answers one open effect as `pick` says; `kind` says how. */
  function step(bench: Bench, open: TurnEffect[], pick: number, kind: number): void {
    const at = pick % open.length;
    const effect = open[at];
    if (effect === undefined) return;
    if (kind % 11 === 0) {
      open.push(...bench.send({ type: 'cancel', reason: 'any' }).filter(needsAnswer));
      return;
    }
    open.splice(at, 1);
    const input = inputFor(effect, kind, bench.state.cancel !== null);
    if (input !== null) open.push(...bench.send(input).filter(needsAnswer));
  }

  function inputFor(effect: TurnEffect, kind: number, stopping: boolean): TurnInputEvent | null {
    switch (effect.type) {
      case 'commit':
        return kind % 7 === 3
          ? { type: 'commit-failed', effect: effect.id, error: unavailable }
          : { type: 'committed', effect: effect.id, leaf: `${effect.operationId}.${effect.nodes.length}` };
      case 'call-model': {
        const reply = replies[kind % replies.length] ?? prose;
        if (kind % 5 === 1) return { type: 'model-failed', effect: effect.id, error: unavailable };
        return {
          type: stopping ? 'model-stopped' : 'model-answered',
          effect: effect.id,
          answer: reply,
          at: kind,
        };
      }
      case 'run-tool':
        return {
          type: 'tool-finished',
          effect: effect.id,
          outcome: { status: 'success', value: kind },
          durationMs: 1,
          at: kind,
        };
      case 'wait':
        return { type: 'waited', effect: effect.id };
      default:
        return null;
    }
  }

  const needsAnswer = (effect: TurnEffect): boolean =>
    ['commit', 'call-model', 'run-tool', 'wait'].includes(effect.type);

  function run(program: [number, number][]): Bench {
    const bench = new Bench();
    const open = bench.send({ type: 'start', input: question }).filter(needsAnswer);
    for (const [pick, kind] of program) if (open.length > 0) step(bench, open, pick, kind);
    for (let kind = 0; open.length > 0 && kind < 500; kind++) step(bench, open, 0, kind * 11 + 10);
    return bench;
  }

  it('[TU6][TM2] ends with exactly one finish and asks for nothing after it', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = run(program);
        const kinds = bench.effects.map((effect) => effect.type);
        expect(kinds.filter((kind) => kind === 'finish')).toHaveLength(1);
        expect(kinds.at(-1)).toBe('finish');
        expect(bench.send({ type: 'cancel', reason: 'late' })).toEqual([]);
        expect(bench.send({ type: 'crashed', error: unavailable })).toEqual([]);
      }),
      { seed: 20_240_601, numRuns: 500 },
    );
  });

  it('[TU2] the same inputs give the same effects, ids included', () => {
    fc.assert(
      fc.property(choices, (program) => {
        expect(run(program).effects).toEqual(run(program).effects);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('[TU9] counts each token once: the commits add up to the usage of the turn', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = run(program);
        const failed = bench.last('finish').end.reason === 'runtime_error';
        const counted = bench.effects
          .flatMap((effect) => (effect.type === 'commit' ? effect.usage : []))
          .reduce((sum, entry) => sum + entry.usage.inputTokens, 0);
        const used = bench.last('finish').usage.inputTokens;
        expect(failed ? Math.max(counted, used) : counted).toBe(used);
      }),
      { seed: 99, numRuns: 500 },
    );
  });

  it('[TU6] a crash of the driver ends the turn from every state', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = new Bench();
        const open = bench.send({ type: 'start', input: question }).filter(needsAnswer);
        for (const [pick, kind] of program) if (open.length > 0) step(bench, open, pick, kind);
        bench.send({ type: 'crashed', error: unavailable });
        expect(bench.effects.filter((effect) => effect.type === 'finish')).toHaveLength(1);
        expect(bench.state.phase.name).toBe('finished');
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
