import type { TurnWait } from '../core/turn-wait.ts';
import type { CommitRole, TurnEffect, TurnSpending } from './effect.ts';
import type { TurnPhase, TurnState } from './state.ts';

/**
 * The effects that a turn waits for, as it asked for them: what is to be performed again where nobody performs it any
 * more. The turn's first commit is not among them, since a turn that was not accepted is not gone on with.
 */
export function openEffects(state: TurnState): readonly TurnEffect[] {
  const { phase, step, attempt, leaf } = state;
  switch (phase.name) {
    case 'calling': {
      const { effect: id, correlationId } = phase;
      return phase.held === null ? [{ type: 'call-model', id, leaf, step, attempt, correlationId }] : [];
    }
    case 'waiting':
      return [{ type: 'wait', id: phase.effect, until: phase.until }];
    case 'running-tools':
      return phase.calls.flatMap((call, index): readonly TurnEffect[] =>
        phase.invocations[index] === null && phase.held[index] === null
          ? [{ type: 'run-tool', id: toolEffectId(step - 1, index), call }]
          : [],
      );
    case 'collecting':
      return [{ type: 'collect', id: phase.effect }];
    case 'committing':
      return [commitOf(state, phase)];
    default:
      return [];
  }
}

/** An effect that cannot be performed before something is brought. */
export interface HeldEffect {
  readonly effect: string;
  readonly wait: TurnWait;
}

/** What is held, in call order. */
export function heldEffects({ phase, step }: TurnState): readonly HeldEffect[] {
  switch (phase.name) {
    case 'calling':
      return phase.held === null ? [] : [{ effect: phase.effect, wait: phase.held }];
    case 'running-tools':
      return phase.held.flatMap((wait, index) =>
        wait === null ? [] : [{ effect: toolEffectId(step - 1, index), wait }],
      );
    default:
      return [];
  }
}

/** The ids of the effects that are open or held: whoever ran the turn may have performed them. */
export function performedEffects(state: TurnState): readonly string[] {
  const open = openEffects(state).flatMap((effect) => ('id' in effect ? [effect.id] : []));
  return [...open, ...heldEffects(state).map(({ effect }) => effect)];
}

/** What the turn waits for that somebody else has to bring, in call order. */
export function waitsOf(state: TurnState): readonly TurnWait[] {
  return heldEffects(state).map(({ wait }) => wait);
}

/** What the turn waits for, if all that is open is held; else `null`. */
export function suspensionOf(state: TurnState): readonly TurnWait[] | null {
  const waits = waitsOf(state);
  const open =
    state.phase.name === 'running-tools'
      ? state.phase.invocations.filter((known) => known === null).length
      : 1;
  return waits.length === 0 || waits.length < open ? null : waits;
}

/** The id of the effect that runs a tool: a step's calls are counted from 0. */
export function toolEffectId(step: number, index: number): string {
  return `tool-${step}-${index}`;
}

/** The step that such an effect is of. */
export function stepOfTool(effect: string): number {
  return Number(effect.split('-')[1]);
}

/** What the turn used so far. */
export function spendingOf({ usage, children }: TurnState): TurnSpending {
  return { usage, ...(children === undefined ? {} : { children }) };
}

function commitOf(
  state: TurnState,
  { effect: id, nodes, end, inputs }: Extract<TurnPhase, { readonly name: 'committing' }>,
): TurnEffect {
  const { config, commits, leaf: parent, uncounted: usage } = state;
  const role: CommitRole =
    end === null || inputs.length > 0
      ? { kind: 'progress', settles: inputs.map(({ inputId }) => inputId) }
      : { kind: 'end', end, ...spendingOf(state) };
  return {
    type: 'commit',
    id,
    operationId: `${config.turnId}/${commits - 1}`,
    parent,
    nodes: [...nodes, ...inputs.map(({ draft }) => draft)],
    target: 'stay',
    usage,
    role,
  };
}
