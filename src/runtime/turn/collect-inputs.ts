import type { CollectedInput, TurnState } from '../../turn/state.ts';
import { leastBytes } from '../history/overflow.ts';
import type { SessionParts } from '../model/model-caller.ts';
import { askOf, messageDraft } from './queued-input.ts';

/**
 * The queued inputs that the running turn is to read, in their order (law TU10): as many as fit one commit behind the nodes of
 * the step, since what is collected is not recorded before it is committed. The others are read at the next step, or begin the
 * next turn.
 */
export async function collectInputs(
  { turns, budget }: Pick<SessionParts, 'turns' | 'budget'>,
  { config, phase }: TurnState,
): Promise<readonly CollectedInput[]> {
  const nodes = phase.name === 'collecting' ? phase.nodes : [];
  const collected: CollectedInput[] = [];
  let rows = budget.rows - nodes.length;
  let bytes = budget.bytes - (await leastBytes(nodes, budget));
  for (const turn of await turns.pending()) {
    if (turn.status !== 'queued') continue;
    const { parts, into } = askOf(turn);
    if (into !== config.turnId || parts === null) continue;
    const draft = messageDraft(parts, turn.turnId, turn.at);
    rows -= 1;
    bytes -= await leastBytes([draft], budget);
    if (rows < 0 || bytes < 0) break;
    collected.push({ inputId: turn.turnId, draft });
  }
  return collected;
}
