import { describeError, type WireError } from '../core/error.ts';
import { type Message, toolCallsOf } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolInvocation } from '../core/tool-call.ts';
import { addUsage, NO_USAGE, type UsageEntry } from '../core/usage.ts';
import type { TurnEffect } from './effect.ts';
import type { TurnInputEvent } from './input.ts';
import { isRetried, retryDelayMs } from './retry.ts';
import type { ModelAnswer, TurnConfig, TurnEnd, TurnState } from './state.ts';

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
    cancel: null,
  };
}

/**
 * The turn machine of lash's standard mode: state and input in, state and effects out, nothing else (law TU2).
 *
 * - TM1 A turn commits its input first, then calls the model; each finished round of tools is committed before the next
 *   call, and the final answer before the end.
 * - TM2 Every input sequence that ends a turn ends it with exactly one `finish`, and nothing follows it (law TU6).
 * - TM3 All calls of one answer run at once; their results are committed in call order (law TU9).
 * - TM4 A failed attempt is withdrawn before it is made again (law TU7).
 * - TM5 The first of cancellation and completion wins: once the final commit is asked for, a cancel changes nothing; a
 *   cancel before that ends the turn as cancelled, with the text so far as an assistant node (law TU5).
 * - TM6 An input that does not answer the present effect changes nothing.
 */
export function transition(state: TurnState, input: TurnInputEvent): Transition {
  switch (input.type) {
    case 'start':
      return state.phase.name === 'new' ? start(state, input.input) : [state, []];
    case 'cancel':
      return cancel(state, input.reason);
    case 'crashed':
      return state.phase.name === 'finished'
        ? [state, []]
        : finish(state, failed('runtime_error', input.error));
    case 'tool-finished':
      return toolFinished(state, input);
    default:
      if (!('effect' in state.phase) || state.phase.effect !== input.effect) return [state, []];
      return answer(state, input);
  }
}

type Answer = Extract<TurnInputEvent, { readonly effect: string }>;

function start(state: TurnState, input: NodeDraft | null): Transition {
  const { turnId } = state.config;
  const started: TurnEffect = { type: 'emit', activity: { type: 'turn-started', turnId } };
  if (input !== null) {
    const [next, effects] = commit(state, [input], true, null);
    return [{ ...next, phase: { name: 'accepting', effect: effectId(next) } }, [started, ...effects]];
  }
  const accepted: TurnEffect = {
    type: 'emit',
    activity: { type: 'input-accepted', turnId, leaf: state.leaf },
  };
  const [next, effects] = callModel(state);
  return [next, [started, accepted, ...effects]];
}

function answer(state: TurnState, input: Answer): Transition {
  const { phase } = state;
  switch (phase.name) {
    case 'accepting':
    case 'committing': {
      if (input.type === 'commit-failed') return finish(state, failed('runtime_error', input.error));
      if (input.type !== 'committed') return [state, []];
      const end = phase.name === 'committing' ? phase.end : null;
      return committed({ ...state, leaf: input.leaf, uncounted: [] }, phase.name === 'accepting', end);
    }
    case 'calling':
      if (input.type === 'model-failed') return modelFailed(state, phase.correlationId, input.error);
      if (input.type === 'model-stopped')
        return modelStopped(count(state, input.answer), input.answer, input.at);
      if (input.type !== 'model-answered') return [state, []];
      return modelAnswered(state, phase.correlationId, input.answer, input.at);
    case 'waiting':
      return input.type === 'waited' ? callModel(state) : [state, []];
    default:
      return [state, []];
  }
}

function committed(state: TurnState, accepted: boolean, end: TurnEnd | null): Transition {
  const { turnId, maxSteps } = state.config;
  const effects: TurnEffect[] = accepted
    ? [{ type: 'emit', activity: { type: 'input-accepted', turnId, leaf: state.leaf } }]
    : [];
  const [next, more] =
    end !== null
      ? finish(state, end)
      : state.cancel !== null
        ? finish(state, CANCELLED)
        : state.step >= maxSteps
          ? finish(state, outOfSteps(maxSteps))
          : callModel(state);
  return [next, [...effects, ...more]];
}

function callModel(state: TurnState): Transition {
  const { turnId } = state.config;
  const { step, attempt, leaf } = state;
  const correlationId = `${turnId}:${step}:${attempt}`;
  const id = `model-${step}-${attempt}`;
  return [
    { ...state, phase: { name: 'calling', effect: id, correlationId } },
    [
      { type: 'emit', activity: { type: 'step-started', turnId, step, attempt, correlationId } },
      { type: 'call-model', id, leaf, step, attempt, correlationId },
    ],
  ];
}

function modelAnswered(state: TurnState, correlationId: string, reply: ModelAnswer, at: number): Transition {
  const message: Message = { role: 'assistant', parts: reply.parts, status: 'complete' };
  const calls = toolCallsOf(message);
  if (state.cancel !== null) return modelStopped(count(state, reply), reply, at);
  if (reply.finish === 'missing' && state.config.treatMissingDoneAsFailure) {
    const error = describeError(
      'ProviderStreamInterrupted',
      'The model stopped in the middle of its answer.',
      {},
    );
    return modelFailed(state, correlationId, error);
  }
  if (reply.finish === 'content-filter') {
    const error = describeError('ContentFiltered', "The model's safety filter stopped the answer.", {});
    return modelFailed(count(state, reply), correlationId, error);
  }
  if (reply.finish === 'length') return modelCutOff(count(state, reply), correlationId, reply, at);
  if (calls.length === 0 && !hasText(reply)) {
    const error = describeError('ProviderEmptyResponse', 'The model answered with nothing.', {});
    return modelFailed(count(state, reply), correlationId, error);
  }
  const counted: TurnState = { ...count(state, reply), step: state.step + 1, attempt: 1 };
  const usage = usageEffect(counted, state.step, reply);
  const node = assistantNode(state, reply, 'complete', at);
  if (calls.length === 0) {
    const [next, effects] = commit(counted, [node], false, ANSWERED);
    return [next, [usage, ...effects]];
  }
  const phase = { name: 'running-tools', answer: node, calls, invocations: calls.map(() => null) } as const;
  const { turnId } = state.config;
  const effects: TurnEffect[] = [usage];
  for (const { callId, tool, args } of calls) {
    effects.push({ type: 'emit', activity: { type: 'tool-started', turnId, callId, tool, args } });
  }
  for (const [index, call] of calls.entries())
    effects.push({ type: 'run-tool', id: toolId(state.step, index), call });
  return [{ ...counted, phase }, effects];
}

function modelFailed(state: TurnState, correlationId: string, error: WireError): Transition {
  const { turnId, retries } = state.config;
  const withdrawn: TurnEffect = {
    type: 'emit',
    activity: { type: 'attempt-withdrawn', turnId, correlationId },
  };
  if (state.cancel !== null || !isRetried(error, state.attempt, retries)) {
    const [next, effects] = finish(
      state,
      state.cancel === null ? failed('provider_error', error) : CANCELLED,
    );
    return [next, [withdrawn, ...effects]];
  }
  const attempt = state.attempt + 1;
  const waitMs = retryDelayMs(error, state.attempt, retries);
  const id = `wait-${state.step}-${attempt}`;
  const { maxAttempts } = retries;
  return [
    { ...state, attempt, phase: { name: 'waiting', effect: id } },
    [
      withdrawn,
      { type: 'emit', activity: { type: 'retry-scheduled', turnId, attempt, maxAttempts, waitMs, error } },
      { type: 'wait', id, ms: waitMs },
    ],
  ];
}

function modelStopped(state: TurnState, reply: ModelAnswer, at: number): Transition {
  if (!hasText(reply)) return finish(state, CANCELLED);
  return commit(state, [assistantNode(state, withoutCalls(reply), 'cancelled', at)], false, CANCELLED);
}

/** The output limit ends the turn with the text so far; an answer without any is withdrawn. */
function modelCutOff(state: TurnState, correlationId: string, reply: ModelAnswer, at: number): Transition {
  const usage = usageEffect(state, state.step, reply);
  const answered: TurnState = { ...state, step: state.step + 1, attempt: 1 };
  if (hasText(reply)) {
    const node = assistantNode(state, withoutCalls(reply), 'incomplete', at);
    const [next, effects] = commit(answered, [node], false, INCOMPLETE);
    return [next, [usage, ...effects]];
  }
  const { turnId } = state.config;
  const [next, effects] = finish(answered, INCOMPLETE);
  return [
    next,
    [usage, { type: 'emit', activity: { type: 'attempt-withdrawn', turnId, correlationId } }, ...effects],
  ];
}

/** Calls of an answer that was not finished never ran: without them the model is not shown calls without results. */
function withoutCalls(reply: ModelAnswer): ModelAnswer {
  return { ...reply, parts: reply.parts.filter((part) => part.type !== 'tool-call') };
}

function hasText(reply: ModelAnswer): boolean {
  return reply.parts.some((part) => part.type === 'text' && part.text !== '');
}

function toolFinished(
  state: TurnState,
  input: Extract<TurnInputEvent, { type: 'tool-finished' }>,
): Transition {
  const { phase } = state;
  if (phase.name !== 'running-tools') return [state, []];
  const index = phase.calls.findIndex((_, at) => toolId(state.step - 1, at) === input.effect);
  const call = phase.calls[index];
  if (call === undefined || phase.invocations[index] !== null) return [state, []];
  const { turnId } = state.config;
  const { callId, tool, args } = call;
  const { outcome, durationMs } = input;
  const invocations = phase.invocations.with(index, { callId, tool, args, outcome, durationMs });
  const done: TurnEffect = {
    type: 'emit',
    activity: { type: 'tool-completed', turnId, callId, tool, outcome, durationMs },
  };
  if (!invocations.every((invocation) => invocation !== null)) {
    return [{ ...state, phase: { ...phase, invocations } }, [done]];
  }
  const nodes = invocations.map((invocation) => toolNode(turnId, invocation, input.at));
  const [next, effects] = commit(state, [phase.answer, ...nodes], false, null);
  return [next, [done, ...effects]];
}

function cancel(state: TurnState, reason: string): Transition {
  const { phase } = state;
  if (state.cancel !== null || phase.name === 'finished') return [state, []];
  if (phase.name === 'committing' && phase.end !== null) return [state, []];
  const stopping: TurnState = { ...state, cancel: reason };
  switch (phase.name) {
    case 'calling':
      return [stopping, [{ type: 'stop-model', id: phase.effect, reason }]];
    case 'running-tools':
      return [stopping, [{ type: 'stop-tools', reason }]];
    case 'waiting': {
      const [next, effects] = finish(stopping, CANCELLED);
      return [next, [{ type: 'stop-waiting', id: phase.effect }, ...effects]];
    }
    case 'new':
      return finish(stopping, CANCELLED);
    default:
      return [stopping, []];
  }
}

function commit(
  state: TurnState,
  nodes: readonly NodeDraft[],
  accept: boolean,
  end: TurnEnd | null,
): Transition {
  const next: TurnState = { ...state, commits: state.commits + 1 };
  const id = effectId(next);
  const operationId = `${state.config.turnId}/${state.commits}`;
  return [
    { ...next, phase: { name: 'committing', effect: id, end } },
    [{ type: 'commit', id, operationId, parent: state.leaf, nodes, usage: state.uncounted, accept }],
  ];
}

/** Tokens that no node carries are counted by a commit of their own before the turn ends. */
function finish(state: TurnState, end: TurnEnd): Transition {
  if (state.uncounted.length > 0 && end.reason !== 'runtime_error') return commit(state, [], false, end);
  return [{ ...state, phase: { name: 'finished' } }, [{ type: 'finish', end, usage: state.usage }]];
}

function count(state: TurnState, reply: ModelAnswer): TurnState {
  const entry: UsageEntry = { source: 'turn', model: reply.model, usage: reply.usage };
  const usage = addUsage(state.usage, reply.usage);
  return usage === state.usage ? state : { ...state, usage, uncounted: [...state.uncounted, entry] };
}

function usageEffect(counted: TurnState, step: number, reply: ModelAnswer): TurnEffect {
  const { turnId } = counted.config;
  return {
    type: 'emit',
    activity: { type: 'usage-counted', turnId, step, usage: reply.usage, cumulative: counted.usage },
  };
}

function assistantNode(
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

function toolNode(turnId: string, invocation: ToolInvocation, createdAt: number): NodeDraft {
  return { createdAt, body: { kind: 'tool', invocation, turnId } };
}

function effectId(state: TurnState): string {
  return `commit-${state.commits - 1}`;
}

function toolId(step: number, index: number): string {
  return `tool-${step}-${index}`;
}

function failed(reason: TurnEnd['reason'], error: WireError): TurnEnd {
  return { status: 'failed', reason, error };
}

const ANSWERED: TurnEnd = { status: 'completed', reason: 'assistant_message' };
const CANCELLED: TurnEnd = { status: 'cancelled', reason: 'cancelled' };
const INCOMPLETE: TurnEnd = failed(
  'incomplete',
  describeError('OutputLimitReached', 'The model reached its output limit.', {}),
);

function outOfSteps(maxSteps: number): TurnEnd {
  const message = `The turn made ${maxSteps} model calls and was not done.`;
  return failed('max_turns', describeError('TurnLimitReached', message, { maxSteps }));
}
