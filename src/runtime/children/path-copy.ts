import type { CommitBudget, SessionStore } from '../../contract/store.ts';
import { fitCommits } from '../history/overflow.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';

/** How many nodes are read at a time. */
const PAGE = 100;

/** Where a path is copied from, and to: a session that is being made. */
interface PathCopy {
  readonly from: SessionStore;
  readonly to: SessionStore;
  readonly attachments: SessionAttachmentStore;
  readonly budget: CommitBudget;
}

/**
 * Copies the path that ends at `leaf`, absent: the active one, within the commit budget (law ST13), and what plugins keep where
 * it ends (rule PS1). Resolves with the copy of its end.
 *
 * @throws `NodeNotFound`, `StoredDataCorrupt`
 */
export async function copyPath(
  { from, to, attachments, budget }: PathCopy,
  leaf: string | null | undefined,
): Promise<string | null> {
  const end = leaf === undefined ? (await from.load({ kind: 'head' })).head.leaf : leaf;
  if (end === null) return null;
  const { start: depth, checkpoint } = await from.load({
    kind: 'path',
    leaf: end,
    limit: 1,
    checkpoint: true,
  });
  let parentId: string | null = null;
  let commits = 0;
  for (let start = 0; start <= depth; start += PAGE) {
    const before = Math.min(start + PAGE, depth + 1);
    const page = await from.load({ kind: 'path', leaf: end, before, limit: before - start });
    const drafts = page.nodes.map(({ createdAt, body }) => ({ createdAt, body }));
    for (const nodes of await fitCommits(drafts, attachments, budget)) {
      const { leaf: last } = await to.commit({
        operationId: `copy-${commits + 1}`,
        expectedRevision: commits,
        epoch: 0,
        change: { kind: 'append', parentId, nodes },
        usage: [],
      });
      parentId = last;
      commits++;
    }
  }
  // Beside the nodes there need not be room for it.
  if (checkpoint) {
    await to.commit({
      operationId: 'copy-checkpoint',
      expectedRevision: commits,
      epoch: 0,
      change: { kind: 'unchanged' },
      usage: [],
      checkpoint: checkpoint.components,
    });
  }
  return parentId;
}
