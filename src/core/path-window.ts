import type { PathWindow } from './event.ts';
import { nodeBytes } from './node-bytes.ts';
import type { SessionNode } from './node.ts';

/** How many nodes a view's window holds at most (law RE2). */
export const VIEW_WINDOW = 400;

/** How many bytes the nodes of a view's window take at most, unless it is one node alone (law RE2). */
export const VIEW_BYTES: number = 4 * 1024 * 1024;

/** What a window may hold besides {@link VIEW_WINDOW}; `atLeast` nodes stay however many bytes they take. */
export interface WindowBounds {
  readonly maxBytes: number;
  readonly atLeast: 0 | 1;
}

/** The bounds of what a page holds. */
export const PAGE_BOUNDS: WindowBounds = { maxBytes: VIEW_BYTES, atLeast: 1 };

/** The newest nodes of `window` that stay within the bounds. */
export function newestOf({ start, nodes }: PathWindow, bounds: WindowBounds): PathWindow {
  const excess = nodes.length - countWithin(nodes.toReversed(), bounds);
  return { start: start + excess, nodes: nodes.slice(excess) };
}

/** The oldest nodes of `window` that stay within the bounds. */
export function oldestOf({ start, nodes }: PathWindow, bounds: WindowBounds): PathWindow {
  return { start, nodes: nodes.slice(0, countWithin(nodes, bounds)) };
}

function countWithin(nodes: readonly SessionNode[], { maxBytes, atLeast }: WindowBounds): number {
  let bytes = 0;
  const end = nodes.findIndex((node, index) => {
    bytes += nodeBytes(node);
    return index >= VIEW_WINDOW || (index >= atLeast && bytes > maxBytes);
  });
  return end < 0 ? nodes.length : end;
}
