import type { ConversationBody, SessionView } from 'lash-web';

/** The tokens that the running turn has used, or else the one that ends the path, as its messages tell. */
export function turnTokens({ turn, window }: SessionView): number {
  const messages = window.nodes.flatMap(({ body }) => (body.kind === 'conversation' ? [body] : []));
  const turnId = turn?.turnId ?? messages.at(-1)?.turnId;
  return messages.reduce((sum, message) => (message.turnId === turnId ? sum + tokensOf(message) : sum), 0);
}

function tokensOf({ usage }: ConversationBody): number {
  return usage === undefined ? 0 : usage.inputTokens + usage.outputTokens;
}
