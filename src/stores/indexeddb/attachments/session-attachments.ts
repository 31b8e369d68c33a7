import type { RowTransaction } from '../rows/row-transaction.ts';

/** The key of a row that says that a session has to do with an attachment. */
export type AttachmentLinkKey = [attachmentId: string, sessionId: string, ...rest: string[]];

/** Behind all ids: a list comes after every text. */
const END: IDBValidKey = [[]];

/**
 * The keys of one session in a store whose keys begin with an attachment and a session, greatest first, at most `limit`.
 * Passes two keys for each attachment of the database, and no row.
 */
export async function readLinks(
  rows: RowTransaction,
  store: 'references' | 'intents',
  sessionId: string,
  { limit = Infinity }: { readonly limit?: number } = {},
): Promise<readonly AttachmentLinkKey[]> {
  const keys: AttachmentLinkKey[] = [];
  await rows.walkBack(store, IDBKeyRange.upperBound(END), (key) => {
    const link = key as AttachmentLinkKey;
    const [id, owner] = link;
    if (owner === sessionId) return keys.push(link) < limit;
    return owner > sessionId ? [id, sessionId, []] : [id];
  });
  return keys;
}
