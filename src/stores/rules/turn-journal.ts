import { canonicalJson, type JsonValue } from '../../core/json.ts';
import { turnConflict } from './kept-turn.ts';
import type { PlannedRecord } from './turn-plan.ts';

/**
 * The entries that a record adds to a journal of `length` entries (rule RC4). `standing` are those of the journal that
 * stand from the record's first place on; they have to be the same as the record's own.
 *
 * @throws `OperationConflict`
 */
export function entriesToAdd(
  { turnId, first, entries }: PlannedRecord,
  length: number,
  standing: readonly string[],
): readonly string[] {
  if (first > length) throw turnConflict(turnId, `has ${length} entries, so that none can stand at ${first}`);
  for (const [index, entry] of entries.slice(0, standing.length).entries()) {
    if (!isSame(entry, standing[index] ?? ''))
      throw turnConflict(turnId, `has another entry at ${first + index}`);
  }
  return entries.slice(standing.length);
}

/** Whether a record says what the turn is left waiting for: an old one that is repeated does not. */
export function isLatest({ first, entries }: PlannedRecord, length: number): boolean {
  return first + entries.length >= length;
}

function isSame(text: string, other: string): boolean {
  return text === other || canonical(text) === canonical(other);
}

function canonical(text: string): string {
  return canonicalJson(JSON.parse(text) as JsonValue);
}
