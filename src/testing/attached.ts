import type { AttachmentStore } from '../contract/attachments.ts';
import type { AttachmentRef } from '../core/attachment.ts';

/** Puts a text as an attachment; for a session, so that its next commit may refer to it. */
export async function putText(
  attachments: AttachmentStore,
  text: string,
  sessionId?: string,
): Promise<AttachmentRef> {
  const bytes = new TextEncoder().encode(text);
  return attachments.put(bytes, { mime: 'text/plain' }, sessionId === undefined ? undefined : { sessionId });
}

/** Whether the bytes of `ref` are there, whole. */
export async function isStored(attachments: AttachmentStore, ref: AttachmentRef): Promise<boolean> {
  if ((await attachments.find(ref.id)) === null) return false;
  return (await attachments.get(ref.id)).size === ref.byteLength;
}
