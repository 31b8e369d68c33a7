import { describeError, type WireError } from '../core/error.ts';
import { type Message, toolCallsOf } from '../core/message.ts';
import {
  ANSWERED,
  assistantNode,
  CANCELLED,
  count,
  failed,
  finish,
  reach,
  type Transition,
  usageEffect,
} from './boundary.ts';
import type { TurnEffect } from './effect.ts';
import type { TurnInputEvent } from './input.ts';
import { openEffects } from './open-effects.ts';
import { isRetried, retryDelayMs } from './retry.ts';
import type { ModelAnswer, TurnEnd, TurnState } from './state.ts';
import { runTools } from './tool-step.ts';

/** Makes the next model call, or the next attempt at it. */
export function callModel(state: TurnState): Transition {
  const { turnId } = state.config;
  const { step, attempt } = state;
  const correlationId = `${turnId}:${step}:${attempt}`;
  const phase = { name: 'calling', effect: `model-${step}-${attempt}`, correlationId, held: null } as const;
  const next: TurnState = { ...state, phase };
  return [
    next,
    [
      { type: 'emit', activity: { type: 'step-started', turnId, step, attempt, correlationId } },
      ...openEffects(next),
    ],
  ];
}

/** The model's answer is a step that is done, calls of tools, or a failed attempt. */
export function modelAnswered(
  state: TurnState,
  correlationId: string,
  { answer: reply, value, at }: Extract<TurnInputEvent, { readonly type: 'model-answered' }>,
): Transition {
  const message: Message = { role: 'assistant', parts: reply.parts, status: 'complete' };
  const calls = toolCallsOf(message);
  if (state.stop !== null) return modelStopped(count(state, reply), reply, at);
  if (reply.finish === 'missing' && state.config.treatMissingDoneAsFailure) {
    const error = describeError(
      'ProviderStreamInterrupted',
      'The model stopped in the middle of its answer.',
      {},
    );
    return modelFailed(state, correlationId, error, at);
  }
  if (reply.finish === 'content-filter') {
    const error = describeError('ContentFiltered', "The model's safety filter stopped the answer.", {});
    return modelFailed(count(state, reply), correlationId, error, at);
  }
  if (reply.finish === 'length') return modelCutOff(count(state, reply), correlationId, reply, at);
  if (calls.length === 0 && !hasText(reply)) {
    const error = describeError('ProviderEmptyResponse', 'The model answered with nothing.', {});
    return modelFailed(count(state, reply), correlationId, error, at);
  }
  const counted: TurnState = { ...count(state, reply), step: state.step + 1, attempt: 1 };
  const usage = usageEffect(counted, state.step, reply);
  const node = assistantNode(state, reply, 'complete', at);
  const end: TurnEnd = value === undefined ? ANSWERED : { ...ANSWERED, value };
  const [next, effects] = calls.length === 0 ? reach(counted, [node], end) : runTools(counted, node, calls);
  return [next, [usage, ...effects]];
}

/** A failed attempt is withdrawn, and made again if that may help. */
export function modelFailed(
  state: TurnState,
  correlationId: string,
  error: WireError,
  at: number,
): Transition {
  const { turnId, retries } = state.config;
  const withdrawn = withdrawal(turnId, correlationId);
  if (state.stop !== null || !isRetried(error, state.attempt, retries)) {
    const [next, effects] = finish(state, state.stop?.end ?? failed(endReason(error), error));
    return [next, [withdrawn, ...effects]];
  }
  const attempt = state.attempt + 1;
  const waitMs = retryDelayMs(error, state.attempt, retries);
  const id = `wait-${state.step}-${attempt}`;
  const until = at + waitMs;
  const { maxAttempts } = retries;
  return [
    { ...state, attempt, phase: { name: 'waiting', effect: id, until } },
    [
      withdrawn,
      { type: 'emit', activity: { type: 'retry-scheduled', turnId, attempt, maxAttempts, waitMs, error } },
      { type: 'wait', id, until },
    ],
  ];
}

/** The text so far stays, as an answer that was stopped (law TU5). */
export function modelStopped(state: TurnState, reply: ModelAnswer, at: number): Transition {
  const end = state.stop?.end ?? CANCELLED;
  if (!hasText(reply)) return finish(state, end);
  return reach(state, [assistantNode(state, withoutCalls(reply), 'cancelled', at)], end);
}

/** The output limit ends the turn with the text so far; an answer without any is withdrawn. */
function modelCutOff(state: TurnState, correlationId: string, reply: ModelAnswer, at: number): Transition {
  const usage = usageEffect(state, state.step, reply);
  const answered: TurnState = { ...state, step: state.step + 1, attempt: 1 };
  if (hasText(reply)) {
    const node = assistantNode(state, withoutCalls(reply), 'incomplete', at);
    const [next, effects] = reach(answered, [node], INCOMPLETE);
    return [next, [usage, ...effects]];
  }
  const [next, effects] = finish(answered, INCOMPLETE);
  return [next, [usage, withdrawal(state.config.turnId, correlationId), ...effects]];
}

/** Who is to be looked at for a call that was not made, or failed. */
function endReason({ code }: WireError): TurnEnd['reason'] {
  if (code === 'TurnAborted') return 'plugin_abort';
  return code === 'PluginFailed' ? 'plugin_error' : 'provider_error';
}

function withdrawal(turnId: string, correlationId: string): TurnEffect {
  return { type: 'emit', activity: { type: 'attempt-withdrawn', turnId, correlationId } };
}

/** Calls of an answer that was not finished never ran: without them the model is not shown calls without results. */
function withoutCalls(reply: ModelAnswer): ModelAnswer {
  return { ...reply, parts: reply.parts.filter((part) => part.type !== 'tool-call') };
}

function hasText(reply: ModelAnswer): boolean {
  return reply.parts.some((part) => part.type === 'text' && part.text !== '');
}

const INCOMPLETE: TurnEnd = failed(
  'incomplete',
  describeError('OutputLimitReached', 'The model reached its output limit.', {}),
);
