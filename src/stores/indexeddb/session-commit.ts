import type { Durability } from '../../contract/durability.ts';
import { loadModule } from '../../contract/load-module.ts';
import type { CommitBudget, CommitRequest } from '../../contract/store.ts';
import { isLashError } from '../../core/error.ts';
import { type PlannedCommit, planCommit } from '../rules/commit-plan.ts';
import { isKeyTaken } from '../rules/storage-error.ts';
import {
  AHEAD_STORES,
  appendBehind,
  needsMore,
  writeAhead,
  writeCommit,
  type WrittenCommit,
} from './graph/commit-writer.ts';
import type { LiveHead } from './graph/decode.ts';
import type { RowTransaction } from './rows/row-transaction.ts';
import { GRAPH_STORES, type StoreName } from './rows/schema.ts';
import type { SessionAccess } from './session-access.ts';
import type { TurnWriter } from './turns/turn-writer.ts';

/** How a commit reaches its session, and what it may hold (law ST13). */
interface CommitAccess extends SessionAccess {
  readonly commitBudget: CommitBudget;
}

/** Makes a commit. `known` is the head row that the handle wrote last, a guess of what the head is. */
export async function makeCommit(
  access: CommitAccess,
  request: CommitRequest,
  known: () => LiveHead | undefined,
): Promise<WrittenCommit> {
  const commit = await planCommit(request, access.commitBudget);
  const turn = await turnWriterOf(commit);
  return (await tryAhead(access, commit, turn, known())) ?? (await write(access, commit, turn));
}

/** Writes an ordinary append the fast way; `undefined` if that cannot be, and nothing was written. */
async function tryAhead(
  access: SessionAccess,
  commit: PlannedCommit,
  turn: TurnWriter | undefined,
  known: LiveHead | undefined,
): Promise<WrittenCommit | undefined> {
  const append = appendBehind(commit, known);
  if (append === undefined) return undefined;
  try {
    return await transaction(access, commit, [...AHEAD_STORES, ...(turn?.stores ?? [])], (rows) => {
      const ahead = (): Promise<WrittenCommit> => writeAhead(rows, commit, append);
      return turn === undefined ? ahead() : turn.write(rows, access.sessionId, ahead);
    });
  } catch (error) {
    if (isKeyTaken(error) || isLashError(error, 'HeadRevisionConflict')) return undefined;
    throw error;
  }
}

/** Writes any commit; what only few of them have is loaded when it is needed. */
async function write(
  access: SessionAccess,
  commit: PlannedCommit,
  turn: TurnWriter | undefined,
): Promise<WrittenCommit> {
  const { sessionId, importing } = access;
  const extras = needsMore(commit)
    ? await loadModule('commit-extras', import('./graph/commit-extras.ts'))
    : undefined;
  const stores = [...GRAPH_STORES, ...(extras?.EXTRA_STORES ?? []), ...(turn?.stores ?? [])];
  return await transaction(access, commit, stores, async (rows) => {
    const whole = (): Promise<WrittenCommit> => writeCommit(rows, sessionId, commit, importing);
    const written = await (turn === undefined ? whole() : turn.write(rows, sessionId, whole));
    await extras?.writeExtras(rows, commit, written);
    return written;
  });
}

/** Repeated, a commit finds its receipt (law ST16). */
async function transaction(
  { database, counts, durability }: SessionAccess,
  commit: PlannedCommit,
  stores: readonly StoreName[],
  body: (rows: RowTransaction) => Promise<WrittenCommit>,
): Promise<WrittenCommit> {
  const asked: Durability = commit.durability ?? durability;
  const options = { stores, mode: 'readwrite', durability: asked, counts, repeatable: true } as const;
  return await database.transaction(options, body);
}

/** What the commit says of a turn, checked. @throws `InvalidInput`, `NotData` */
async function turnWriterOf({ turn }: PlannedCommit): Promise<TurnWriter | undefined> {
  if (turn === undefined) return undefined;
  const { TurnWriter: Writer } = await loadModule('turn-writer', import('./turns/turn-writer.ts'));
  return new Writer(turn);
}
