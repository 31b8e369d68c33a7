import type { AttachmentMeta } from '../../../contract/attachments.ts';
import type { SessionPolicy } from '../../../core/policy.ts';
import type { SessionParent } from '../../../core/session-parent.ts';
import type { StoredReceipt } from '../../rules/commit-plan.ts';
import type { HeadState } from '../../rules/head-state.ts';
import type { KeptTurn } from '../../rules/kept-turn.ts';
import type { KeptTask } from '../../rules/task-plan.ts';

/** The version of the schema. A later one only adds (law ST18). */
export const SCHEMA_VERSION = 2;

/** A node's place: nodes of a chain lie at consecutive depths, and `seq` is the depth, 0 at a root. */
export interface Position {
  readonly chain: number;
  readonly seq: number;
}

/**
 * The one mutable row of a session's history. `kind` is `deleted` for good once the session is (law ST12). `pending`
 * marks what `finishDeletions` has to look at: a deletion whose rows are not all gone, and a session that is being
 * imported, which `open` and `list` do not show. `ordinary` and `parentId` say in which lists it is besides that of all
 * sessions: its meta has the whole of what they come from.
 */
export type HeadRow =
  | { readonly sessionId: string; readonly kind: 'deleted'; readonly pending?: 1 }
  | (HeadState & {
      readonly pending?: 1;
      readonly ordinary?: 1;
      readonly parentId?: string;
      readonly sessionId: string;
      readonly kind: 'live';
      /** Where the leaf is. */
      readonly place: Position | null;
      /** `true`: the leaf is the last node of its chain. `false`: it may be. */
      readonly atTip: boolean;
      /** How many chains there are; the next one gets this number. */
      readonly chains: number;
    });

/**
 * What a session is called and run with. The time of its last change is in the head row, which orders the list. `token`
 * says which call created it: one that does not know whether it did finds out by that (law ST16).
 */
export interface MetaRow {
  readonly sessionId: string;
  readonly token: string;
  readonly title: string;
  readonly createdAt: number;
  readonly policy: SessionPolicy;
  readonly parent?: SessionParent;
}

/**
 * Where a chain leaves another one: its first node is the child of `forkSeq` on `parentChain`, or a root if both are
 * {@link NO_PARENT}. A chain's parent has a smaller number. Chain 0 starts with the first root and has no row. Numbers are
 * not used again when a chain is vacuumed.
 */
export interface ChainRow {
  readonly sessionId: string;
  readonly chain: number;
  readonly parentChain: number;
  readonly forkSeq: number;
}

/** `parentChain` and `forkSeq` of a chain that begins with a root: a number, so that {@link BY_FORK} holds it. */
export const NO_PARENT = -1;

/**
 * The nodes of a chain from depth `from` on are tombstoned: what is tombstoned of a chain is always its tail (law ST8).
 * `from` only falls. The row goes when vacuum has removed all of them.
 */
export interface TombRow {
  readonly sessionId: string;
  readonly chain: number;
  readonly from: number;
}

/** A node that the host keeps reachable (law ST8). */
export interface PinRow {
  readonly sessionId: string;
  readonly nodeId: string;
  readonly place: Position;
}

/**
 * The checkpoint that was written with the commit of this revision, for the node at this place. The one that holds at a
 * node is the last row at its place, else the last one before it on its path.
 */
export interface CheckpointRow {
  readonly sessionId: string;
  readonly chain: number;
  readonly seq: number;
  readonly revision: number;
  readonly nodeId: string;
  /** Component ids by name. */
  readonly components: Readonly<Record<string, string>>;
}

/** A component of checkpoints, by content. `body` is JSON text. */
export interface ComponentRow {
  readonly sessionId: string;
  readonly id: string;
  readonly version: number;
  readonly body: string;
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

/**
 * A receipt, with the place of what the operation appended: so it also finds nodes by id, and tells vacuum, which reads
 * no node, what a segment holds. Without nodes chain, depth, bytes and `at` are 0. `at` is the `createdAt` of the last node.
 */
export interface ReceiptRow extends StoredReceipt {
  readonly sessionId: string;
  readonly chain: number;
  readonly firstSeq: number;
  readonly bytes: number;
  readonly at: number;
  /** The attachments that the nodes refer to; each has a {@link ReferenceRow}. */
  readonly attachments: readonly string[];
}

/**
 * An attachment's one mutable row. `putting`: its chunks are being written; `deleting`: they are being removed; only
 * `stored` shows. `token` changes whenever a put begins anew after a removal, so that neither a slow put nor a slow
 * sweep can touch what the other one made since (law ST11).
 */
export interface AttachmentRow extends AttachmentMeta {
  readonly id: string;
  readonly byteLength: number;
  readonly state: 'putting' | 'stored' | 'deleting';
  readonly token: string;
  /** When it was put last. */
  readonly putAt: number;
}

/**
 * An operation's nodes refer to the attachment `id`: written in the commit's own transaction (law ST11). Keys tell it all,
 * and {@link BY_ATTACHMENT} who refers to an attachment.
 */
export interface ReferenceRow {
  readonly sessionId: string;
  readonly id: string;
  readonly operationId: string;
}

/**
 * A session put the attachment `id` and may still refer to it: until its epoch is another one than `epoch`, it is deleted,
 * or a commit has adopted it.
 */
export interface IntentRow {
  readonly sessionId: string;
  readonly id: string;
  readonly epoch: number;
}

/** A piece of an attachment. */
export interface ChunkRow {
  readonly id: string;
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What is kept of a turn. Only what has not ended has a place, so that {@link BY_PLACE} holds nothing else. */
export type TurnRow = KeptTurn & { readonly sessionId: string };

/**
 * What is recorded of the turn that has begun, as JSON text: its plan at `seq` 0, from 1 on what came since its last
 * commit.
 */
export interface JournalRow {
  readonly sessionId: string;
  readonly turnId: string;
  readonly seq: number;
  readonly text: string;
}

/** A signal of a turn that has not ended. `value` is JSON text. */
export interface SignalRow {
  readonly sessionId: string;
  readonly turnId: string;
  readonly signalId: string;
  readonly value: string;
}

/** The record of a background task (since schema 2). `token` says which write left it: see `MetaRow`. */
export interface TaskRow extends KeptTask {
  readonly sessionId: string;
  readonly token: string;
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
  readonly tombs: TombRow;
  readonly pins: PinRow;
  readonly checkpoints: CheckpointRow;
  readonly components: ComponentRow;
  readonly references: ReferenceRow;
  readonly intents: IntentRow;
  readonly turns: TurnRow;
  readonly journal: JournalRow;
  readonly signals: SignalRow;
  readonly tasks: TaskRow;
}

/** The name of an object store. */
export type StoreName = keyof Rows;

/** The index of `heads` that orders the list of sessions. A deleted session is not in it. */
export const BY_UPDATE = 'byUpdate';

/** The index of `heads` that orders the list of ordinary sessions: those that are nobody's child (since schema 2). */
export const BY_ORDINARY = 'byOrdinary';

/** The index of `heads` that orders the children of a session (since schema 2). */
export const BY_PARENT = 'byParent';

/** The index of `meta` that finds sessions by their relation to a parent, and that parent (since schema 2). */
export const BY_RELATION = 'byRelation';

/** The index of `heads` that holds what is `pending`. */
export const BY_PENDING = 'byPending';

/** The index of `chains` that finds the chains that leave a node. */
export const BY_FORK = 'byFork';

/** The index of `turns` that orders what has not ended. */
export const BY_PLACE = 'byPlace';

/** The index of `references` and of `intents` that finds the sessions that have to do with an attachment. */
export const BY_ATTACHMENT = 'byAttachment';

/** The keys of the object stores of schema 1. A key of one part is no list: Chromium's SQLite back end forgets that a key path was a list of one. */
const KEY_PATHS: Readonly<Record<Exclude<StoreName, 'tasks'>, string | string[]>> = {
  database: 'key',
  heads: 'sessionId',
  meta: 'sessionId',
  chains: ['sessionId', 'chain'],
  segments: ['sessionId', 'chain', 'firstSeq', 'count', 'operationId'],
  receipts: ['sessionId', 'operationId'],
  attachments: 'id',
  chunks: ['id', 'index'],
  tombs: ['sessionId', 'chain'],
  pins: ['sessionId', 'nodeId'],
  checkpoints: ['sessionId', 'chain', 'seq', 'revision'],
  components: ['sessionId', 'id'],
  references: ['sessionId', 'id', 'operationId'],
  intents: ['sessionId', 'id'],
  turns: ['sessionId', 'turnId'],
  journal: ['sessionId', 'turnId', 'seq'],
  signals: ['sessionId', 'turnId', 'signalId'],
};

/** The names of the object stores of schema 1, which every later one has. */
export const FIRST_STORE_NAMES = Object.keys(KEY_PATHS) as readonly StoreName[];

/** The names of all object stores. */
export const STORE_NAMES: readonly StoreName[] = [...FIRST_STORE_NAMES, 'tasks'];

/**
 * Brings a database from the schema `from`, 0 for a new one, to the present one. Runs within the upgrade, which fails if
 * this does.
 */
export function upgradeSchema(
  database: IDBDatabase,
  transaction: IDBTransaction,
  from: number,
  databaseId: string,
): void {
  if (from < 1) createSchema1(database, transaction, databaseId);
  addSchema2(database, transaction);
}

/** Makes the object stores of schema 1 and gives the database its id. */
function createSchema1(database: IDBDatabase, transaction: IDBTransaction, databaseId: string): void {
  for (const [name, keyPath] of Object.entries(KEY_PATHS)) database.createObjectStore(name, { keyPath });
  transaction.objectStore('heads').createIndex(BY_UPDATE, ['updatedAt', 'sessionId']);
  transaction.objectStore('heads').createIndex(BY_PENDING, ['pending', 'sessionId']);
  transaction.objectStore('chains').createIndex(BY_FORK, ['sessionId', 'parentChain', 'forkSeq', 'chain']);
  transaction.objectStore('turns').createIndex(BY_PLACE, ['sessionId', 'place']);
  for (const name of ['references', 'intents'])
    transaction.objectStore(name).createIndex(BY_ATTACHMENT, 'id');
  const row: DatabaseRow = { key: 'database', databaseId };
  transaction.objectStore('database').put(row);
}

/** Schema 2 has tasks, and sessions have parents: those that are there already are ordinary ones. */
function addSchema2(database: IDBDatabase, transaction: IDBTransaction): void {
  database.createObjectStore('tasks', { keyPath: ['sessionId', 'taskId'] });
  const heads = transaction.objectStore('heads');
  heads.createIndex(BY_ORDINARY, ['ordinary', 'updatedAt', 'sessionId']);
  heads.createIndex(BY_PARENT, ['parentId', 'updatedAt', 'sessionId']);
  transaction.objectStore('meta').createIndex(BY_RELATION, ['parent.relation', 'parent.sessionId']);
  const request = heads.openCursor();
  request.onsuccess = () => {
    const cursor = request.result;
    if (cursor === null) return;
    const row = cursor.value as HeadRow;
    if (row.kind !== 'deleted') cursor.update({ ...row, ordinary: 1 });
    cursor.continue();
  };
}

/** The keys that begin with `prefix`; with `last`, only those whose next part is at most that. */
export function keysOf(prefix: readonly IDBValidKey[], last?: number): IDBKeyRange {
  const lower = [...prefix];
  return IDBKeyRange.bound(lower, last === undefined ? [...prefix, []] : [...prefix, last, []]);
}

/** The object stores of a graph: what a commit and every read of nodes need. */
export const GRAPH_STORES: readonly StoreName[] = ['heads', 'receipts', 'segments', 'chains', 'tombs'];
