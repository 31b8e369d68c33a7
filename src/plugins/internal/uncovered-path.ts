import type { TurnPath } from '../../contract/plugin.ts';
import type { SessionNode } from '../../core/node.ts';
import { beginsTurn, isTurn } from './path-turns.ts';
import { type Summary, summaryOf } from './summary-node.ts';

/** The end of a path that no summary stands for, and the newest summary, which stands for what lies before it. */
export interface UncoveredPath {
  readonly summary: { readonly node: SessionNode; readonly said: Summary } | null;
  /** Oldest first, without nodes of plugins. */
  readonly nodes: readonly SessionNode[];
}

/**
 * Of what is read at most, a node counts for no more than this part: of a long one the whole is not read, and what it lies
 * behind must not be lost for it.
 */
const MOST_OF_NODE = 1 / 16;

/** How a path is read backwards. */
interface Reading {
  /** What was read already: the newest nodes of the path. */
  readonly newest: readonly SessionNode[];
  /** What becomes of older ones. */
  readonly older: (node: SessionNode) => SessionNode;
  /** Where nothing older is read any more, in tokens of what was read besides the newest turn. */
  readonly maxTokens: number;
}

/**
 * Reads a path backwards to where the newest summary on it ends; to the root, or to `maxTokens`, where there is none.
 */
export async function uncoveredPath(path: TurnPath, reading: Reading): Promise<UncoveredPath> {
  const { newest, older, maxTokens } = reading;
  const found: SessionNode[] = [];
  let summary: UncoveredPath['summary'] = null;
  let tokens = 0;
  let isOld = false;
  /** Whether nothing older is needed. */
  const take = (node: SessionNode, change: (node: SessionNode) => SessionNode): boolean => {
    if (node.body.kind !== 'plugin') {
      const taken = change(node);
      if (isOld) tokens += Math.min(path.tokensOf(taken), MOST_OF_NODE * maxTokens);
      isOld ||= beginsTurn(node);
      found.push(taken);
      return summary !== null && isTurn(node, summary.said.beforeTurn);
    }
    const said = summary === null ? summaryOf(node) : undefined;
    if (said !== undefined) summary = { node, said };
    return false;
  };
  const told = (): UncoveredPath => ({ summary, nodes: found.toReversed() });
  for (const node of newest.toReversed()) if (take(node, (same) => same)) return told();
  const oldest = newest[0];
  if (oldest?.parentId === null) return told();
  for await (const page of path.pages(oldest?.parentId)) {
    for (const node of page.toReversed()) if (take(node, older) || tokens > maxTokens) return told();
  }
  return told();
}
