import type { AttachmentStore } from '../../contract/attachments.ts';

/** An attachment store as one session uses it. */
export type SessionAttachmentStore = Pick<AttachmentStore, 'get' | 'put'>;

/** `store` for one session: what it puts is for its own next commit (law ST11). */
export function ownedAttachments(store: AttachmentStore, sessionId: string): SessionAttachmentStore {
  return {
    put: async (bytes, meta) => await store.put(bytes, meta, { sessionId }),
    get: async (id) => await store.get(id),
  };
}
