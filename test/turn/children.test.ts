import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { describeError } from '../../src/core/error.ts';
import { addToLedger, totalUsage, type UsageEntry } from '../../src/core/usage.ts';
import { newTurn } from '../../src/turn/boundary.ts';
import type { TurnEffect } from '../../src/turn/effect.ts';
import type { TurnInputEvent } from '../../src/turn/input.ts';
import { transition } from '../../src/turn/machine.ts';
import { heldEffects, openEffects } from '../../src/turn/open-effects.ts';
import type { ModelAnswer, TurnState } from '../../src/turn/state.ts';

const config = {
  turnId: 't',
  maxSteps: 4,
  retries: { maxAttempts: 2, baseDelayMs: 1, maxDelayMs: 1, retryAfterCapMs: 1 },
  treatMissingDoneAsFailure: true,
};
const unavailable = describeError('ProviderUnavailable', 'no answer', {});
const NOTHING = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
const prose: ModelAnswer = {
  model: 'm',
  parts: [{ type: 'text', text: 'x' }],
  finish: 'stop',
  usage: NOTHING,
};
const calls: ModelAnswer = {
  ...prose,
  parts: ['a', 'b'].map((callId) => ({ type: 'tool-call', callId, tool: 'x', args: {} })),
};

/** What children used: so many tokens of one of two models. */
const spending = fc
  .tuple(fc.constantFrom('m1', 'm2'), fc.integer({ min: 1, max: 9 }))
  .map(([model, inputTokens]): UsageEntry => ({ source: 'kid', model, usage: { ...NOTHING, inputTokens } }));

/** What happens next: to which of the open effects, how, and what its children used. */
const moves = fc.array(
  fc.record({
    pick: fc.nat(3),
    how: fc.constantFrom('done', 'done', 'done', 'calls', 'calls', 'fail', 'hold', 'release', 'cancel'),
    spent: fc.option(fc.array(spending, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    passesOn: fc.boolean(),
  }),
  { minLength: 5, maxLength: 40 },
);
type Move = (typeof moves extends fc.Arbitrary<infer T> ? T : never) extends readonly (infer One)[]
  ? One
  : never;

/** A turn, and a plain model of what its children used. */
class Bench {
  state: TurnState = newTurn(config, null);
  readonly effects: TurnEffect[] = [];
  /** What is told for good, and what a held model call told that is not made again yet. */
  told: readonly UsageEntry[] = [];
  heldCall: readonly UsageEntry[] = [];
  /** What the commit of the end counted besides. */
  atEnd: readonly UsageEntry[] = [];
  successor: string | undefined;

  constructor() {
    this.send({ type: 'start', input: null, target: 'stay' });
  }

  send(input: TurnInputEvent): void {
    const [state, effects] = transition(this.state, input);
    this.state = JSON.parse(JSON.stringify(state)) as TurnState;
    this.effects.push(...effects);
  }

  move({ pick, how, spent, passesOn }: Move): void {
    if (how === 'cancel') return this.send({ type: 'cancel', reason: 'any', at: 1 });
    const [held] = heldEffects(this.state);
    const open = this.open;
    if (held !== undefined && (how === 'release' || open.length === 0)) {
      if (this.state.phase.name === 'calling') this.heldCall = [];
      return this.send({ type: 'released', effect: held.effect });
    }
    const effect = open[pick % Math.max(1, open.length)];
    if (effect === undefined) return;
    const children = spent === undefined ? {} : { spent };
    switch (effect.type) {
      case 'commit':
        return this.#commit(effect, children);
      case 'collect':
        return this.send({ type: 'collected', effect: effect.id, inputs: [] });
      case 'wait':
        return this.send({ type: 'waited', effect: effect.id });
      case 'call-model':
        return this.#answerCall(effect.id, how, children);
      case 'run-tool': {
        this.#tell(spent);
        if (how === 'hold') return this.#hold(effect.id, children);
        const successor = passesOn ? { successor: effect.id } : {};
        if (passesOn) this.successor ??= effect.id;
        const outcome = { status: 'success', value: null } as const;
        const ended = { effect: effect.id, outcome, durationMs: 1, at: 1 };
        return this.send({ type: 'tool-finished', ...ended, ...successor, ...children });
      }
      default:
        return;
    }
  }

  get open(): readonly TurnEffect[] {
    if (this.state.phase.name !== 'accepting') return openEffects(this.state);
    return this.effects.filter(({ type }) => type === 'commit').slice(-1);
  }

  #answerCall(effect: string, how: Move['how'], children: { readonly spent?: readonly UsageEntry[] }): void {
    if (how === 'hold' && this.state.stop === null) {
      this.heldCall = children.spent ?? [];
      return this.#hold(effect, children);
    }
    this.#tell(children.spent);
    const said = { effect, at: 1, ...children };
    if (this.state.stop !== null) return this.send({ type: 'model-stopped', answer: prose, ...said });
    if (how === 'fail') return this.send({ type: 'model-failed', error: unavailable, ...said });
    this.send({ type: 'model-answered', answer: how === 'calls' ? calls : prose, ...said });
  }

  #hold(effect: string, children: { readonly spent?: readonly UsageEntry[] }): void {
    const wait = { kind: 'credentials', name: 'key' } as const;
    this.send({ type: 'held', effect, wait, at: 1, ...children });
  }

  #commit(
    { id, operationId, role }: Extract<TurnEffect, { readonly type: 'commit' }>,
    children: { readonly spent?: readonly UsageEntry[] },
  ): void {
    const { spent } = role.kind === 'end' ? children : {};
    this.#tell(spent);
    this.atEnd = spent ?? [];
    this.send({
      type: 'committed',
      effect: id,
      leaf: operationId,
      ...(spent === undefined ? {} : { spent }),
    });
  }

  #tell(spent: readonly UsageEntry[] = []): void {
    this.told = [...this.told, ...spent];
  }
}

function finished(program: readonly Move[]): Bench {
  const bench = new Bench();
  for (const move of program) bench.move(move);
  const last: Move = { pick: 0, how: 'done', spent: undefined, passesOn: false };
  for (let more = 0; bench.state.phase.name !== 'finished' && more < 100; more++) bench.move(last);
  return bench;
}

const sorted = (entries: readonly UsageEntry[]): readonly UsageEntry[] =>
  addToLedger([], entries).toSorted((a, b) => (a.model < b.model ? -1 : 1));

describe('what children of a turn use', () => {
  test('[TM9] counts once, by source and model, also of calls that are held: in the commits as in the result', () => {
    let counted = 0;
    fc.assert(
      fc.property(moves, (program) => {
        const bench = finished(program);
        const end = bench.effects.at(-1);
        if (end?.type !== 'finish') throw new Error('it does not end');
        const told = sorted([...bench.told, ...bench.heldCall]);
        const commits = new Map(
          bench.effects.flatMap((effect) => (effect.type === 'commit' ? [[effect.id, effect.usage]] : [])),
        );
        expect(sorted(end.children ?? [])).toEqual(told);
        expect(sorted([...[...commits.values()].flat(), ...bench.atEnd])).toEqual(told);
        counted += totalUsage(told).inputTokens;
      }),
      { seed: 20_261_127, numRuns: 1000 },
    );
    expect(counted).toBeGreaterThan(1000);
  });

  test('[TM10] a turn is passed on to the first session that a call made, and only if it is not stopped before', () => {
    const reasons = new Map<string, number>();
    fc.assert(
      fc.property(moves, (program) => {
        const bench = finished(program);
        const end = bench.effects.at(-1);
        if (end?.type !== 'finish') throw new Error('it does not end');
        const { reason, successor } = end.end;
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        expect(successor).toBe(reason === 'handoff' ? bench.successor : undefined);
        const isStopped = bench.state.stop !== null;
        expect(reason === 'handoff' && isStopped && bench.effects.some(isStopOfTools)).toBe(false);
        expect(bench.successor === undefined || isStopped || reason === 'handoff').toBe(true);
      }),
      { seed: 20_261_127, numRuns: 1000 },
    );
    expect(reasons.get('handoff')).toBeGreaterThan(100);
    expect(reasons.get('cancelled')).toBeGreaterThan(100);
  });
});

const isStopOfTools = ({ type }: TurnEffect): boolean => type === 'stop-tools';
