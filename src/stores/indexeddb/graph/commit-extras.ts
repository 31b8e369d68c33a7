import { LashError } from '../../../core/error.ts';
import type { PlannedCheckpoint } from '../../rules/checkpoint-plan.ts';
import type { PlannedCommit } from '../../rules/commit-plan.ts';
import { adopt, ADOPTION_STORES } from '../attachments/adoption.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { StoreName } from '../rows/schema.ts';
import type { WrittenCommit } from './commit-writer.ts';
import type { LiveHead } from './decode.ts';

/** The object stores that {@link writeExtras} needs. */
export const EXTRA_STORES: readonly StoreName[] = ['checkpoints', 'components', ...ADOPTION_STORES];

/**
 * What few commits have, in the same transaction: adopts the attachments that the nodes refer to, and writes the
 * checkpoint. A commit that was done before has done it.
 *
 * @throws `AttachmentNotFound`, `ComponentNotFound`; the transaction must then not complete
 */
export async function writeExtras(
  rows: RowTransaction,
  { operationId, attachments, checkpoint }: PlannedCommit,
  { receipt, head }: WrittenCommit,
): Promise<void> {
  if (receipt.replayed) return;
  await Promise.all([
    adopt(rows, head.sessionId, operationId, attachments),
    checkpoint === undefined ? undefined : writeCheckpoint(rows, head, checkpoint),
  ]);
}

async function writeCheckpoint(
  rows: RowTransaction,
  { sessionId, revision, leaf, place }: LiveHead,
  { components, bodies, references }: PlannedCheckpoint,
): Promise<void> {
  if (leaf === null || place === null) return;
  const isStored = async (id: string): Promise<boolean> =>
    (await rows.lastKey('components', IDBKeyRange.only([sessionId, id]))) !== undefined;
  const [known, found] = await Promise.all([
    Promise.all(bodies.map(({ id }) => isStored(id))),
    Promise.all(references.map(isStored)),
  ]);
  const componentId = references[found.indexOf(false)];
  if (componentId !== undefined) {
    const message = `Session ${sessionId} has no checkpoint component ${componentId}`;
    throw new LashError('ComponentNotFound', message, { sessionId, componentId });
  }
  for (const [at, component] of bodies.entries()) {
    if (known[at] === false) rows.add('components', { sessionId, ...component });
  }
  rows.add('checkpoints', { sessionId, ...place, revision, nodeId: leaf, components });
}
