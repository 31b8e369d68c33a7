/** One of several nodes with the same parent. `tip` is the leaf that was last written below it (the node itself if none). */
export interface Sibling {
  readonly nodeId: string;
  readonly tip: string;
}

/** A node and all that share its parent, itself included, oldest first: what a picker `‹ 2/3 ›` shows. */
export interface BranchPoint {
  readonly nodeId: string;
  readonly siblings: readonly Sibling[];
}
