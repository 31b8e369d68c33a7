import type { CommitBudget } from '../../contract/store.ts';

/** What a commit may hold where the host does not say: 512 nodes and 1 MiB (law ST13). */
export const DEFAULT_COMMIT_BUDGET: CommitBudget = Object.freeze({ rows: 512, bytes: 1024 * 1024 });
