import { loadModule } from '../../contract/load-module.ts';
import type { CommitBudget } from '../../contract/store.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import type { JsonValue } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import { draftsBytes, jsonBytes, MAX_PART_BYTES } from './draft-size.ts';

/** The drafts in batches that each fit a commit. Parts that are too long move into attachments (law ST13). */
export async function fitCommits(
  drafts: readonly NodeDraft[],
  store: SessionAttachmentStore,
  budget: CommitBudget,
): Promise<readonly (readonly NodeDraft[])[]> {
  const batches: NodeDraft[][] = [];
  let bytes = 0;
  for (const draft of await moved(drafts, store, budget)) {
    const batch = batches.at(-1);
    const size = jsonBytes(draft);
    if (batch === undefined || batch.length === budget.rows || bytes + size > budget.bytes) {
      batches.push([draft]);
      bytes = size;
    } else {
      batch.push(draft);
      bytes += size;
    }
  }
  return batches;
}

/** How many bytes the drafts take at most in a commit, once all of them is in attachments that may be. */
export async function leastBytes(drafts: readonly NodeDraft[], budget: CommitBudget): Promise<number> {
  const bytes = draftsBytes(drafts);
  if (bytes <= Math.min(MAX_PART_BYTES, budget.bytes)) return bytes;
  const { movableBytes } = await loadModule('move-overflow', import('./move-overflow.ts'));
  return bytes - movableBytes(drafts);
}

async function moved(
  drafts: readonly NodeDraft[],
  store: SessionAttachmentStore,
  budget: CommitBudget,
): Promise<readonly NodeDraft[]> {
  if (draftsBytes(drafts) <= Math.min(MAX_PART_BYTES, budget.bytes)) return drafts;
  const { moveOverflow } = await loadModule('move-overflow', import('./move-overflow.ts'));
  return await moveOverflow(drafts, store, budget);
}

/** The whole text of a part: its own, or what lies in its attachment. */
export async function wholeText(
  part: { readonly text: string; readonly overflow?: AttachmentRef },
  store: SessionAttachmentStore,
): Promise<string> {
  return part.overflow === undefined ? part.text : await (await store.get(part.overflow.id)).text();
}

/** The whole of some data: its own, or what lies in its attachment. */
export async function wholeJson(
  value: JsonValue,
  overflow: AttachmentRef | undefined,
  store: SessionAttachmentStore,
): Promise<JsonValue> {
  if (overflow === undefined) return value;
  return JSON.parse(await (await store.get(overflow.id)).text()) as JsonValue;
}
