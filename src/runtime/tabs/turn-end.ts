import { describeError } from '../../core/error.ts';
import { toolCallsOf } from '../../core/message.ts';
import type { ConversationBody, SessionNode } from '../../core/node.ts';
import type { TurnResult } from '../../core/turn-result.ts';
import { addUsage, NO_USAGE } from '../../core/usage.ts';

/**
 * How a turn ended that ran elsewhere and said no more, as far as `nodes`, in order, tell. Why one without an answer ended
 * knows only who ran it.
 */
export function endOfTurn(turnId: string, nodes: Iterable<SessionNode>, head: string | null): TurnResult {
  let answer: ConversationBody | null = null;
  let leaf = head;
  let usage = NO_USAGE;
  for (const { id, body } of nodes) {
    if (body.kind === 'plugin' || body.turnId !== turnId) continue;
    leaf = id;
    answer = body.kind === 'conversation' && body.message.role === 'assistant' ? body : null;
    if (answer?.usage !== undefined) usage = addUsage(usage, answer.usage);
  }
  return { ...wayOf(answer), leaf, usage };
}

/** What the last node of a turn says, if it is an answer. */
function wayOf(answer: ConversationBody | null): Pick<TurnResult, 'status' | 'reason' | 'error'> {
  const status = answer?.message.status;
  if (status === 'cancelled') return { status, reason: 'cancelled' };
  if (status === 'incomplete') {
    const error = describeError('OutputLimitReached', 'The model reached its output limit.', {});
    return { status: 'failed', reason: 'incomplete', error };
  }
  if (status === 'complete' && answer !== null && toolCallsOf(answer.message).length === 0) {
    return { status: 'completed', reason: 'assistant_message' };
  }
  const error = describeError('WorkerLost', 'The tab that ran the turn is gone, or says no more', {});
  return { status: 'failed', reason: 'runtime_error', error };
}
