import type { TurnActivity } from '../../core/event.ts';
import type { LiveTurn } from '../../core/live-turn.ts';

/** What a turn shows that runs already, as the activity that made it: for whoever begins to listen to it. */
export function shownActivity({
  turnId,
  step,
  correlationId,
  text,
  toolCalls,
  waits,
}: LiveTurn): readonly TurnActivity[] {
  const shown: TurnActivity[] = [];
  if (correlationId !== null) shown.push({ type: 'step-started', turnId, step, attempt: 1, correlationId });
  if (correlationId !== null && text !== '') shown.push({ type: 'text-delta', turnId, correlationId, text });
  for (const { callId, tool, args, outcome } of toolCalls)
    if (outcome === undefined) shown.push({ type: 'tool-started', turnId, callId, tool, args });
  for (const childSessionId of new Set(waits.map((wait) => wait.childSessionId))) {
    const of = childSessionId === undefined ? {} : { childSessionId };
    const its = waits.filter((wait) => wait.childSessionId === childSessionId);
    shown.push({ type: 'turn-waiting', turnId, ...of, waits: its });
  }
  return shown;
}
