import { attachmentsOfBody, type NodeDraft } from '../../core/node.ts';

/** The ids of the attachments that these nodes refer to, each once: images, files, and where long content went. */
export function attachmentsOf(drafts: readonly NodeDraft[]): readonly string[] {
  return [...new Set(drafts.flatMap(({ body }) => attachmentsOfBody(body)).map(({ id }) => id))];
}
