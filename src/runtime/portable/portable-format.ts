/**
 * A session as a file: JSON Lines in UTF-8, each line ended by `\n`, each a JSON object with a `type`.
 *
 * - `header`, the first line: format and version, the session's id, title, time and policy, and the node it continues from.
 *   Where the model is reached and what its key is called stay behind (`provider.options`, `provider.credentials`): they
 *   are of the place where the session was, and in a file from a stranger they could lead a key away.
 * - `attachment`: what is known of bytes; then its `piece` lines, at most {@link PIECE_BYTES} bytes each in base64. Each
 *   attachment stands before the first node that needs it. A file may leave all of them out.
 * - `node`: in the form of lash's node records, as far as there is one; what only this package has stands under `lash_web`.
 *   Parents before children, in the order of `SessionStore.walk`.
 * - `footer`, the last line: how many nodes and attachments there were, and the SHA-256 of all bytes before it.
 *
 * Keys have a fixed order, so that the same session gives the same bytes. Not in the file: checkpoints, the epoch, the
 * revision, receipts, and the ledger, which an import reckons from the nodes again.
 */
export const PORTABLE_FORMAT = 'lash-web.session';

/** Raised when a reader of before could not read what is written now. */
export const PORTABLE_VERSION = 1;

/** The bytes of an attachment in one line: 192 KiB, which is 256 KiB of base64. */
export const PIECE_BYTES: number = 192 * 1024;

/** How many `piece` lines an attachment has. */
export function pieceCount(byteLength: number): number {
  return Math.ceil(byteLength / PIECE_BYTES);
}
