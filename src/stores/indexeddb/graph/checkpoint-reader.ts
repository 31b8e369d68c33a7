import type { Checkpoint, StoredComponent } from '../../../contract/checkpoint.ts';
import type { JsonValue } from '../../../core/json.ts';
import { isCount, isFields } from '../../rules/node-fault.ts';
import { corrupt } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { type CheckpointRow, keysOf, NO_PARENT, type Position, type StoreName } from '../rows/schema.ts';
import type { LiveHead } from './decode.ts';
import { readFork } from './node-places.ts';

/** The object stores that {@link readCheckpoint} needs besides those of a path. */
export const CHECKPOINT_STORES: readonly StoreName[] = ['checkpoints', 'components'];

/**
 * The checkpoint that holds at a place. Costs a key and a row for each chain up to the one that has it, and nothing in
 * a session without checkpoints.
 *
 * @throws `StoredDataCorrupt` when it is not sound, or a component of it is missing
 */
export async function readCheckpoint(
  rows: RowTransaction,
  { sessionId, checkpoints }: LiveHead,
  place: Position | null,
): Promise<Checkpoint | null> {
  if (checkpoints === 0 || place === null) return null;
  const key = await findKey(rows, sessionId, place);
  if (key === undefined) return null;
  const { nodeId, components } = decodeCheckpoint(sessionId, await rows.get('checkpoints', key));
  const read = await Promise.all(
    Object.entries(components).map(async ([name, id]): Promise<[string, StoredComponent]> => [
      name,
      decodeComponent(sessionId, nodeId, id, await rows.get('components', [sessionId, id])),
    ]),
  );
  return { nodeId, components: Object.fromEntries(read) };
}

async function findKey(
  rows: RowTransaction,
  sessionId: string,
  place: Position,
): Promise<IDBValidKey | undefined> {
  let { chain, seq } = place;
  for (;;) {
    const [key, { parentChain, forkSeq }] = await Promise.all([
      rows.lastKey('checkpoints', keysOf([sessionId, chain], seq)),
      readFork(rows, sessionId, chain),
    ]);
    if (key !== undefined || parentChain === NO_PARENT) return key;
    chain = parentChain;
    seq = forkSeq;
  }
}

function decodeCheckpoint(sessionId: string, row: unknown): Pick<CheckpointRow, 'nodeId' | 'components'> {
  if (isFields(row) && typeof row['nodeId'] === 'string' && isFields(row['components'])) {
    if (Object.values(row['components']).every((id) => typeof id === 'string')) {
      return row as unknown as CheckpointRow;
    }
  }
  throw corrupt(sessionId, null, 'a checkpoint is not complete');
}

function decodeComponent(sessionId: string, nodeId: string, id: string, row: unknown): StoredComponent {
  if (isFields(row) && isCount(row['version'])) {
    const body = parseBody(row['body']);
    if (body !== undefined) return { id, version: row['version'], body };
  }
  throw corrupt(sessionId, nodeId, `component ${id} of its checkpoint is missing or not complete`);
}

function parseBody(text: unknown): JsonValue | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
