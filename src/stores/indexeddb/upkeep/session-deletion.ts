import { systemClock } from '../../../contract/clock.ts';
import type { SessionLeases } from '../../../contract/lease.ts';
import type { DeleteOptions } from '../../../contract/store.ts';
import { fromWireError, isLashError, type LashError, toLashError } from '../../../core/error.ts';
import { importLease } from '../../rules/import-lease.ts';
import { isFields } from '../../rules/node-fault.ts';
import { sessionNotFound } from '../../rules/session-state.ts';
import { type AttachmentLinkKey, readLinks } from '../attachments/session-attachments.ts';
import type { RowTransaction } from '../rows/row-transaction.ts';
import { BY_PENDING, keysOf, type StoreName } from '../rows/schema.ts';
import { type DatabaseAccess, SLICE_ROWS } from '../session-access.ts';
import { sweepAttachments } from './attachment-sweep.ts';

/** The rows that a session leaves behind besides its head and what links it to attachments. */
const REST: readonly StoreName[] = [
  ...(['receipts', 'segments', 'chains', 'tombs'] as const),
  ...(['pins', 'checkpoints', 'components'] as const),
  ...(['turns', 'journal', 'signals'] as const),
];

/** No session has this epoch: an intent with it says that the session was deleted, and protects nothing. */
const NEVER = -1;

/** Deletes a session, as `SessionStoreFactory.delete` promises (law ST12). @throws `SessionNotFound` */
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
  for (const sessionId of await readPending(access)) {
    try {
      if (await leases.isHeld(importLease(sessionId))) continue;
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
    const state = stateOf(await rows.get('heads', sessionId));
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
  const links = ['references', 'intents'] as const;
  await database.transaction({ ...options, stores: ['heads', 'meta', ...REST, ...links] }, async (rows) => {
    // A mark that is there stays: without room for the next one, the id would be free again.
    const isMarked = stateOf(await rows.get('heads', sessionId)) !== 'live';
    if (!isMarked) rows.remove('heads', sessionId);
    rows.remove('meta', sessionId);
    for (const store of REST) rows.delete(store, keysOf([sessionId]));
    for (const store of links) {
      for (const key of await readLinks(rows, store, sessionId)) rows.remove(store, key);
    }
  });
  await database.transaction({ ...options, stores: ['heads'] }, async (rows) =>
    rows.put('heads', { sessionId, kind: 'deleted' }),
  );
}

/** A head that cannot be read is a session that can be deleted. */
function stateOf(head: unknown): SessionState {
  if (head === undefined) return 'unknown';
  const pending = isFields(head) && head['pending'] === 1;
  if (isFields(head) && head['kind'] === 'deleted') return pending ? 'deleting' : 'deleted';
  return pending ? 'importing' : 'live';
}

/** Every step finds out what is left to do, so that it does not matter how often it was begun. */
async function removeHidden(
  access: DatabaseAccess,
  sessionId: string,
  { alsoDelete }: DeleteOptions,
): Promise<void> {
  await alsoDelete?.(sessionId);
  await untilDone(access, ['references', 'intents'], (rows) => turnReferences(rows, sessionId));
  await sweepExclusive(access, sessionId);
  await untilDone(access, ['intents'], (rows) => removeIntents(rows, sessionId));
  await untilDone(access, ['heads', ...REST], (rows) => removeRest(rows, sessionId));
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
  const keys = await readLinks(rows, 'references', sessionId, { limit });
  for (const key of keys) {
    rows.remove('references', key);
    rows.put('intents', { id: key[0], sessionId, epoch: NEVER });
  }
  return keys.length < limit;
}

/** Removes the attachments that only this session referred to. @throws what kept a sweep from going on */
async function sweepExclusive({ database, counts }: DatabaseAccess, sessionId: string): Promise<void> {
  const options = { stores: ['intents'], mode: 'readonly', counts } as const;
  const keys = await database.transaction(options, (rows) => readLinks(rows, 'intents', sessionId));
  if (keys.length === 0) return;
  const candidates = keys.map(([id]: AttachmentLinkKey) => id);
  const now = systemClock.now();
  const { error } = await sweepAttachments(database, { candidates, keepYoungerThanMs: 0, now, counts });
  if (error !== undefined) throw fromWireError(error);
}

async function removeIntents(rows: RowTransaction, sessionId: string): Promise<boolean> {
  const keys = await readLinks(rows, 'intents', sessionId, { limit: SLICE_ROWS });
  for (const key of keys) rows.remove('intents', key);
  return keys.length < SLICE_ROWS;
}

/** With the last rows the session stops being pending. */
async function removeRest(rows: RowTransaction, sessionId: string): Promise<boolean> {
  let room = SLICE_ROWS;
  for (const store of REST) {
    const keys = await rows.getKeys(store, keysOf([sessionId]), room);
    for (const key of keys) rows.remove(store, key);
    room -= keys.length;
    if (room === 0) return false;
  }
  rows.put('heads', { sessionId, kind: 'deleted' });
  return true;
}

async function readPending({ database, counts }: DatabaseAccess): Promise<readonly string[]> {
  const found = await database.transaction({ stores: ['heads'], mode: 'readonly', counts }, (rows) =>
    rows.getAll('heads', undefined, { index: BY_PENDING }),
  );
  return found.map((row) => (row as { readonly sessionId: string }).sessionId);
}
