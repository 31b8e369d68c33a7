import type { ToolCallPart } from '../core/message.ts';
import type { NodeDraft } from '../core/node.ts';
import type { ToolInvocation, ToolOutcome } from '../core/tool-call.ts';
import { reach, type Transition } from './boundary.ts';
import type { TurnEffect } from './effect.ts';
import { openEffects, toolEffectId } from './open-effects.ts';
import type { TurnEnd, TurnPhase, TurnState } from './state.ts';

/** The phase of a turn whose tools run. */
export type ToolPhase = Extract<TurnPhase, { readonly name: 'running-tools' }>;

/** How a call ended, and when. */
interface Ended {
  readonly outcome: ToolOutcome;
  readonly durationMs: number;
  readonly successor?: string;
  readonly at: number;
}

/** Asks for all calls of an answer at once. */
export function runTools(state: TurnState, answer: NodeDraft, calls: readonly ToolCallPart[]): Transition {
  const nothing = calls.map(() => null);
  const phase: ToolPhase = { name: 'running-tools', answer, calls, invocations: nothing, held: nothing };
  const { turnId } = state.config;
  const effects: TurnEffect[] = [];
  for (const { callId, tool, args } of calls) {
    effects.push({ type: 'emit', activity: { type: 'tool-started', turnId, callId, tool, args } });
  }
  const next: TurnState = { ...state, phase };
  return [next, [...effects, ...openEffects(next)]];
}

/** The place of the open call that an effect is about, or -1. */
export function openCall(state: TurnState, phase: ToolPhase, effect: string): number {
  const index = phase.calls.findIndex((_, at) => toolEffectId(state.step - 1, at) === effect);
  return phase.invocations[index] === null ? index : -1;
}

/** The outcome of one call; with that of the last one the round is done, in call order (law TU9). */
export function toolFinished(state: TurnState, phase: ToolPhase, index: number, ended: Ended): Transition {
  const call = phase.calls[index];
  if (call === undefined) return [state, []];
  const { turnId } = state.config;
  const { callId, tool, args } = call;
  const { outcome, durationMs } = ended;
  const passed: TurnState =
    ended.successor === undefined ? state : { ...state, successor: state.successor ?? ended.successor };
  const invocation: ToolInvocation = { callId, tool, args, outcome, durationMs };
  const invocations = phase.invocations.with(index, invocation);
  const done: TurnEffect = {
    type: 'emit',
    activity: { type: 'tool-completed', turnId, callId, tool, outcome, durationMs },
  };
  const complete = invocations.filter((known) => known !== null);
  if (complete.length < invocations.length) {
    const held = phase.held.with(index, null);
    return [{ ...passed, phase: { ...phase, invocations, held } }, [done]];
  }
  const nodes = complete.map((known): NodeDraft => ({
    createdAt: ended.at,
    body: { kind: 'tool', invocation: known, turnId },
  }));
  const { successor } = passed;
  const end: TurnEnd | null =
    successor === undefined || state.stop !== null
      ? null
      : { status: 'completed', reason: 'handoff', successor };
  const [next, effects] = reach(passed, [phase.answer, ...nodes], end);
  return [next, [done, ...effects]];
}

/** Calls that are held never run when the turn is stopped; those that run are told to stop. */
export function stopTools(state: TurnState, phase: ToolPhase, reason: string, at: number): Transition {
  let result: Transition = [state, []];
  for (const [index, wait] of phase.held.entries()) {
    const [{ phase: present }, before] = result;
    if (wait === null || present.name !== 'running-tools') continue;
    const outcome = { status: 'cancelled', message: reason } as const;
    const [next, effects] = toolFinished(result[0], present, index, { outcome, durationMs: 0, at });
    result = [next, [...before, ...effects]];
  }
  const [next, effects] = result;
  return next.phase.name === 'running-tools' ? [next, [...effects, { type: 'stop-tools', reason }]] : result;
}
