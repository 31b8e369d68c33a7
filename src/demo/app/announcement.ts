import { messageText, type PendingTurn, type SessionView } from 'lash-web';

import { oneLine } from './format.ts';
import { endedTaskIn } from './tasks.ts';

const LENGTH = 1000;
const ENDED = { failed: 'The answer failed.', cancelled: 'The answer was stopped.' } as const;

/** What a screen reader is told of what happened between two views of a session; `null` if there is nothing to tell. */
export function announcementOf(before: SessionView, after: SessionView): string | null {
  const told = [turnIn(before, after), endedTaskIn(before, after)].filter((part) => part !== null);
  return told.length === 0 ? null : told.join(' ');
}

/** What became of a turn, or of a message that waits. */
function turnIn(before: SessionView, after: SessionView): string | null {
  const { turn, lastTurn, queue } = after;
  if (lastTurn !== null && lastTurn.turnId !== before.lastTurn?.turnId)
    return lastTurn.result.status === 'completed' ? lastAnswer(after) : ENDED[lastTurn.result.status];
  if (turn !== null && turn.turnId !== before.turn?.turnId) return 'The model is answering.';
  const came = missingIn(before.queue, queue);
  if (came !== undefined)
    return came.inject === true
      ? 'The message waits to be read in this answer.'
      : 'The message waits; it is answered after this answer.';
  const gone = missingIn(queue, before.queue);
  if (gone === undefined) return null;
  return isRead(gone, after) ? 'The model reads the message now.' : 'The message was taken back.';
}

/** The first of `turns` that is not among `others`. */
function missingIn(others: readonly PendingTurn[], turns: readonly PendingTurn[]): PendingTurn | undefined {
  return turns.find(({ turnId }) => !others.some((other) => other.turnId === turnId));
}

/** Whether the message is part of the conversation: it carries the id of the turn that it was asked for as. */
function isRead({ turnId }: PendingTurn, { window }: SessionView): boolean {
  return window.nodes.some(({ body }) => body.kind === 'conversation' && body.turnId === turnId);
}

function lastAnswer({ window }: SessionView): string {
  const last = window.nodes.findLast(({ body }) => body.kind === 'conversation');
  return last?.body.kind === 'conversation' ? oneLine(messageText(last.body.message), LENGTH) : '';
}
