import type { JsonObject } from '../../core/json.ts';
import type { SessionNode } from '../../core/node.ts';

/** The `pluginType` of a summary on a path. */
export const SUMMARY_TYPE = 'rolling-history.summary';

/** What a summary says, and what it stands for: the nodes of the path before the user's message of this number. */
export interface Summary {
  readonly text: string;
  readonly beforeTurn: number;
  /** The session that made it. */
  readonly childSessionId?: string;
}

/** The summary that a node holds, if it holds one that can be read: an imported file may hold anything. */
export function summaryOf({ body }: SessionNode): Summary | undefined {
  if (body.kind !== 'plugin' || body.pluginType !== SUMMARY_TYPE) return undefined;
  const { version, text, covers, childSessionId } = fieldsOf(body.data);
  const { beforeTurn } = fieldsOf(covers);
  if (version !== 1 || typeof text !== 'string' || typeof beforeTurn !== 'number') return undefined;
  return { text, beforeTurn, ...(typeof childSessionId === 'string' ? { childSessionId } : {}) };
}

/** The message that the model is shown in place of all that a summary stands for. */
export function summaryMessage(node: SessionNode, { text }: Summary): SessionNode {
  const told = `[Summary of the conversation before this point]\n${text}`;
  const message = { role: 'user', parts: [{ type: 'text', text: told }] } as const;
  return { ...node, body: { kind: 'conversation', message } };
}

function fieldsOf(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
