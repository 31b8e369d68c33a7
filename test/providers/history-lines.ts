import type { SessionNode } from 'lash-web';

/** A node in one line. */
export function lineOf({ body }: SessionNode): string {
  if (body.kind === 'conversation') {
    const { role, parts } = body.message;
    return `${role}: ${parts.flatMap((part) => (part.type === 'text' ? part.text : [])).join('')}`;
  }
  if (body.kind === 'plugin') return 'plugin';
  const { callId, outcome } = body.invocation;
  return `tool ${callId}: ${outcome.status === 'success' ? JSON.stringify(outcome.value) : outcome.status}`;
}
