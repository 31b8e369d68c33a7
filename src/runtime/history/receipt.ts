import type { CommitReceipt } from '../../contract/store.ts';
import { LashError } from '../../core/error.ts';
import type { NodeDraft, SessionNode } from '../../core/node.ts';

/** The nodes of a commit, as the store made them. */
export function writtenNodes(
  { nodeIds }: CommitReceipt,
  parentId: string | null,
  drafts: readonly NodeDraft[],
): readonly SessionNode[] {
  let parent = parentId;
  return drafts.map((draft, index) => {
    const id = nodeIds[index];
    if (id === undefined)
      throw new LashError('Internal', 'The receipt has fewer ids than nodes were added', {});
    const node = { ...draft, id, parentId: parent };
    parent = id;
    return node;
  });
}

/**
 * Refuses a receipt that does not tell of the commit that was asked for. A store that lost its connection finds out by a
 * replay that the commit was done: then it made the next revision. Any other replay is of an earlier operation.
 *
 * @throws `OperationConflict`
 */
export function checkReceipt({ operationId, replayed, revision }: CommitReceipt, expected: number): void {
  if (!replayed || revision === expected + 1) return;
  const message = `The operation ${operationId} was done before; nothing was added.`;
  throw new LashError('OperationConflict', message, { operationId });
}

/** Whether another writer had gone on from the commit when the store found out that it was done. */
export function isOvertaken({ revision, head }: CommitReceipt): boolean {
  return head.revision !== revision;
}
