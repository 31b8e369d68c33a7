import type { PathWindow } from '../core/event.ts';
import { messageOf, type SessionNode } from '../core/node.ts';
import { estimateNodeTokens } from './estimate.ts';

/** How far a path was read, backwards from its leaf, to find what a model is shown of it. */
export interface ContextSelection {
  /** The part that was read. */
  readonly read: PathWindow;
  readonly tokens: number;
  /** The depth from which on the model is shown the path; `null` while no turn was read whole. */
  readonly start: number | null;
  /** Whether no older node is needed. */
  readonly done: boolean;
}

/** Nothing was read yet. */
export const NO_SELECTION: ContextSelection = {
  read: { start: 0, nodes: [] },
  tokens: 0,
  start: null,
  done: false,
};

/**
 * The default context policy: the newest whole turns that fit into `budgetTokens`, and always the newest one. A turn
 * begins with a user's message. It is given the path page by page, newest first, and looks no further than it shows
 * (law TU2). Of a tool's result it reads `resultBytes` at most.
 */
export function selectContext(
  selection: ContextSelection,
  page: PathWindow,
  budgetTokens: number,
  resultBytes: number,
): ContextSelection {
  const read = { start: page.start, nodes: [...page.nodes, ...selection.read.nodes] };
  let { tokens, start } = selection;
  for (let index = page.nodes.length - 1; index >= 0; index--) {
    const node = page.nodes[index] as SessionNode;
    tokens += estimateNodeTokens(node, resultBytes);
    if (tokens > budgetTokens && start !== null) return { read, tokens, start, done: true };
    const depth = page.start + index;
    if (messageOf(node, 'user') !== undefined || depth === 0) start = depth;
  }
  return { read, tokens, start, done: page.start === 0 };
}

/** What a model is shown: the path from `start` to the leaf. */
export function selectedPath({ read, start }: ContextSelection): PathWindow {
  return start === null ? read : { start, nodes: read.nodes.slice(start - read.start) };
}

/** How many tokens of a model's context the path may take: the rest is for the answer, the prompt and the tools. */
export function contextBudget(maxContextTokens: number, promptTokens: number): number {
  const answer = Math.min(4096, Math.floor(maxContextTokens / 4));
  return Math.max(0, maxContextTokens - answer - promptTokens);
}
