import type { IDBPDatabase, IDBPTransaction } from 'idb';

import type { AttachmentMeta } from '../contract/attachments.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { HeadState, StoredReceipt } from './commit-plan.ts';

/** The version of the schema. A later one only adds (law ST18). */
export const SCHEMA_VERSION = 1;

/** A node's place: nodes of a chain lie at consecutive depths, and `seq` is the depth, 0 at a root. */
export interface Position {
  readonly chain: number;
  readonly seq: number;
}

/** The one mutable row of a session's history. `kind` is `deleted` for good once the session is (law ST12). */
export type HeadRow =
  | { readonly sessionId: string; readonly kind: 'deleted' }
  | (HeadState & {
      readonly sessionId: string;
      readonly kind: 'live';
      /** Where the leaf is. */
      readonly place: Position | null;
      /** `true`: the leaf is the last node of its chain. `false`: it may be. */
      readonly atTip: boolean;
      /** How many chains there are; the next one gets this number. */
      readonly chains: number;
    });

/** What a session is called and run with. The time of its last change is in the head row, which orders the list. */
export interface MetaRow {
  readonly sessionId: string;
  readonly title: string;
  readonly createdAt: number;
  readonly policy: SessionPolicy;
}

/**
 * Where a chain leaves another one: its first node is the child of `forkSeq` on `parentChain`, or a root if that is
 * `null`, and `forkSeq` then -1. A chain's parent has a smaller number. Chain 0 starts with the first root and has no row.
 */
export interface ChainRow {
  readonly sessionId: string;
  readonly chain: number;
  readonly parentChain: number | null;
  readonly forkSeq: number;
}

/**
 * The nodes of one append, the first one at depth `firstSeq`. `parentId` is the parent of that one. Never rewritten.
 * `nodes` is the JSON text of a list of drafts: it was made to be checked and hashed anyway, is a copy that nobody can
 * change, and is written faster than objects are.
 */
export interface SegmentRow {
  readonly sessionId: string;
  readonly chain: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly operationId: string;
  readonly parentId: string | null;
  readonly nodes: string;
}

/** A receipt, with the place of what the operation appended: so it also finds nodes by id. Without nodes both are 0. */
export interface ReceiptRow extends StoredReceipt {
  readonly sessionId: string;
  readonly chain: number;
  readonly firstSeq: number;
}

/** What makes an attachment visible: it is written after the last chunk. */
export interface AttachmentRow extends AttachmentMeta {
  readonly id: string;
  readonly byteLength: number;
}

/** A piece of an attachment. */
export interface ChunkRow {
  readonly id: string;
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Which database this is: a new one of the same name has another id. */
export interface DatabaseRow {
  readonly key: 'database';
  readonly databaseId: string;
}

/** The rows of each object store. */
export interface Rows {
  readonly database: DatabaseRow;
  readonly heads: HeadRow;
  readonly meta: MetaRow;
  readonly chains: ChainRow;
  readonly segments: SegmentRow;
  readonly receipts: ReceiptRow;
  readonly attachments: AttachmentRow;
  readonly chunks: ChunkRow;
}

/** The name of an object store. */
export type StoreName = keyof Rows;

/** The index of `heads` that orders the list of sessions. A deleted session is not in it. */
export const BY_UPDATE = 'byUpdate';

const KEY_PATHS: Readonly<Record<StoreName, string[]>> = {
  database: ['key'],
  heads: ['sessionId'],
  meta: ['sessionId'],
  chains: ['sessionId', 'chain'],
  segments: ['sessionId', 'chain', 'firstSeq', 'count', 'operationId'],
  receipts: ['sessionId', 'operationId'],
  attachments: ['id'],
  chunks: ['id', 'index'],
};

/** Makes the object stores of schema 1 and gives the database its id. Runs within the upgrade, which fails if this does. */
export async function createSchema(
  database: IDBPDatabase,
  transaction: IDBPTransaction<unknown, string[], 'versionchange'>,
  databaseId: string,
): Promise<void> {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) database.createObjectStore(name, { keyPath });
  transaction.objectStore('heads').createIndex(BY_UPDATE, ['updatedAt', 'sessionId']);
  const row: DatabaseRow = { key: 'database', databaseId };
  await transaction.objectStore('database').put(row);
}

/** The keys that begin with `prefix`; with `last`, only those whose next part is at most that. */
export function keysOf(prefix: readonly IDBValidKey[], last?: number): IDBKeyRange {
  const lower = [...prefix];
  return IDBKeyRange.bound(lower, last === undefined ? [...prefix, []] : [...prefix, last, []]);
}
