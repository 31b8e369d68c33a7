import { canonicalJson, type JsonValue } from '../../src/core/json.ts';
import { STORE_NAMES, type StoreName } from '../../src/stores/indexeddb/rows/schema.ts';
import type { readRows } from '../stores/raw-check.ts';

/** All rows of a database. */
export type StoredRows = Awaited<ReturnType<typeof readRows>>;

/** Rows as lines of text, but for what is random: the id of the database and the tokens of attachments. */
export function linesOf(rows: StoredRows): readonly string[] {
  return STORE_NAMES.flatMap((name) =>
    rows[name].map((row) => line(name, { ...row, databaseId: undefined, token: undefined })),
  );
}

/**
 * Rows as lines, but for what a run that was interrupted may leave otherwise: epochs, the ids of imports, the marks of
 * deleted sessions, and that something was put once more that the session refers to already.
 */
export function endLinesOf(rows: StoredRows): readonly string[] {
  const heads = rows.heads.filter(({ kind }) => kind === 'live').map((head) => ({ ...head, epoch: 0 }));
  const referred = new Set(rows.references.map(({ id, sessionId }) => `${id} ${sessionId}`));
  const intents = rows.intents.filter(({ id, sessionId }) => !referred.has(`${id} ${sessionId}`));
  return linesOf({ ...rows, heads, intents })
    .map((text) => text.replaceAll(/~\d+"/gu, '~"'))
    .toSorted();
}

/** What two states do not have in common; nothing if they are the same. */
export function differences(actual: readonly string[], expected: readonly string[]): readonly string[] {
  const less = (of: readonly string[], than: readonly string[]): readonly string[] => {
    const known = new Set(than);
    return of.filter((text) => !known.has(text));
  };
  const brief = (sign: string, texts: readonly string[]): readonly string[] =>
    texts.slice(0, 5).map((text) => `${sign} ${text.slice(0, 300)}`);
  return [...brief('+', less(actual, expected)), ...brief('-', less(expected, actual))];
}

function line(store: StoreName, row: object): string {
  const data = JSON.parse(JSON.stringify(row, shorten)) as JsonValue;
  return `${store} ${canonicalJson(data)}`;
}

/** Long content by its sum: a line is for comparing. */
function shorten(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes ${sumOf(value)}`;
  if (typeof value !== 'string' || value.length < 200) return value;
  return `${value.slice(0, 50)} ${value.length} ${sumOf(new TextEncoder().encode(value))}`;
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  return sum >>> 0;
}
