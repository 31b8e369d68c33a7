import type { PluginHost } from '../../contract/plugin-host.ts';
import type { CommitBudget } from '../../contract/store.ts';

/** What the states of a session's plugins may take together, in bytes of JSON. */
export function stateBudget({ bytes }: CommitBudget): number {
  return Math.min(256 * 1024, Math.floor(bytes / 4));
}

/** What the nodes of a commit may take: where plugins have states, there is always room for them (law ST13). */
export function nodeBudget(whole: CommitBudget, { plugins }: PluginHost): CommitBudget {
  if (!plugins.some(({ state }) => state !== undefined)) return whole;
  return { rows: whole.rows, bytes: whole.bytes - stateBudget(whole) };
}
