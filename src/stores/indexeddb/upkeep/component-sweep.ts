import { type LashError, toWireError } from '../../../core/error.ts';
import type { MaintenanceStatus, SweepReport } from '../../../core/maintenance.ts';
import { isFields } from '../../rules/node-fault.ts';
import { corrupt, damageIn } from '../../rules/storage-error.ts';
import { rowSize } from '../rows/row-size.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import type { CheckpointRow } from '../rows/schema.ts';
import { inSession, isGone, type SessionAccess, SLICE_ROWS } from '../session-access.ts';

/** How often a sweep looks for roots again because a checkpoint was written meanwhile. */
const MAX_TRIES = 3;

/** What the checkpoints of a session name, when so many had ever been written. */
interface Roots {
  readonly ids: ReadonlySet<string>;
  /** Whether there is no checkpoint at all: then nothing is known about what may go (law ST10). */
  readonly none: boolean;
  /** The first checkpoint of which it cannot be said what it names: any component, so that none may go. */
  readonly damage: LashError<'StoredDataCorrupt'> | undefined;
  readonly written: number;
}

/** A checkpoint as it was found: only its key can be relied on. */
type FoundCheckpoint = Pick<CheckpointRow, 'chain' | 'seq' | 'revision'> & { readonly components?: unknown };

/** And the ids of the components that it names; none if it is damaged. */
type ReadCheckpoint = FoundCheckpoint & { readonly named: readonly string[] };

type Counts = { -readonly [Name in 'roots' | 'kept' | 'removed' | 'removedBytes']: number };

/**
 * Removes the checkpoint components that no checkpoint of the session names. What the roots are is read in pages; a slice
 * that removes looks first whether a checkpoint was written since, which may name what none had named. One that is damaged
 * may name any: then all stay, and the report is `Failed`.
 */
export async function sweepComponents(
  access: SessionAccess,
  signal: AbortSignal | undefined,
): Promise<SweepReport> {
  const counts: Counts = { roots: 0, kept: 0, removed: 0, removedBytes: 0 };
  try {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const roots = await readRoots(access, signal);
      counts.roots = roots?.ids.size ?? 0;
      counts.kept = 0;
      const status = roots === undefined ? 'Incomplete' : await sweep(access, roots, counts, signal);
      if (status === 'outdated') continue;
      if (roots?.damage === undefined) return { status, ...counts };
      return { status: 'Failed', ...counts, error: toWireError(roots.damage) };
    }
    return { status: 'Incomplete', ...counts };
  } catch (error) {
    if (isGone(error)) throw error;
    return { status: 'Failed', ...counts, error: toWireError(error) };
  }
}

/** `undefined` if it was stopped. */
async function readRoots(access: SessionAccess, signal: AbortSignal | undefined): Promise<Roots | undefined> {
  const { sessionId } = access;
  const ids = new Set<string>();
  let written: number | undefined;
  let damage: Roots['damage'];
  let held: ReadCheckpoint | undefined;
  const read = (found: FoundCheckpoint): ReadCheckpoint => {
    try {
      return { ...found, named: componentsOf(sessionId, found) };
    } catch (error) {
      damage ??= damageIn(error);
      return { ...found, named: [] };
    }
  };
  for (let after: IDBValidKey = [sessionId]; ;) {
    if (signal?.aborted === true) return undefined;
    const range = IDBKeyRange.bound(after, [sessionId, []], true);
    const page = await inSession(access, 'readonly', ['checkpoints'], async (rows, { checkpoints }) => ({
      checkpoints,
      found: await rows.getAll('checkpoints', range, { limit: SLICE_ROWS }),
    }));
    const checkpoints = (page.found as readonly FoundCheckpoint[]).map(read);
    for (const checkpoint of checkpoints) {
      if (held !== undefined && !isReplaced(held, checkpoint)) addAll(ids, held.named);
      held = checkpoint;
    }
    written ??= page.checkpoints;
    const last = checkpoints.at(-1);
    if (last === undefined || checkpoints.length < SLICE_ROWS) {
      if (held !== undefined) addAll(ids, held.named);
      return { ids, none: held === undefined, written, damage };
    }
    after = [sessionId, last.chain, last.seq, last.revision];
  }
}

/** Whether another checkpoint was written for the same node later: no reader finds this one any more. */
function isReplaced({ chain, seq }: FoundCheckpoint, next: FoundCheckpoint): boolean {
  return next.chain === chain && next.seq === seq;
}

function addAll(ids: Set<string>, named: readonly string[]): void {
  for (const id of named) ids.add(id);
}

/** Removes what is not among the roots, in slices. `outdated`: a checkpoint was written since the roots were read. */
async function sweep(
  access: SessionAccess,
  roots: Roots,
  counts: Counts,
  signal: AbortSignal | undefined,
): Promise<MaintenanceStatus | 'outdated'> {
  for (let after: IDBValidKey = [access.sessionId]; ;) {
    if (signal?.aborted === true) return 'Incomplete';
    const range = IDBKeyRange.bound(after, [access.sessionId, []], true);
    const slice = await inSession(access, 'readwrite', ['components'], async (rows, { checkpoints }) =>
      checkpoints === roots.written ? sweepSlice(rows, roots, range) : undefined,
    );
    if (slice === undefined) return 'outdated';
    counts.kept += slice.keys.length - slice.removed;
    counts.removed += slice.removed;
    counts.removedBytes += slice.removedBytes;
    const last = slice.keys.at(-1);
    if (last === undefined || slice.keys.length < SLICE_ROWS) break;
    after = last;
  }
  if (roots.none && counts.kept > 0) return 'Refused';
  return counts.removed > 0 ? 'Swept' : 'NothingToDo';
}

async function sweepSlice(
  rows: RowTransaction,
  { ids, none, damage }: Roots,
  range: IDBKeyRange,
): Promise<{
  readonly keys: readonly IDBValidKey[];
  readonly removed: number;
  readonly removedBytes: number;
}> {
  const keys = await rows.getKeys('components', range, { limit: SLICE_ROWS });
  const free =
    none || damage !== undefined ? [] : (keys as [string, string][]).filter(([, id]) => !ids.has(id));
  let removedBytes = 0;
  for (const key of free) {
    removedBytes += rowSize(await rows.get('components', key));
    rows.remove('components', key);
  }
  return { keys, removed: free.length, removedBytes };
}

/** The ids of the components that a checkpoint names. @throws `StoredDataCorrupt` */
function componentsOf(sessionId: string, { chain, seq, components }: FoundCheckpoint): readonly string[] {
  const ids = isFields(components) ? Object.values(components) : [undefined];
  if (ids.every((id) => typeof id === 'string')) return ids;
  const reason = `the checkpoint at depth ${seq} of chain ${chain} is not complete`;
  throw corrupt(sessionId, null, reason);
}
