import { chunkCount, readChunk } from './attachment.ts';
import { Sha256 } from './sha256.ts';

/** The SHA-256 of a blob in lowercase hex, with one chunk in memory at a time (law ST11). */
export async function hashBlob(blob: Blob): Promise<string> {
  const hash = new Sha256();
  for (let index = 0; index < chunkCount(blob.size); index++) hash.update(await readChunk(blob, index));
  return hash.hex();
}
