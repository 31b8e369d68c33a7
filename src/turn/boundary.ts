import { describeError, type WireError } from '../core/error.ts';
import type { Message } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import { addToLedger, addUsage, NO_USAGE, totalTokens, totalUsage, type UsageEntry } from '../core/usage.ts';
import type { GraphTarget, TurnEffect } from './effect.ts';
import { openEffects, spendingOf } from './open-effects.ts';
import type { CollectedInput, ModelAnswer, TurnConfig, TurnEnd, TurnPhase, TurnState } from './state.ts';

/** A new state and what it asks for. */
export type Transition = readonly [state: TurnState, effects: readonly TurnEffect[]];

/** A turn that has not begun; it will append below `leaf`. */
export function newTurn(config: TurnConfig, leaf: string | null): TurnState {
  return {
    config,
    phase: { name: 'new' },
    leaf,
    step: 0,
    attempt: 1,
    commits: 0,
    usage: NO_USAGE,
    uncounted: [],
    stop: null,
  };
}

/** The turn's first commit: its input, or where it goes on without one. */
export function accept(state: TurnState, input: NodeDraft | null, target: GraphTarget): Transition {
  const { config, commits, leaf: parent, uncounted: usage } = state;
  const id = `commit-${commits}`;
  const operationId = `${config.turnId}/${commits}`;
  const nodes = input === null ? [] : [input];
  const role = { kind: 'begin' } as const;
  return [
    { ...state, commits: commits + 1, phase: { name: 'accepting', effect: id } },
    [{ type: 'commit', id, operationId, parent, nodes, target, usage, role }],
  ];
}

/**
 * What a finished step leaves behind is committed. Input that came meanwhile goes with it (law TU10), unless the turn is to
 * end badly, passes the conversation on, or may make no further step that would answer it.
 */
export function reach(state: TurnState, nodes: readonly NodeDraft[], end: TurnEnd | null): Transition {
  const isAnswered = end === null || (end.status === 'completed' && end.successor === undefined);
  if (!isAnswered || limitReached(state) !== null) return commitStep(state, nodes, end, []);
  const effect = `collect-${state.commits}`;
  return [{ ...state, phase: { name: 'collecting', effect, nodes, end } }, [{ type: 'collect', id: effect }]];
}

/** Commits a step with what was collected. */
export function commitStep(
  state: TurnState,
  nodes: readonly NodeDraft[],
  end: TurnEnd | null,
  inputs: readonly CollectedInput[],
): Transition {
  const effect = `commit-${state.commits}`;
  const phase: TurnPhase = { name: 'committing', effect, nodes, end, inputs };
  const next: TurnState = { ...state, commits: state.commits + 1, phase };
  return [next, openEffects(next)];
}

/** Ends the turn by a commit, which also counts the tokens that no node carries. */
export function finish(state: TurnState, end: TurnEnd): Transition {
  return commitStep(state, [], end, []);
}

/** Ends the turn without one: it was never accepted, or its end cannot be stored. */
export function giveUp(state: TurnState, end: TurnEnd): Transition {
  return [{ ...state, phase: { name: 'finished' } }, [{ type: 'finish', end, ...spendingOf(state) }]];
}

/** Why there is no further step, or `null`. */
export function limitReached({ config, step, usage, children = [] }: TurnState): TurnEnd | null {
  const { maxSteps, maxTokens = Infinity } = config;
  if (step >= maxSteps) {
    const message = `The turn made ${maxSteps} model calls and was not done.`;
    return failed('max_turns', describeError('TurnLimitReached', message, { limit: 'steps', max: maxSteps }));
  }
  if (totalTokens(usage) + totalTokens(totalUsage(children)) < maxTokens) return null;
  const message = `The turn used its ${maxTokens} tokens and was not done.`;
  return failed(
    'max_tokens',
    describeError('TurnLimitReached', message, { limit: 'tokens', max: maxTokens }),
  );
}

/** The state with the tokens of a model call. */
export function count(state: TurnState, reply: ModelAnswer): TurnState {
  const entry: UsageEntry = { source: 'turn', model: reply.model, usage: reply.usage };
  const usage = addUsage(state.usage, reply.usage);
  return usage === state.usage ? state : { ...state, usage, uncounted: [...state.uncounted, entry] };
}

/** The state with what child sessions used, which is still to be counted. */
export function countChildren(state: TurnState, spent: readonly UsageEntry[] | undefined): TurnState {
  if (spent === undefined) return state;
  return { ...noteChildren(state, spent), uncounted: [...state.uncounted, ...spent] };
}

/** The state with what child sessions used. */
export function noteChildren(state: TurnState, spent: readonly UsageEntry[] | undefined): TurnState {
  if (spent === undefined) return state;
  return { ...state, children: addToLedger(state.children ?? [], spent) };
}

/** Tells the tokens of a step that `counted` has counted. */
export function usageEffect(counted: TurnState, step: number, reply: ModelAnswer): TurnEffect {
  const { turnId } = counted.config;
  return {
    type: 'emit',
    activity: { type: 'usage-counted', turnId, step, usage: reply.usage, cumulative: counted.usage },
  };
}

/** A model's answer as a node. */
export function assistantNode(
  state: TurnState,
  reply: ModelAnswer,
  status: NonNullable<Message['status']>,
  createdAt: number,
): NodeDraft {
  const message: Message = { role: 'assistant', parts: reply.parts, status };
  const { turnId } = state.config;
  return {
    createdAt,
    body: { kind: 'conversation', message, turnId, model: reply.model, usage: reply.usage },
  };
}

/** An end that says what went wrong. */
export function failed(reason: TurnEnd['reason'], error: WireError): TurnEnd {
  return { status: 'failed', reason, error };
}

/** The end of a turn that was answered. */
export const ANSWERED: TurnEnd = { status: 'completed', reason: 'assistant_message' };

/** The end of a turn that was stopped. */
export const CANCELLED: TurnEnd = { status: 'cancelled', reason: 'cancelled' };
