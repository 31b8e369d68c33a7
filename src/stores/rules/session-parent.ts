import { MAX_ID_BYTES } from '../../core/id.ts';
import { utf8Length } from '../../core/json.ts';
import { isCount, isFields } from './node-fault.ts';

/** What is wrong with what says whose child a session is, as a path, or `undefined` if it can be read (law ST6). */
export function parentFault(parent: unknown): string | undefined {
  if (!isFields(parent)) return 'parent';
  if (!isName(parent['sessionId'])) return 'parent.sessionId';
  if (!isName(parent['source'])) return 'parent.source';
  if (parent['relation'] !== 'child' && parent['relation'] !== 'handoff') return 'parent.relation';
  const least = parent['relation'] === 'child' ? 1 : 0;
  return isCount(parent['depth']) && parent['depth'] >= least ? undefined : 'parent.depth';
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && utf8Length(value) <= MAX_ID_BYTES;
}
