import type { SessionNode } from '../core/node.ts';
import { messageOf } from '../core/node.ts';
import type { SessionPath } from '../core/path.ts';
import { estimateNodeTokens } from './estimate.ts';

/** The part of a path that a model reads: the nodes from `start` to the leaf. */
export interface ContextWindow {
  readonly start: number;
  readonly nodes: readonly SessionNode[];
}

/**
 * The default context policy: the newest whole turns that fit into `budgetTokens`, and always the newest one. A turn
 * begins with a user's message. It reads the path backwards and no further than it shows (law TU2).
 */
export function selectContext(path: SessionPath, budgetTokens: number): ContextWindow {
  let start = path.length;
  let tokens = 0;
  for (let index = path.length - 1; index >= 0; index--) {
    const node = path.nodes.get(index);
    if (node === undefined) break;
    tokens += estimateNodeTokens(node);
    if (tokens > budgetTokens && start < path.length) break;
    if (messageOf(node, 'user') !== undefined || index === 0) start = index;
  }
  return { start, nodes: path.nodes.slice(start) };
}

/** How many tokens of a model's context the path may take: the rest is for the answer, the prompt and the tools. */
export function contextBudget(maxContextTokens: number, promptTokens: number): number {
  const answer = Math.min(4096, Math.floor(maxContextTokens / 4));
  return Math.max(0, maxContextTokens - answer - promptTokens);
}
