/** The largest attachment that the demo stores, in bytes. */
export const MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024;

const IMAGE_TYPES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];
const SAMPLE_BYTES = 4096;

/** What a file is to the demo: a picture that the model sees, a text that it reads with a tool, or neither. */
export type AttachmentKind = 'image' | 'text' | 'other';

/** Looks into the file itself, since browsers know the types of few text files and mistake some (`.ts` is video). */
export async function kindOf(file: Blob): Promise<AttachmentKind> {
  if (IMAGE_TYPES.includes(file.type)) return 'image';
  const sample = new Uint8Array(await file.slice(0, SAMPLE_BYTES).arrayBuffer());
  if (sample.includes(0)) return 'other';
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true });
    return 'text';
  } catch {
    return 'other';
  }
}

/** The file as a text, whatever type the browser guessed for it. */
export function asText(file: File): File {
  if (file.type.startsWith('text/') || file.type === 'application/json') return file;
  return new File([file], file.name, { type: 'text/plain' });
}
