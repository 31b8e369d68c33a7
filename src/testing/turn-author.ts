import type { CommitReceipt, SessionStore, SessionStoreFactory } from '../contract/store.ts';
import type { QueuedInput, TurnChange, TurnRecord } from '../contract/turn-store.ts';
import type { JsonValue } from '../core/json.ts';
import { appends, Author } from './author.ts';

/** An input that asks for `text`. */
export function asks(turnId: string, text: string = turnId): QueuedInput {
  return { turnId, hash: `hash of ${text}`, request: { text }, at: 5 };
}

/** What a commit says that begins the turn that asks for `text`. */
export function begins(
  turnId: string,
  text: string = turnId,
): Extract<TurnChange, { readonly kind: 'begin' }> {
  const hash = `hash of ${text}`;
  return { kind: 'begin', turnId, hash, plan: { plan: turnId }, state: { state: 0 }, at: 6 };
}

/** What a commit says that a turn goes on by. */
export function proceeds(
  turnId: string,
  state: JsonValue = { state: 1 },
  settles: readonly string[] = [],
): TurnChange {
  return { kind: 'progress', turnId, state, settles, settledAs: { settledBy: turnId } };
}

/** What a commit says that a turn ends by. */
export function ends(turnId: string, result: JsonValue = { ended: turnId }): TurnChange {
  return { kind: 'end', turnId, result };
}

/** The author of a session whose turn `turn` has begun with its first commit. */
export async function authorOfTurn(factory: SessionStoreFactory, sessionId = 'session'): Promise<Author> {
  const author = await Author.create(factory, sessionId);
  await author.commit(appends(null, ['question']), { turn: begins('turn') });
  return author;
}

/** Commits one message below the leaf, and what that says of a turn. */
export async function sayIn(author: Author, turn: TurnChange, text = 'answer'): Promise<CommitReceipt> {
  const { head } = await author.store.load({ kind: 'head' });
  return author.commit(appends(head.leaf, [text]), { turn });
}

/** Adds entries to the journal of `turn`, as the writer of the present epoch. */
export async function record(
  store: SessionStore,
  first: number,
  entries: readonly JsonValue[],
  fields: Partial<TurnRecord> = {},
): Promise<void> {
  const { epoch } = await store.load({ kind: 'head' });
  await store.turns.record({ turnId: 'turn', epoch, first, entries, ...fields });
}

/** The ids of what has not ended, in order. */
export async function pendingIds(store: SessionStore): Promise<readonly string[]> {
  return (await store.turns.pending()).map(({ turnId }) => turnId);
}

/** Queues an input of each of these ids. */
export async function queueUp(store: SessionStore, ...turnIds: readonly string[]): Promise<void> {
  for (const turnId of turnIds) await store.turns.accept(asks(turnId));
}

/** All that a session shows of these turns. */
export async function turnsOf(store: SessionStore, ...turnIds: readonly string[]): Promise<unknown> {
  const { turns } = store;
  const each = turnIds.map(async (turnId) =>
    Promise.all([turns.find(turnId), turns.load(turnId), turns.signals(turnId)]),
  );
  return { pending: await turns.pending(), turns: await Promise.all(each) };
}
