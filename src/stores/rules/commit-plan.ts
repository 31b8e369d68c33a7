import type { CheckpointChange } from '../../contract/checkpoint.ts';
import { sha256Of } from '../../contract/digest.ts';
import type { Durability } from '../../contract/durability.ts';
import { loadModule } from '../../contract/load-module.ts';
import type { CommitBudget, CommitReceipt, CommitRequest, GraphChange } from '../../contract/store.ts';
import type { TurnChange } from '../../contract/turn-store.ts';
import { LashError } from '../../core/error.ts';
import { checkId, nodeIdOf } from '../../core/id.ts';
import { canonicalJson, type JsonValue, utf8Length } from '../../core/json.ts';
import type { NodeDraft } from '../../core/node.ts';
import { addToLedger, totalUsage, type UsageEntry } from '../../core/usage.ts';
import type { PlannedCheckpoint } from './checkpoint-plan.ts';
import { attachmentsOf } from './draft-attachments.ts';
import { type HeadState, toSessionHead } from './head-state.ts';
import { bodyFault, isCount, isFields, isUsage } from './node-fault.ts';
import { checkData, checkEpoch, copyData, invalid, nodeNotFound } from './refusal.ts';

/** What a commit does to the graph, its nodes as text. */
export type PlannedChange =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'branch'; readonly leaf: string | null }
  | {
      readonly kind: 'append';
      readonly parentId: string | null;
      readonly requires: string | undefined;
      readonly count: number;
      /** The JSON text of the drafts. */
      readonly nodes: string;
      /** The `createdAt` of the last one. */
      readonly createdAt: number;
    };

/** A commit that was checked and encoded; it shares nothing with what the caller holds. */
export interface PlannedCommit {
  readonly operationId: string;
  readonly expectedRevision: number;
  readonly epoch: number;
  readonly change: PlannedChange;
  readonly usage: readonly UsageEntry[];
  readonly durability: Durability | undefined;
  readonly checkpoint: PlannedCheckpoint | undefined;
  /** A copy; whoever stores it checks it. */
  readonly turn: TurnChange | undefined;
  /** The ids of the attachments that the appended nodes refer to, each once. */
  readonly attachments: readonly string[];
  /** SHA-256 of change, usage and component ids as canonical JSON, one line for each node (law ST4). */
  readonly hash: string;
  /** What the appended nodes take as canonical JSON in UTF-8. */
  readonly bytes: number;
}

/** What a store keeps of an operation that was done. */
export interface StoredReceipt {
  readonly operationId: string;
  readonly hash: string;
  readonly revision: number;
  readonly leaf: string | null;
  /** How many nodes it appended. */
  readonly count: number;
}

/** What a store found out about the nodes that a commit names. */
export interface NamedNodes {
  /** Whether the append's parent, or the branch's leaf, is a live node or `null`. */
  readonly targetLives: boolean;
  /** Whether the node that the append requires is on the active path. */
  readonly requiredIsActive: boolean;
}

/**
 * Checks and encodes a request; this comes before a transaction opens (laws ST13, ST15).
 *
 * @throws `InvalidInput`, `NotData`, `CommitBudgetExceeded`
 */
export async function planCommit(request: CommitRequest, budget: CommitBudget): Promise<PlannedCommit> {
  const { operationId, expectedRevision, epoch, durability } = request;
  checkId(operationId, 'operationId');
  if (!isCount(expectedRevision)) throw invalid('expectedRevision', 'must be a whole number from 0 on');
  if (!isCount(epoch)) throw invalid('epoch', 'must be a whole number from 0 on');
  checkChange(request.change);
  checkUsage(request.usage);
  const drafts = draftsOf(request.change);
  const change = planChange(request.change, drafts);
  const usage = request.usage.map((entry) => ({ ...entry, usage: { ...entry.usage } }));
  const lines = drafts.map((draft) => canonicalJson(draft as unknown as JsonValue));
  const attachments = attachmentsOf(drafts);
  const turn = request.turn === undefined ? undefined : copyData(request.turn, 'turn');
  const checkpoint = await planned(request.checkpoint);
  const components = checkpoint?.components;
  const rest = canonicalJson({ change: { ...change, nodes: undefined }, usage, components });
  const content = new TextEncoder().encode([...lines, rest].join('\n'));
  const rows = lines.length;
  const bytes = content.byteLength - rows - utf8Length(rest);
  checkBudget(budget, rows, bytes + (checkpoint?.bytes ?? 0));
  const hash = await sha256Of(content);
  return {
    operationId,
    expectedRevision,
    epoch,
    change,
    usage,
    durability,
    checkpoint,
    turn,
    attachments,
    hash,
    bytes,
  };
}

/** How many nodes a change appends. */
export function appendedCount(change: PlannedChange): number {
  return change.kind === 'append' ? change.count : 0;
}

/**
 * The first checks in the order of law ST4: receipt, then epoch. Returns whether the operation is done already.
 *
 * @throws `OperationConflict`, `WriterFenced`
 */
export function isReplay(
  commit: PlannedCommit,
  head: HeadState,
  receipt: StoredReceipt | undefined,
): boolean {
  if (receipt !== undefined) {
    if (receipt.hash === commit.hash) return true;
    const { operationId } = commit;
    const message = `Operation ${operationId} was done before with other content`;
    throw new LashError('OperationConflict', message, { operationId });
  }
  checkEpoch(commit.epoch, head.epoch);
  return false;
}

/**
 * The last checks in the order of law ST4: dead ancestor, then stale revision.
 *
 * @throws `NodeNotFound`, `StaleBranch`, `HeadRevisionConflict`
 */
export function checkCurrent(
  sessionId: string,
  commit: PlannedCommit,
  head: HeadState,
  named: NamedNodes,
): void {
  const { change, expectedRevision } = commit;
  if (!named.targetLives) throw nodeNotFound(sessionId, targetOf(change) ?? '');
  if (!named.requiredIsActive) {
    throw new LashError('StaleBranch', 'The required node is not on the active path', { leaf: head.leaf });
  }
  if (expectedRevision !== head.revision) {
    const message = `The commit stands on revision ${expectedRevision}, and the head is at ${head.revision}`;
    throw new LashError('HeadRevisionConflict', message, {
      expected: expectedRevision,
      actual: head.revision,
    });
  }
}

/** The node that a change is about: an append's parent or a branch's leaf. */
export function targetOf(change: PlannedChange): string | null {
  if (change.kind === 'append') return change.parentId;
  return change.kind === 'branch' ? change.leaf : null;
}

/**
 * The head after `commit`.
 *
 * @throws `InvalidInput` when a token count would leave the range of exact integers, or a checkpoint has no node
 */
export function headAfter(head: HeadState, commit: PlannedCommit): HeadState {
  const { change, checkpoint } = commit;
  const leaf = leafAfter(head.leaf, commit);
  if (checkpoint !== undefined && leaf === null) throw invalid('checkpoint', 'needs a leaf to belong to');
  const ledger = addToLedger(head.ledger, commit.usage);
  if (!isUsage(totalUsage(ledger))) throw invalid('usage', 'makes a sum that is too large to count');
  return {
    revision: head.revision + 1,
    epoch: head.epoch,
    leaf,
    ledger,
    nodeCount: head.nodeCount + appendedCount(change),
    bytes: head.bytes + commit.bytes,
    checkpoints: head.checkpoints + (checkpoint === undefined ? 0 : 1),
    updatedAt: change.kind === 'append' ? Math.max(head.updatedAt, change.createdAt) : head.updatedAt,
  };
}

/** What `commit` leaves in the store about itself. */
export function receiptOf(commit: PlannedCommit, head: HeadState): StoredReceipt {
  const { operationId, hash } = commit;
  return {
    operationId,
    hash,
    revision: head.revision,
    leaf: head.leaf,
    count: appendedCount(commit.change),
  };
}

/** What the caller of `commit` gets. `depth` is how many nodes the head's path has. */
export function toCommitReceipt(
  receipt: StoredReceipt,
  head: HeadState,
  depth: number,
  replayed: boolean,
): CommitReceipt {
  const { operationId, revision, leaf, count } = receipt;
  const nodeIds = Array.from({ length: count }, (_, ordinal) => nodeIdOf(operationId, ordinal));
  const { ledger } = head;
  return { operationId, revision, nodeIds, leaf, replayed, head: toSessionHead(head, depth), ledger };
}

async function planned(change: CheckpointChange | undefined): Promise<PlannedCheckpoint | undefined> {
  if (change === undefined) return undefined;
  const copy = copyData(change, 'checkpoint');
  const { planCheckpoint } = await loadModule('checkpoint-plan', import('./checkpoint-plan.ts'));
  return planCheckpoint(copy);
}

function checkBudget(budget: CommitBudget, rows: number, bytes: number): void {
  if (rows <= budget.rows && bytes <= budget.bytes) return;
  const data = { rows, bytes, maxRows: budget.rows, maxBytes: budget.bytes };
  const message = `A commit of ${rows} nodes and ${bytes} bytes is over ${budget.rows} nodes or ${budget.bytes} bytes`;
  throw new LashError('CommitBudgetExceeded', message, data);
}

/** The new nodes with what a draft has and nothing else, such as the id of a node that is written again. */
function draftsOf(change: GraphChange): readonly NodeDraft[] {
  return change.kind === 'append' ? change.nodes.map(({ createdAt, body }) => ({ createdAt, body })) : [];
}

function planChange(change: GraphChange, drafts: readonly NodeDraft[]): PlannedChange {
  if (change.kind !== 'append') return { ...change };
  const { parentId, requires } = change;
  const createdAt = drafts.at(-1)?.createdAt ?? 0;
  return {
    kind: 'append',
    parentId,
    requires,
    count: drafts.length,
    nodes: JSON.stringify(drafts),
    createdAt,
  };
}

function leafAfter(leaf: string | null, { operationId, change }: PlannedCommit): string | null {
  if (change.kind === 'append') return nodeIdOf(operationId, change.count - 1);
  return change.kind === 'branch' ? change.leaf : leaf;
}

function checkChange(change: GraphChange): void {
  checkData(change, 'change');
  switch (change.kind) {
    case 'unchanged':
      return;
    case 'branch':
      if (change.leaf !== null && typeof change.leaf !== 'string') {
        throw invalid('change.leaf', 'must be a node id or null');
      }
      return;
    case 'append':
      checkAppend(change);
      return;
    default:
      throw invalid('change.kind', 'must be unchanged, append or branch');
  }
}

function checkAppend({ parentId, nodes, requires }: Extract<GraphChange, { readonly kind: 'append' }>): void {
  if (parentId !== null && typeof parentId !== 'string') {
    throw invalid('change.parentId', 'must be a node id or null');
  }
  if (requires !== undefined && typeof requires !== 'string')
    throw invalid('change.requires', 'must be a node id');
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw invalid('change.nodes', 'must hold at least one node');
  for (const [index, node] of nodes.entries()) {
    const path = `change.nodes[${index}]`;
    if (!isFields(node)) throw invalid(path, 'must be a node');
    if (!isCount(node['createdAt'])) throw invalid(`${path}.createdAt`, 'must be Unix milliseconds');
    const fault = bodyFault(node['body']);
    if (fault !== undefined) throw invalid(`${path}.${fault}`, 'is not what a node may hold');
  }
}

function checkUsage(usage: readonly UsageEntry[]): void {
  checkData(usage, 'usage');
  if (!Array.isArray(usage)) throw invalid('usage', 'must be a list');
  for (const [index, entry] of usage.entries()) {
    const named =
      isFields(entry) && typeof entry['source'] === 'string' && typeof entry['model'] === 'string';
    if (!named || !isUsage(entry['usage']))
      throw invalid(`usage[${index}]`, 'must be a source, a model and token counts');
  }
}
