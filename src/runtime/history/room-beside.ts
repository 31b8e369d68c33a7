import type { CheckpointChange } from '../../contract/checkpoint.ts';
import type { CommitBudget } from '../../contract/store.ts';
import { canonicalJson, utf8Length } from '../../core/json.ts';

/** What a commit that writes this checkpoint may hold besides it (law ST13). */
export function roomBeside(
  checkpoint: CheckpointChange | undefined,
  { rows, bytes }: CommitBudget,
): CommitBudget {
  if (checkpoint === undefined) return { rows, bytes };
  const bodies = Object.values(checkpoint).flatMap((component) =>
    'body' in component ? [component.body] : [],
  );
  const taken = bodies.reduce<number>((sum, body) => sum + utf8Length(canonicalJson(body)), 0);
  return { rows: rows - bodies.length - 1, bytes: bytes - taken };
}
