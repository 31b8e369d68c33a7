/** Whose child a session is; written when it is created, and never changed. */
export interface SessionParent {
  /** 1 to 128 bytes of UTF-8. It need not be there (any more). */
  readonly sessionId: string;
  /** `child` works for its parent. `handoff` goes on with the parent's conversation in its place. */
  readonly relation: 'child' | 'handoff';
  /** What its tokens are counted as in the parent's ledger: 1 to 128 bytes of UTF-8. */
  readonly source: string;
  /** How deep it is among children: 1 for the child of a session that is none. Who goes on for another one is as deep as that. */
  readonly depth: number;
}
