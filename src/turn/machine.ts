import type { WireError } from '../core/error.ts';
import {
  accept,
  CANCELLED,
  commitStep,
  count,
  countChildren,
  failed,
  finish,
  giveUp,
  limitReached,
  noteChildren,
  reach,
  type Transition,
} from './boundary.ts';
import type { TurnEffect } from './effect.ts';
import type { TurnInputEvent } from './input.ts';
import { callModel, modelAnswered, modelFailed, modelStopped } from './model-step.ts';
import { openEffects, suspensionOf, waitsOf } from './open-effects.ts';
import type { TurnEnd, TurnPhase, TurnState } from './state.ts';
import { openCall, stopTools, toolFinished } from './tool-step.ts';

/**
 * The turn machine of lash's standard mode: state and input in, state and effects out, nothing else (law TU2).
 *
 * - TM1 A turn commits its input first, then calls the model; each finished round of tools is committed before the next
 *   call, and the final answer with the turn's end.
 * - TM2 Every input sequence that ends a turn ends it with exactly one `finish`, and nothing follows it (law TU6).
 * - TM3 All calls of one answer run at once; their results are committed in call order (law TU9).
 * - TM4 A failed attempt is withdrawn before it is made again (law TU7).
 * - TM5 The first of cancellation and completion wins: once the final commit is asked for, a cancel changes nothing; a
 *   cancel before that ends the turn as cancelled, with the text so far as an assistant node (law TU5).
 * - TM6 An input that does not answer the present effect changes nothing.
 * - TM7 An effect that cannot be performed is held, and asked for again when it is released. Where all that is open is
 *   held, the turn asks to be suspended (law TU11).
 * - TM8 Before a step is committed the turn looks for input that came meanwhile, if a further step may answer it. What it
 *   finds is appended by that commit, and the model is called again (law TU10).
 * - TM9 What child sessions used within an effect counts once: of a model call that was held, what is told once it is made
 *   again, or else what was told as it was held.
 * - TM10 A turn whose calls passed the conversation on ends as `handoff` once they are over, and names the first session that
 *   was told; one that was stopped before that does not.
 */
export function transition(state: TurnState, input: TurnInputEvent): Transition {
  const { phase } = state;
  switch (input.type) {
    case 'start': {
      if (phase.name !== 'new') return [state, []];
      const [next, effects] = accept(state, input.input, input.target);
      const { turnId } = state.config;
      return [next, [{ type: 'emit', activity: { type: 'turn-started', turnId } }, ...effects]];
    }
    case 'cancel':
      return stop(state, input.reason, CANCELLED, input.at);
    case 'limit':
      return stop(state, input.error.message, failed('max_time', input.error), input.at);
    case 'crashed':
      return crashed(state, failed('runtime_error', input.error));
    case 'tool-finished': {
      if (phase.name !== 'running-tools') return [state, []];
      const index = openCall(state, phase, input.effect);
      if (index < 0) return [state, []];
      const counted = countChildren(state, input.spent);
      return suspended(toolFinished(counted, phase, index, input));
    }
    case 'held':
      return hold(state, input);
    case 'released':
      return release(state, input.effect);
    default:
      if (!('effect' in phase) || phase.effect !== input.effect) return [state, []];
      return answer(state, phase, input);
  }
}

type Answer = Exclude<
  Extract<TurnInputEvent, { readonly effect: string }>,
  { readonly type: 'tool-finished' | 'held' | 'released' }
>;

type Held = Extract<TurnInputEvent, { readonly type: 'held' }>;

type Committing = Extract<TurnPhase, { readonly name: 'committing' }>;

function answer(state: TurnState, phase: TurnPhase, input: Answer): Transition {
  switch (phase.name) {
    case 'accepting':
      if (input.type === 'commit-failed') return giveUp(state, failed('runtime_error', input.error));
      return input.type === 'committed' ? accepted(state, input.leaf) : [state, []];
    case 'collecting':
      if (input.type !== 'collected') return [state, []];
      return commitStep(state, phase.nodes, phase.end, state.stop === null ? input.inputs : []);
    case 'committing':
      if (input.type === 'commit-failed') return commitFailed(state, phase, input.error);
      return input.type === 'committed'
        ? committed(noteChildren(state, input.spent), phase, input.leaf)
        : [state, []];
    case 'calling':
      return called(state, phase.correlationId, input);
    case 'waiting':
      return input.type === 'waited' ? callModel(state) : [state, []];
    default:
      return [state, []];
  }
}

function called(before: TurnState, correlationId: string, input: Answer): Transition {
  const state = 'spent' in input ? countChildren(before, input.spent) : before;
  switch (input.type) {
    case 'model-answered':
      return modelAnswered(state, correlationId, input);
    case 'model-failed': {
      const counted = input.answer === undefined ? state : count(state, input.answer);
      return modelFailed(counted, correlationId, input.error, input.at);
    }
    case 'model-stopped':
      return modelStopped(count(state, input.answer), input.answer, input.at);
    default:
      return [before, []];
  }
}

function accepted(state: TurnState, leaf: string | null): Transition {
  const { turnId } = state.config;
  const [next, effects] = nextStep({ ...state, leaf, uncounted: [] });
  return [next, [{ type: 'emit', activity: { type: 'input-accepted', turnId, leaf } }, ...effects]];
}

function committed(state: TurnState, { end, inputs }: Committing, leaf: string | null): Transition {
  const next: TurnState = { ...state, leaf, uncounted: [] };
  return end === null || inputs.length > 0 ? nextStep(next) : giveUp(next, end);
}

function nextStep(state: TurnState): Transition {
  const end = state.stop?.end ?? limitReached(state);
  return end === null ? callModel(state) : finish(state, end);
}

/** What cannot be stored is left out: the turn ends, and its end is stored, or at least told. */
function commitFailed(state: TurnState, phase: Committing, error: WireError): Transition {
  const { nodes, end, inputs } = phase;
  if (inputs.length > 0 && error.code === 'InputNotQueued') return reach(state, nodes, end);
  const failure = failed('runtime_error', error);
  return nodes.length > 0 || inputs.length > 0 || end === null
    ? finish(state, failure)
    : giveUp(state, failure);
}

function crashed(state: TurnState, end: TurnEnd): Transition {
  switch (state.phase.name) {
    case 'finished':
      return [state, []];
    case 'new':
    case 'accepting':
    case 'committing':
      return giveUp(state, end);
    default:
      return finish(countHeld(state), end);
  }
}

function stop(state: TurnState, reason: string, end: TurnEnd, at: number): Transition {
  const { phase } = state;
  if (state.stop !== null || phase.name === 'finished') return [state, []];
  if (phase.name === 'committing' && phase.end !== null && phase.inputs.length === 0) return [state, []];
  const stopping: TurnState = { ...state, stop: { reason, end } };
  switch (phase.name) {
    case 'new':
      return giveUp(stopping, end);
    case 'calling':
      if (phase.held !== null) return finish(countHeld(stopping), end);
      return [stopping, [{ type: 'stop-model', id: phase.effect, reason }]];
    case 'running-tools':
      return stopTools(stopping, phase, reason, at);
    case 'waiting': {
      const [next, effects] = finish(stopping, end);
      return [next, [{ type: 'stop-waiting', id: phase.effect }, ...effects]];
    }
    default:
      return [stopping, []];
  }
}

function hold(state: TurnState, { effect, wait, at, spent }: Held): Transition {
  const { phase } = state;
  switch (phase.name) {
    case 'calling': {
      if (phase.effect !== effect) return [state, []];
      if (state.stop !== null) return finish(countChildren(state, spent), state.stop.end);
      return waiting({
        ...state,
        phase: { ...phase, held: wait, ...(spent === undefined ? {} : { spent }) },
      });
    }
    case 'running-tools': {
      const index = openCall(state, phase, effect);
      if (index < 0) return [state, []];
      const counted = countChildren(state, spent);
      const held: TurnState = { ...counted, phase: { ...phase, held: phase.held.with(index, wait) } };
      if (state.stop === null) return waiting(held);
      const outcome = { status: 'cancelled', message: state.stop.reason } as const;
      return toolFinished(counted, phase, index, { outcome, durationMs: 0, at });
    }
    default:
      return [state, []];
  }
}

function release(state: TurnState, effect: string): Transition {
  const { phase } = state;
  switch (phase.name) {
    case 'calling': {
      if (phase.effect !== effect || phase.held === null) return [state, []];
      const { spent: _, ...open } = phase;
      const released: TurnState = { ...state, phase: { ...open, held: null } };
      return [released, [tellWaits(released), ...openEffects(released)]];
    }
    case 'running-tools': {
      const index = openCall(state, phase, effect);
      if (index < 0 || phase.held[index] === null) return [state, []];
      const released: TurnState = { ...state, phase: { ...phase, held: phase.held.with(index, null) } };
      const again = openEffects(released).filter((open) => 'id' in open && open.id === effect);
      return [released, [tellWaits(released), ...again]];
    }
    default:
      return [state, []];
  }
}

/** The state with what child sessions used within a model call that is held, and is not made again. */
function countHeld(state: TurnState): TurnState {
  return state.phase.name === 'calling' ? countChildren(state, state.phase.spent) : state;
}

/** Tells what is held, and asks to be suspended if nothing else is open. */
function waiting(state: TurnState): Transition {
  return suspended([state, [tellWaits(state)]]);
}

function suspended([state, effects]: Transition): Transition {
  const waits = suspensionOf(state);
  return waits === null ? [state, effects] : [state, [...effects, { type: 'suspend', waits }]];
}

function tellWaits(state: TurnState): TurnEffect {
  const { turnId } = state.config;
  return { type: 'emit', activity: { type: 'turn-waiting', turnId, waits: waitsOf(state) } };
}
