import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';

import { importInvalid } from './import-error.ts';

const NEWLINE = 0x0a;
const SLICE_BYTES = 256 * 1024;

/** A line of a file, counted from 1, without its end. */
export interface ImportLine {
  readonly number: number;
  readonly text: string;
  /** The SHA-256 of all bytes before it, in lowercase hex. */
  readonly hashBefore: () => string;
}

/**
 * The lines of a file. It is read a slice at a time; in memory are a slice and a line.
 *
 * @throws `ImportInvalid` for a line over `maxLineBytes`, one that is not UTF-8, and one without an end
 */
export async function* readLines(file: Blob, maxLineBytes: number): AsyncGenerator<ImportLine, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const hash = sha256.create();
  let number = 1;
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let pending = 0;
  const add = (piece: Uint8Array<ArrayBuffer>): void => {
    pieces.push(piece);
    pending += piece.length;
    if (pending > maxLineBytes + 1) throw importInvalid(number, `it is over ${maxLineBytes} bytes long`);
  };
  for (let offset = 0; offset < file.size; offset += SLICE_BYTES) {
    const slice = new Uint8Array(await file.slice(offset, offset + SLICE_BYTES).arrayBuffer());
    let start = 0;
    for (let end = slice.indexOf(NEWLINE); end >= 0; end = slice.indexOf(NEWLINE, start)) {
      add(slice.subarray(start, end + 1));
      const bytes = joined(pieces, pending);
      yield {
        number,
        text: decode(decoder, bytes.subarray(0, -1), number),
        hashBefore: () => bytesToHex(hash.clone().digest()),
      };
      hash.update(bytes);
      start = end + 1;
      number++;
      pieces = [];
      pending = 0;
    }
    add(slice.subarray(start));
  }
  if (pending > 0) throw importInvalid(number, 'it has no end: the file is cut off');
}

function joined(pieces: readonly Uint8Array<ArrayBuffer>[], length: number): Uint8Array<ArrayBuffer> {
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

function decode(decoder: TextDecoder, bytes: Uint8Array<ArrayBuffer>, line: number): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw importInvalid(line, 'it is not UTF-8', error);
    throw error;
  }
}
