import type { StoredTree } from '../runtime/stored-tree.ts';

/** The turn as it runs if nobody is killed. */
export interface TreeRecording {
  /** The stores of each writing transaction. */
  readonly seams: readonly string[];
  readonly stored: StoredTree;
  readonly faults: readonly string[];
}

/** What the next worker found and did. */
export interface TreeRecovery {
  /** What is stored in the end; `null` where it was killed too. */
  readonly stored: StoredTree | null;
  readonly faults: readonly string[];
}
