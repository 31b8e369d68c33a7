import { utf8Length } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';

/** A part with more than this lies in an attachment (law ST13). */
export const MAX_PART_BYTES: number = 64 * 1024;

/** How many bytes a draft is as JSON. */
export function jsonBytes(draft: NodeDraft): number {
  return utf8Length(JSON.stringify(draft));
}

/** How many bytes drafts are as JSON, together. */
export function draftsBytes(drafts: readonly NodeDraft[]): number {
  return drafts.reduce((sum, draft) => sum + jsonBytes(draft), 0);
}
