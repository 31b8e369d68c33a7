import type { TurnInputEvent } from './input.ts';
import { transition } from './machine.ts';
import type { TurnState } from './state.ts';

/**
 * What is stored of a turn with each of its commits: the state that asked for the commit, without the nodes, which are
 * history. That the commit is there says that it was answered.
 */
export function snapshotOf(state: TurnState): TurnState {
  const { phase } = state;
  return phase.name === 'committing' ? { ...state, phase: { ...phase, nodes: [] } } : state;
}

/**
 * The state of a turn whose last commit left `leaf` behind, after the inputs that were recorded since. What it asks for
 * is what its `openEffects` are (law TU3).
 */
export function replay(
  snapshot: TurnState,
  leaf: string | null,
  inputs: readonly TurnInputEvent[],
): TurnState {
  const { phase } = snapshot;
  let state = snapshot;
  if (phase.name === 'accepting' || phase.name === 'committing') {
    [state] = transition(state, { type: 'committed', effect: phase.effect, leaf });
  }
  for (const input of inputs) [state] = transition(state, input);
  return state;
}

/**
 * Whether an input has to be stored before anything follows from it. A commit that follows says all by itself; that
 * something was brought is found out again.
 */
export function isRecorded(before: TurnState, input: TurnInputEvent, after: TurnState): boolean {
  switch (input.type) {
    case 'model-answered':
    case 'model-failed':
    case 'model-stopped':
    case 'tool-finished':
    case 'waited':
    case 'held':
    case 'cancel':
    case 'limit':
      return after !== before && !isAtCommit(after);
    default:
      return false;
  }
}

function isAtCommit({ phase }: TurnState): boolean {
  return phase.name === 'committing' || phase.name === 'collecting' || phase.name === 'finished';
}
