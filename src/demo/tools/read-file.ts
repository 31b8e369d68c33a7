import { defineTool } from 'lash-web/worker';
import { maxLength, minLength, strictObject, string } from 'zod/mini';

/** How much of a file the model is given at once, in bytes: with what surrounds it, a result that it reads whole. */
export const MAX_FILE_BYTES = 32 * 1024;

/** `read_file`: the text of a file that was attached to this session's conversation. */
export const readFile = defineTool({
  name: 'read_file',
  description:
    `Reads an attached text file by its attachment id. At most the first ${MAX_FILE_BYTES / 1024} KB are returned; ` +
    '"truncated" says whether there is more.',
  input: strictObject({ attachmentId: string().check(minLength(1), maxLength(128)) }),
  replay: 'safe',
  execute: async ({ attachmentId }, context) => {
    const ref = context.attachments.find((attachment) => attachment.id === attachmentId);
    if (ref === undefined) {
      const known = context.attachments.map(({ id, name }) => `${id} (${name ?? 'no name'})`);
      throw new Error(`No such file in this conversation. Attached here: ${known.join(', ') || 'nothing'}.`);
    }
    if (ref.mime.startsWith('image/')) throw new Error(`${ref.name ?? 'It'} is an image, not a text file.`);
    const blob = await context.attachmentStore.get(ref.id);
    const bytes = await blob.slice(0, MAX_FILE_BYTES).arrayBuffer();
    // With `stream`, a character that the limit cuts in two is left out instead of garbled.
    const text = new TextDecoder().decode(bytes, { stream: true });
    return {
      name: ref.name ?? null,
      byteLength: blob.size,
      truncated: blob.size > MAX_FILE_BYTES,
      text,
    };
  },
});
