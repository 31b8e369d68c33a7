import type { TurnActivity } from '../../core/event.ts';
import type { LiveToolCall, LiveTurn } from '../../core/live-turn.ts';
import { waitsOf } from '../../turn/open-effects.ts';
import type { TurnState } from '../../turn/state.ts';
import type { FoundTurn } from './turn-journal.ts';

/** What a turn shows that nobody runs at present (law TU8). */
export function liveTurnOf({ turnId, state, shown }: FoundTurn): LiveTurn {
  const { phase } = state;
  const joined = (kind: 'text' | 'reasoning'): string =>
    shown.map((text) => (text.kind === kind ? text.text : '')).join('');
  return {
    turnId,
    step: phase.name === 'running-tools' ? state.step - 1 : state.step,
    correlationId: phase.name === 'calling' ? phase.correlationId : null,
    text: joined('text'),
    reasoning: joined('reasoning'),
    toolCalls: phase.name === 'running-tools' ? toolCallsOf(phase) : [],
    retry: null,
    waits: waitsOf(state),
    warnings: [],
    interrupted: true,
  };
}

/** What is told where somebody goes on with a turn: a model call that was under way is withdrawn, and made again. */
export function repeatedActivity(
  turnId: string,
  { phase, step, attempt }: TurnState,
): readonly TurnActivity[] {
  if (phase.name !== 'calling') return [];
  const { correlationId } = phase;
  return [
    { type: 'attempt-withdrawn', turnId, correlationId },
    { type: 'step-started', turnId, step, attempt, correlationId },
  ];
}

function toolCallsOf({
  calls,
  invocations,
}: Extract<FoundTurn['state']['phase'], { readonly name: 'running-tools' }>): readonly LiveToolCall[] {
  return calls.map(({ callId, tool, args }, index) => {
    const outcome = invocations[index]?.outcome;
    return { callId, tool, args, ...(outcome === undefined ? {} : { outcome }) };
  });
}
