import { systemClock } from '../../../contract/clock.ts';
import type { SessionLeases } from '../../../contract/lease.ts';
import type { DeleteOptions } from '../../../contract/store.ts';
import { fromWireError, isLashError, type LashError, toLashError } from '../../../core/error.ts';
import { isFields } from '../../rules/node-fault.ts';
import { sessionNotFound } from '../../rules/session-state.ts';
import { damageIn } from '../../rules/storage-error.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_PENDING, keysOf, type StoreName } from '../rows/schema.ts';
import { type DatabaseAccess, SLICE_ROWS } from '../session-access.ts';
import { sweepAttachments } from './attachment-sweep.ts';

/** What links a session to attachments. */
const LINKS: readonly StoreName[] = ['references', 'intents'];

/** The rows that a session leaves behind besides its head and those links. */
const REST: readonly StoreName[] = [
  ...(['receipts', 'segments', 'chains', 'tombs'] as const),
  ...(['pins', 'checkpoints', 'components'] as const),
  ...(['turns', 'journal', 'signals', 'tasks'] as const),
];

/** No session has this epoch: an intent with it says that the session was deleted, and protects nothing. */
const NEVER = -1;

/**
 * Deletes a session, as `SessionStoreFactory.delete` promises (law ST12).
 *
 * @throws `SessionNotFound`; `StoredDataCorrupt` naming what could not be judged and stays, when all else is gone
 */
export async function deleteSession(
  access: DatabaseAccess,
  sessionId: string,
  options: DeleteOptions = {},
): Promise<void> {
  try {
    const state = await hide(access, sessionId, 'live');
    if (state === 'unknown' || state === 'importing') throw sessionNotFound(sessionId);
    if (state !== 'deleted') await removeHidden(access, sessionId, options);
  } catch (error) {
    if (!isLashError(error, 'StorageFull')) throw error;
    await options.alsoDelete?.(sessionId);
    await deleteWithoutRoom(access, sessionId);
  }
}

/** Removes a session that is being imported; one that was published meanwhile stays. */
export async function removeImport(access: DatabaseAccess, sessionId: string): Promise<void> {
  const state = await hide(access, sessionId, 'importing');
  if (state === 'importing') await removeHidden(access, sessionId, {});
}

/**
 * Goes on with what is pending, as `SessionStoreFactory.finishDeletions` promises. One session that cannot be removed
 * keeps no other one from it; its error comes at the end.
 */
export async function finishDeletions(
  access: DatabaseAccess,
  leases: SessionLeases,
  options: DeleteOptions,
): Promise<readonly string[]> {
  const finished: string[] = [];
  let failure: LashError | undefined;
  for (const { sessionId, isImport } of await readPending(access)) {
    try {
      // A deletion goes on whoever holds the lease: that is a writer which is fenced.
      if (isImport && (await leases.isHeld(sessionId))) continue;
      const state = await hide(access, sessionId, 'importing');
      if (state !== 'importing' && state !== 'deleting') continue;
      await removeHidden(access, sessionId, options);
      finished.push(sessionId);
    } catch (error) {
      failure ??= toLashError(error);
    }
  }
  if (failure !== undefined) throw failure;
  return finished;
}

/** What a session was found to be. */
type SessionState = 'unknown' | 'live' | 'importing' | 'deleting' | 'deleted';

/**
 * Says what the session is, and if it is what is to be removed, fences and hides it in the same transaction: from here on
 * every call of every handle is `SessionDeleted`.
 */
async function hide(
  { database, durability, counts }: DatabaseAccess,
  sessionId: string,
  remove: 'live' | 'importing',
): Promise<SessionState> {
  const options = { mode: 'readwrite', durability, counts, repeatable: true } as const;
  return database.transaction({ ...options, stores: ['heads', 'meta'] }, async (rows) => {
    const state = await readState(rows, sessionId);
    if (state === remove) {
      rows.put('heads', { sessionId, kind: 'deleted', pending: 1 });
      rows.remove('meta', sessionId);
    }
    return state;
  });
}

/**
 * Deletes a session where not even a mark can be written: a transaction that only removes goes through on a full disk
 * (law ST17), and makes room for the mark. The attachments that only this session referred to are left to a sweep.
 */
async function deleteWithoutRoom(
  { database, durability, counts }: DatabaseAccess,
  sessionId: string,
): Promise<void> {
  const options = { mode: 'readwrite', durability, counts, repeatable: true } as const;
  await database.transaction({ ...options, stores: ['heads', 'meta', ...LINKS, ...REST] }, async (rows) => {
    // A mark that is there stays: without room for the next one, the id would be free again.
    const isMarked = (await readState(rows, sessionId)) !== 'live';
    if (!isMarked) rows.remove('heads', sessionId);
    rows.remove('meta', sessionId);
    for (const store of [...LINKS, ...REST]) rows.delete(store, keysOf([sessionId]));
  });
  await database.transaction({ ...options, stores: ['heads'] }, async (rows) =>
    rows.put('heads', { sessionId, kind: 'deleted' }),
  );
}

/** A head that cannot be read, or is missing where meta is left, is a session that can be deleted. */
async function readState(rows: RowTransaction, sessionId: string): Promise<SessionState> {
  const head = await rows.get('heads', sessionId);
  if (head !== undefined) return stateOf(head);
  return (await rows.get('meta', sessionId)) === undefined ? 'unknown' : 'live';
}

function stateOf(head: unknown): SessionState {
  const pending = isFields(head) && head['pending'] === 1;
  if (isFields(head) && head['kind'] === 'deleted') return pending ? 'deleting' : 'deleted';
  return pending ? 'importing' : 'live';
}

/**
 * Every step finds out what is left to do, so that it does not matter how often it was begun.
 *
 * @throws `StoredDataCorrupt` when it is done, naming an attachment that could not be judged and stays
 */
async function removeHidden(
  access: DatabaseAccess,
  sessionId: string,
  { alsoDelete }: DeleteOptions,
): Promise<void> {
  await alsoDelete?.(sessionId);
  await untilDone(access, LINKS, (rows) => turnReferences(rows, sessionId));
  const damage = await sweepExclusive(access, sessionId);
  await untilDone(access, ['intents'], (rows) => removeIntents(rows, sessionId));
  await untilDone(access, ['heads', ...REST], (rows) => removeRest(rows, sessionId));
  if (damage !== undefined) throw damage;
}

/** Runs a step in transactions of its own until it says that nothing is left. */
async function untilDone(
  { database, durability, counts }: DatabaseAccess,
  stores: readonly StoreName[],
  step: (rows: RowTransaction) => Promise<boolean>,
): Promise<void> {
  const options = { stores, mode: 'readwrite', durability, counts, repeatable: true } as const;
  while (!(await database.transaction(options, step)));
}

/** Of each reference an intent is left that protects nothing: it remembers which attachments to look at. */
async function turnReferences(rows: RowTransaction, sessionId: string): Promise<boolean> {
  const limit = SLICE_ROWS / 2;
  const keys = await rows.getKeys('references', keysOf([sessionId]), { limit });
  for (const key of keys) {
    rows.remove('references', key);
    rows.put('intents', { sessionId, id: attachmentOf(key), epoch: NEVER });
  }
  return keys.length < limit;
}

/**
 * Removes the attachments that only this session referred to; resolves with the damage that kept it from judging one.
 *
 * @throws what kept the sweep from going on
 */
async function sweepExclusive(
  { database, counts }: DatabaseAccess,
  sessionId: string,
): Promise<LashError | undefined> {
  const options = { stores: ['intents'], mode: 'readonly', counts } as const;
  const keys = await database.transaction(options, (rows) => rows.getKeys('intents', keysOf([sessionId])));
  if (keys.length === 0) return undefined;
  const candidates = keys.map(attachmentOf);
  const now = systemClock.now();
  const { error } = await sweepAttachments(database, { candidates, keepYoungerThanMs: 0, now, counts });
  return error && damageIn(fromWireError(error));
}

async function removeIntents(rows: RowTransaction, sessionId: string): Promise<boolean> {
  const keys = await rows.getKeys('intents', keysOf([sessionId]), { limit: SLICE_ROWS });
  for (const key of keys) rows.remove('intents', key);
  return keys.length < SLICE_ROWS;
}

/** The attachment in the key of a reference or an intent. */
function attachmentOf(key: IDBValidKey): string {
  const [, id] = key as [sessionId: string, id: string];
  return id;
}

/** With the last rows the session stops being pending. */
async function removeRest(rows: RowTransaction, sessionId: string): Promise<boolean> {
  let room = SLICE_ROWS;
  for (const store of REST) {
    const keys = await rows.getKeys(store, keysOf([sessionId]), { limit: room });
    for (const key of keys) rows.remove(store, key);
    room -= keys.length;
    if (room === 0) return false;
  }
  rows.put('heads', { sessionId, kind: 'deleted' });
  return true;
}

async function readPending({
  database,
  counts,
}: DatabaseAccess): Promise<readonly { readonly sessionId: string; readonly isImport: boolean }[]> {
  const found = await database.transaction({ stores: ['heads'], mode: 'readonly', counts }, (rows) =>
    rows.getAll('heads', undefined, { index: BY_PENDING }),
  );
  return found.map((row) => {
    const { sessionId } = row as { readonly sessionId: string };
    return { sessionId, isImport: stateOf(row) === 'importing' };
  });
}
