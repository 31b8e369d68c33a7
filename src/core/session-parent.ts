/** Whose child a session is; written when it is created, and never changed. */
export interface SessionParent {
  readonly sessionId: string;
  /** `child` works for its parent. `handoff` goes on with the parent's conversation in its place. */
  readonly relation: 'child' | 'handoff';
  /** What its tokens are counted as in the parent's ledger. */
  readonly source: string;
  /** How many ancestors it has: 1 for the child of a session that has none. */
  readonly depth: number;
}
