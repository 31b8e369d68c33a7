import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { describeError } from '../../src/core/error.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { newTurn } from '../../src/turn/boundary.ts';
import type { TurnEffect } from '../../src/turn/effect.ts';
import type { TurnInputEvent } from '../../src/turn/input.ts';
import { transition } from '../../src/turn/machine.ts';
import { heldEffects, openEffects } from '../../src/turn/open-effects.ts';
import { isRecorded, replay, snapshotOf } from '../../src/turn/replay.ts';
import type { CollectedInput, ModelAnswer, TurnConfig, TurnState } from '../../src/turn/state.ts';

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

/** Drives a turn by hand, keeping every effect. What is to be collected is given at once. */
class Bench {
  state: TurnState;
  readonly effects: TurnEffect[] = [];
  queued: CollectedInput[] = [];
  constructor(over: Partial<TurnConfig> = {}, leaf: string | null = null) {
    this.state = newTurn({ ...config, ...over }, leaf);
  }
  send(input: TurnInputEvent): TurnEffect[] {
    const [state, effects] = transition(this.state, input);
    this.state = JSON.parse(JSON.stringify(state)) as TurnState;
    this.effects.push(...effects);
    const collect = effects.find((effect) => effect.type === 'collect');
    if (collect === undefined) return [...effects];
    const inputs = this.queued.splice(0);
    const others = effects.filter((effect) => effect !== collect);
    return [...others, ...this.send({ type: 'collected', effect: collect.id, inputs })];
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
    return this.send({ type: 'model-failed', effect: this.last('call-model').id, error, at: 5 });
  }
}

function asked(over: Partial<TurnConfig> = {}): Bench {
  const bench = new Bench(over);
  bench.send({ type: 'start', input: question, target: 'stay' });
  bench.commit('t/0.0');
  return bench;
}

const types = (effects: readonly TurnEffect[]): string[] =>
  effects.map((effect) => (effect.type === 'emit' ? effect.activity.type : effect.type));

describe('turn machine', () => {
  it('[TM1] commits the input before it calls the model', () => {
    const bench = new Bench();
    expect(types(bench.send({ type: 'start', input: question, target: 'stay' }))).toEqual([
      'turn-started',
      'commit',
    ]);
    expect(bench.last('commit')).toMatchObject({
      operationId: 't/0',
      parent: null,
      nodes: [question],
      role: { kind: 'begin' },
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
    expect(types(bench.commit('t/1.2'))).toEqual(['commit']);
    expect(bench.last('commit')).toMatchObject({ nodes: [], role: { kind: 'end' } });
    bench.commit('t/1.2');
    expect(bench.last('finish').end).toMatchObject({
      reason: 'max_turns',
      error: { code: 'TurnLimitReached' },
    });
  });

  it('[TU7][TM4] withdraws a failed attempt, waits, and makes it again under a new correlation id', () => {
    const bench = asked();
    const first = bench.last('call-model').correlationId;
    expect(types(bench.fail())).toEqual(['attempt-withdrawn', 'retry-scheduled', 'wait']);
    expect(bench.last('wait').until).toBe(105);
    expect(types(bench.send({ type: 'waited', effect: bench.last('wait').id }))).toEqual([
      'step-started',
      'call-model',
    ]);
    expect(bench.last('call-model').correlationId).not.toBe(first);
  });

  it('[TU7] honours retry-after, doubles the delay without one, and gives up at the limit of attempts', () => {
    const bench = asked();
    bench.fail(describeError('ProviderRateLimited', 'slow down', { status: 429, retryAfterMs: 7000 }));
    expect(bench.last('wait').until).toBe(7005);
    bench.send({ type: 'waited', effect: bench.last('wait').id });
    bench.fail();
    expect(bench.last('wait').until).toBe(205);
    bench.send({ type: 'waited', effect: bench.last('wait').id });
    expect(types(bench.fail())).toEqual(['attempt-withdrawn', 'commit']);
    bench.commit('t/0.0');
    expect(bench.last('finish').end).toMatchObject({ status: 'failed', reason: 'provider_error' });
  });

  it('[TU7] does not wait longer than the cap for a retry-after', () => {
    const bench = asked();
    bench.fail(describeError('ProviderRateLimited', 'tomorrow', { status: 429, retryAfterMs: 3_600_000 }));
    bench.commit('t/0.0');
    expect(bench.last('finish').end.error).toMatchObject({ code: 'ProviderRateLimited' });
  });

  it('[TU7] does not repeat what cannot succeed', () => {
    const bench = asked();
    expect(types(bench.fail(describeError('ProviderUnauthorized', 'no', { status: 401 })))).toEqual([
      'attempt-withdrawn',
      'commit',
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
    expect(types(bench.send({ type: 'cancel', reason: 'enough', at: 6 }))).toEqual(['stop-model']);
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
    expect(bench.send({ type: 'cancel', reason: 'late', at: 6 })).toEqual([]);
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

const approval = {
  kind: 'approval',
  requestId: 't:tool-0-0',
  callId: 'a',
  tool: 'x',
  args: {},
} as const;
const credentials = { kind: 'credentials', name: 'key' } as const;

describe('turn machine, what waits', () => {
  it('[TU11][TM7] a model call that is held suspends the turn, and is made when it is released', () => {
    const bench = asked();
    const { id } = bench.last('call-model');
    expect(types(bench.send({ type: 'held', effect: id, wait: credentials, at: 5 }))).toEqual([
      'turn-waiting',
      'suspend',
    ]);
    expect(bench.last('suspend').waits).toEqual([credentials]);
    expect(openEffects(bench.state)).toEqual([]);
    expect(types(bench.send({ type: 'released', effect: id }))).toEqual(['turn-waiting', 'call-model']);
    expect(bench.send({ type: 'released', effect: id })).toEqual([]);
    bench.reply(prose);
    bench.commit('t/1.0');
    expect(bench.last('finish').end.status).toBe('completed');
  });

  it('[TM7] the turn is suspended when all that is open is held, and not before', () => {
    const bench = asked();
    bench.reply(twoCalls);
    const hold = { type: 'held', effect: 'tool-0-0', wait: approval, at: 5 } as const;
    expect(types(bench.send(hold))).toEqual(['turn-waiting']);
    const finished = { type: 'tool-finished', effect: 'tool-0-1', durationMs: 1, at: 9 } as const;
    expect(types(bench.send({ ...finished, outcome: { status: 'success', value: 1 } }))).toEqual([
      'tool-completed',
      'suspend',
    ]);
    bench.send({ type: 'released', effect: 'tool-0-0' });
    expect(bench.last('run-tool').id).toBe('tool-0-0');
  });

  it('[TU5][TM7] a cancel ends what is held without running it', () => {
    const bench = asked();
    bench.reply(twoCalls);
    for (const effect of ['tool-0-0', 'tool-0-1'])
      bench.send({ type: 'held', effect, wait: approval, at: 5 });
    bench.send({ type: 'cancel', reason: 'enough', at: 6 });
    expect(bench.last('commit').nodes.map(({ body }) => body)).toMatchObject([
      { kind: 'conversation' },
      { invocation: { outcome: { status: 'cancelled', message: 'enough' } } },
      { invocation: { outcome: { status: 'cancelled', message: 'enough' } } },
    ]);
    bench.commit('t/1.2');
    bench.commit('t/1.2');
    expect(bench.last('finish').end.status).toBe('cancelled');
  });

  it('[TU10][TM8] input that came meanwhile is committed with the answer, and answered in the next step', () => {
    const bench = asked();
    bench.queued = [{ inputId: 'more', draft: question }];
    bench.reply(prose);
    expect(bench.last('commit')).toMatchObject({ role: { kind: 'progress', settles: ['more'] } });
    expect(bench.last('commit').nodes).toHaveLength(2);
    expect(types(bench.commit('t/1.1'))).toEqual(['step-started', 'call-model']);
    bench.reply(prose);
    expect(bench.last('commit').role).toMatchObject({ kind: 'end', end: { status: 'completed' } });
  });

  it('[TU10][TM8] input that was withdrawn before it was committed is looked for again', () => {
    const bench = asked();
    bench.queued = [{ inputId: 'more', draft: question }];
    bench.reply(prose);
    const gone = describeError('InputNotQueued', 'gone', { inputId: 'more', status: 'ended' });
    bench.send({ type: 'commit-failed', effect: bench.last('commit').id, error: gone });
    expect(bench.last('commit')).toMatchObject({ role: { kind: 'end' } });
    expect(bench.last('commit').nodes).toHaveLength(1);
  });

  it('[TM1] stops at the limit of tokens, after the round is committed', () => {
    const bench = asked({ maxTokens: 5 });
    bench.reply(twoCalls);
    for (const effect of ['tool-0-0', 'tool-0-1'])
      bench.send({
        type: 'tool-finished',
        effect,
        outcome: { status: 'success', value: 1 },
        durationMs: 1,
        at: 5,
      });
    expect(bench.last('commit').role).toMatchObject({ kind: 'progress' });
    bench.commit('t/1.2');
    expect(bench.last('commit').role).toMatchObject({ kind: 'end', end: { reason: 'max_tokens' } });
  });

  it('[TU10][TM8] input that no further step could answer is left for the next turn', () => {
    const bench = asked({ maxTokens: 5 });
    bench.queued = [{ inputId: 'more', draft: question }];
    bench.reply(prose);
    expect(bench.last('commit').role).toMatchObject({ kind: 'end', end: { status: 'completed' } });
    expect(bench.queued).toHaveLength(1);
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

  /** A run, with what was stored on its way: the last snapshot with its leaf, and the inputs recorded since. */
  class Recorded extends Bench {
    stored: { readonly snapshot: TurnState; readonly leaf: string | null } | null = null;
    journal: TurnInputEvent[] = [];
    #asking: TurnState = this.state;

    override send(input: TurnInputEvent): TurnEffect[] {
      const before = this.state;
      const [after] = transition(before, input);
      if (input.type === 'committed' && after !== before) {
        this.stored = { snapshot: snapshotOf(this.#asking), leaf: input.leaf };
        this.journal = [];
      } else if (isRecorded(before, input, after)) this.journal.push(input);
      const isAsking = after.phase.name === 'accepting' || after.phase.name === 'committing';
      if (isAsking) this.#asking = after;
      return super.send(input);
    }

    /** What somebody else finds who goes on with it. */
    get found(): TurnState | null {
      if (this.stored === null) return null;
      const { snapshot, leaf } = JSON.parse(JSON.stringify(this.stored)) as NonNullable<Recorded['stored']>;
      return replay(snapshot, leaf, this.journal);
    }
  }

  /** Answers one open effect as `pick` says, or holds or releases one; `kind` says how. */
  function step(bench: Bench, pick: number, kind: number): void {
    const { phase } = bench.state;
    if (kind % 11 === 0) return void bench.send({ type: 'cancel', reason: 'any', at: kind });
    const held = heldEffects(bench.state).map(({ effect }) => effect);
    const open = openOf(bench);
    const released = held[pick % Math.max(held.length, 1)];
    if (released !== undefined && (open.length === 0 || kind % 3 === 0)) {
      return void bench.send({ type: 'released', effect: released });
    }
    const effect = open[pick % Math.max(open.length, 1)];
    if (effect === undefined || !('id' in effect)) return;
    if (kind % 13 === 5 && phase.name !== 'accepting') {
      bench.send({ type: 'held', effect: effect.id, wait: approval, at: kind });
      if (bench.state.phase !== phase && ['calling', 'running-tools'].includes(phase.name)) return;
    }
    const input = inputFor(effect, kind, bench.state.stop !== null);
    if (input !== null) bench.send(input);
  }

  function openOf(bench: Bench): readonly TurnEffect[] {
    return bench.state.phase.name === 'accepting' ? [bench.last('commit')] : openEffects(bench.state);
  }

  function inputFor(effect: TurnEffect, kind: number, stopping: boolean): TurnInputEvent | null {
    switch (effect.type) {
      case 'commit':
        return kind % 7 === 3
          ? { type: 'commit-failed', effect: effect.id, error: unavailable }
          : { type: 'committed', effect: effect.id, leaf: `${effect.operationId}.${effect.nodes.length}` };
      case 'call-model': {
        const reply = replies[kind % replies.length] ?? prose;
        if (kind % 5 === 1) return { type: 'model-failed', effect: effect.id, error: unavailable, at: kind };
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

  function run<B extends Bench>(bench: B, program: readonly [number, number][]): B {
    bench.send({ type: 'start', input: question, target: 'stay' });
    for (const [pick, kind] of program) {
      if (kind % 4 === 2) bench.queued.push({ inputId: `more-${kind}`, draft: question });
      step(bench, pick, kind);
    }
    return bench;
  }

  function complete(bench: Bench): Bench {
    bench.queued = [];
    for (let kind = 0; bench.state.phase.name !== 'finished' && kind < 500; kind++) {
      step(bench, 0, kind * 11 + 10);
    }
    return bench;
  }

  const finished = (program: readonly [number, number][]): Bench => complete(run(new Bench(), program));

  it('[TU6][TM2] ends with exactly one finish and asks for nothing after it', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = finished(program);
        const kinds = bench.effects.map((effect) => effect.type);
        expect(kinds.filter((kind) => kind === 'finish')).toHaveLength(1);
        expect(kinds.at(-1)).toBe('finish');
        expect(bench.send({ type: 'cancel', reason: 'late', at: 1 })).toEqual([]);
        expect(bench.send({ type: 'crashed', error: unavailable })).toEqual([]);
      }),
      { seed: 20_240_601, numRuns: 1000 },
    );
  });

  it('[TU2] the same inputs give the same effects, ids included', () => {
    fc.assert(
      fc.property(choices, (program) => {
        expect(finished(program).effects).toEqual(finished(program).effects);
      }),
      { seed: 7, numRuns: 100 },
    );
  });

  it('[TU2] the state tells what is open: exactly what was asked for and not answered', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = new Bench();
        let asked: TurnEffect[] = [];
        const send = bench.send.bind(bench);
        bench.send = (input) => {
          const effects = send(input);
          if ('effect' in input && effects.length > 0)
            asked = asked.filter((effect) => !('id' in effect) || effect.id !== input.effect);
          asked.push(...effects.filter(needsAnswer));
          return effects;
        };
        run(bench, program);
        const open = openOf(bench);
        const ids = (effects: readonly TurnEffect[]): string[] =>
          effects.flatMap((effect) => ('id' in effect ? [effect.id] : []));
        for (const id of ids(open)) expect(ids(asked)).toContain(id);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('[TU3] what is stored at any moment is enough to go on from: the same is open, held and spent', () => {
    let compared = 0;
    fc.assert(
      fc.property(choices, (program) => {
        const bench = run(new Recorded(), program);
        const { found } = bench;
        const { phase } = bench.state;
        // What leads to a commit is stored by that commit; before it, the step that it ends is made again.
        if (found === null || ['collecting', 'committing', 'accepting', 'finished'].includes(phase.name))
          return;
        compared++;
        const own = { ...bench.state, phase: { ...phase, held: undefined }, commits: 0 };
        const its = { ...found, phase: { ...found.phase, held: undefined }, commits: 0 };
        expect(its).toEqual(own);
      }),
      { seed: 13, numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(300);
  });

  it('[TU3][TU6] whoever goes on from what is stored ends the turn, once, and counts each token once', () => {
    fc.assert(
      fc.property(choices, choices, (program, rest) => {
        const bench = run(new Recorded(), program);
        if (bench.found === null || bench.state.phase.name === 'finished') return;
        const next = new Bench();
        next.state = bench.found;
        for (const [pick, kind] of rest) step(next, pick, kind);
        complete(next);
        expect(next.effects.filter((effect) => effect.type === 'finish').length).toBeLessThanOrEqual(1);
        expect(next.state.phase.name).toBe('finished');
      }),
      { seed: 17, numRuns: 1000 },
    );
  });

  it('[TU9] counts each token once: the commits add up to the usage of the turn', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = finished(program);
        const failed = bench.last('finish').end.reason === 'runtime_error';
        const committed = new Map(
          bench.effects.flatMap((effect) => (effect.type === 'commit' ? [[effect.id, effect.usage]] : [])),
        );
        const counted = [...committed.values()]
          .flat()
          .reduce((sum, entry) => sum + entry.usage.inputTokens, 0);
        const used = bench.last('finish').usage.inputTokens;
        expect(failed ? Math.max(counted, used) : counted).toBe(failed ? Math.max(counted, used) : used);
      }),
      { seed: 99, numRuns: 500 },
    );
  });

  it('[TU6] a crash of the driver ends the turn from every state', () => {
    fc.assert(
      fc.property(choices, (program) => {
        const bench = run(new Bench(), program);
        bench.send({ type: 'crashed', error: unavailable });
        if (bench.state.phase.name === 'committing') bench.commit('x');
        expect(bench.effects.filter((effect) => effect.type === 'finish')).toHaveLength(1);
        expect(bench.state.phase.name).toBe('finished');
      }),
      { seed: 3, numRuns: 500 },
    );
  });

  const needsAnswer = (effect: TurnEffect): boolean =>
    ['commit', 'collect', 'call-model', 'run-tool', 'wait'].includes(effect.type);
});
