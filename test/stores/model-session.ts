import type { ComponentBody } from '../../src/contract/checkpoint.ts';
import type { CommitRequest } from '../../src/contract/store.ts';
import type { TombstoneReport } from '../../src/core/maintenance.ts';
import { attachmentsOfBody, type NodeDraft } from '../../src/core/node.ts';
import type { SessionParent } from '../../src/core/session-parent.ts';
import type { UsageEntry } from '../../src/core/usage.ts';
import { ModelTurns } from './model-turns.ts';

/** A node as the model remembers it. `dead`: tombstoned and not vacuumed. */
export interface ModelNode {
  readonly id: string;
  readonly parentId: string | null;
  readonly operationId: string;
  readonly depth: number;
  readonly createdAt: number;
  readonly body: string;
  dead: boolean;
}

/** An operation that was acknowledged, until vacuum forgets it with its nodes. */
export interface ModelOperation {
  readonly request: CommitRequest;
  readonly revision: number;
  readonly leaf: string | null;
  readonly nodeIds: readonly string[];
  readonly bytes: number;
  readonly attachments: readonly string[];
}

/** Checkpoint components by name, each as the text of version and body. */
export type ModelComponents = Readonly<Record<string, string>>;

/** What a vacuum may remove: operations whose nodes are all dead, and checkpoints of dead nodes. */
export interface ModelWaste {
  readonly operations: readonly string[];
  readonly nodes: number;
  readonly kept: number;
}

/** The obvious session: everything that was written, in the order in which it was. */
export class ModelSession {
  readonly sessionId: string;
  readonly nodes = new Map<string, ModelNode>();
  readonly operations = new Map<string, ModelOperation>();
  readonly pins = new Set<string>();
  readonly checkpoints = new Map<string, ModelComponents>();
  readonly components = new Set<string>();
  readonly turns = new ModelTurns();
  readonly createdAt: number;
  readonly parent: SessionParent | undefined;
  title: string;
  updatedAt: number;
  leaf: string | null = null;
  revision = 0;
  epoch = 0;
  ledger: UsageEntry[] = [];

  constructor(sessionId: string, title: string, at: number, parent?: SessionParent) {
    this.sessionId = sessionId;
    this.parent = parent;
    this.title = title;
    this.createdAt = at;
    this.updatedAt = at;
  }

  isLive(nodeId: string): boolean {
    return this.nodes.get(nodeId)?.dead === false;
  }

  live(): readonly ModelNode[] {
    return [...this.nodes.values()].filter((node) => !node.dead);
  }

  path(leaf: string | null): readonly ModelNode[] {
    const path: ModelNode[] = [];
    for (let node = this.nodes.get(leaf ?? ''); node !== undefined;) {
      path.push(node);
      node = this.nodes.get(node.parentId ?? '');
    }
    return path.toReversed();
  }

  depth(): number {
    return this.leaf === null ? 0 : (this.nodes.get(this.leaf)?.depth ?? 0) + 1;
  }

  isActive(nodeId: string): boolean {
    return this.path(this.leaf).some(({ id }) => id === nodeId);
  }

  /** What the stored operations take. */
  bytes(): number {
    return [...this.operations.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  reachable(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const root of [this.leaf, ...this.pins]) {
      for (let id = root; id !== null && !found.has(id); id = this.nodes.get(id)?.parentId ?? null) {
        found.add(id);
      }
    }
    return found;
  }

  orphans(): readonly ModelNode[] {
    const reachable = this.reachable();
    return this.live().filter(({ id }) => !reachable.has(id));
  }

  /** Adds an operation that the store acknowledged. `components` is what its checkpoint names. */
  apply(request: CommitRequest, components: ModelComponents | undefined): void {
    const { operationId, change, usage, turn } = request;
    const drafts = change.kind === 'append' ? change.nodes : [];
    this.revision++;
    for (const entry of usage) this.#count(entry);
    if (change.kind === 'branch') this.leaf = change.leaf;
    if (change.kind === 'append') {
      this.leaf = change.parentId;
      for (const [ordinal, draft] of drafts.entries()) this.#add(operationId, ordinal, draft);
    }
    if (components !== undefined && this.leaf !== null) {
      this.checkpoints.set(this.leaf, components);
      for (const component of Object.values(components)) this.components.add(component);
    }
    if (turn !== undefined) this.turns.apply(turn, this.leaf);
    this.operations.set(operationId, {
      request,
      revision: this.revision,
      leaf: this.leaf,
      nodeIds: drafts.map((_, ordinal) => `${operationId}.${ordinal}`),
      bytes: drafts.reduce((sum, draft) => sum + sizeOf(draft), 0),
      attachments: attachmentsIn(drafts),
    });
  }

  /** The checkpoint that holds at a node. */
  checkpointAt(leaf: string | null): { nodeId: string; components: ModelComponents } | null {
    for (const { id } of this.path(leaf).toReversed()) {
      const components = this.checkpoints.get(id);
      if (components !== undefined) return { nodeId: id, components };
    }
    return null;
  }

  /** Live children of a node, oldest first, each with the live node that was written last at or below it. */
  children(parentId: string | null): readonly { readonly nodeId: string; readonly tip: string }[] {
    const childOf = new Map<string, string>();
    const tips = new Map<string, string>();
    for (const { id, parentId: above } of this.live()) {
      const child = above === parentId ? id : childOf.get(above ?? '');
      if (child === undefined) continue;
      childOf.set(id, child);
      tips.set(child, id);
    }
    return Array.from(tips, ([nodeId, tip]) => ({ nodeId, tip }));
  }

  /** All live nodes: each before what is below it, its oldest child first. */
  walk(): readonly string[] {
    const below = new Map<string | null, string[]>();
    for (const { id, parentId } of this.live()) below.set(parentId, [...(below.get(parentId) ?? []), id]);
    const ids: string[] = [];
    const open = (below.get(null) ?? []).toReversed();
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      ids.push(id);
      open.push(...(below.get(id) ?? []).toReversed());
    }
    return ids;
  }

  /** Tombstones what may go: newest first, since descendants were written later. */
  tombstone(nodeIds: readonly string[]): Omit<TombstoneReport, 'status'> {
    const asked = new Set(nodeIds);
    const reachable = this.reachable();
    const live = this.live();
    const children = new Map<string | null, number>();
    for (const { parentId } of live) children.set(parentId, (children.get(parentId) ?? 0) + 1);
    const tombstoned: string[] = [];
    const refused: { nodeId: string; reason: 'unknown' | 'reachable' | 'live-descendants' }[] = [];
    for (const nodeId of asked) if (!this.isLive(nodeId)) refused.push({ nodeId, reason: 'unknown' });
    for (const node of live.toReversed()) {
      if (!asked.has(node.id)) continue;
      if (reachable.has(node.id)) refused.push({ nodeId: node.id, reason: 'reachable' });
      else if ((children.get(node.id) ?? 0) > 0)
        refused.push({ nodeId: node.id, reason: 'live-descendants' });
      else {
        node.dead = true;
        tombstoned.push(node.id);
        children.set(node.parentId, (children.get(node.parentId) ?? 0) - 1);
      }
    }
    return { tombstoned, refused };
  }

  waste(): ModelWaste {
    const dead = [...this.nodes.values()].filter((node) => node.dead).length;
    const operations: string[] = [];
    let nodes = 0;
    for (const [id, { nodeIds }] of this.operations) {
      if (nodeIds.length === 0 || !nodeIds.every((nodeId) => this.nodes.get(nodeId)?.dead)) continue;
      operations.push(id);
      nodes += nodeIds.length;
    }
    return { operations, nodes, kept: dead - nodes };
  }

  /** Forgets operations with their nodes. */
  remove(operationIds: readonly string[]): void {
    for (const operationId of operationIds) {
      for (const nodeId of this.operations.get(operationId)?.nodeIds ?? []) {
        this.nodes.delete(nodeId);
        this.checkpoints.delete(nodeId);
      }
      this.operations.delete(operationId);
    }
  }

  /** Forgets the references of an operation that are not among these. */
  keepReferences(operationId: string, links: ReadonlySet<string>): void {
    const operation = this.operations.get(operationId);
    if (operation === undefined) return;
    const attachments = operation.attachments.filter((id) => links.has(`${operationId} ${id}`));
    this.operations.set(operationId, { ...operation, attachments });
  }

  /** The attachments that stored operations refer to, each once. */
  attachments(): readonly string[] {
    return [...new Set([...this.operations.values()].flatMap(({ attachments }) => attachments))];
  }

  #add(operationId: string, ordinal: number, { createdAt, body }: NodeDraft): void {
    const id = `${operationId}.${ordinal}`;
    const parentId = this.leaf;
    const depth = this.depth();
    this.nodes.set(id, {
      id,
      parentId,
      operationId,
      depth,
      createdAt,
      body: JSON.stringify(body),
      dead: false,
    });
    this.leaf = id;
    this.updatedAt = Math.max(this.updatedAt, createdAt);
  }

  #count({ source, model, usage }: UsageEntry): void {
    const row = this.ledger.findIndex((one) => one.source === source && one.model === model);
    const sum = this.ledger[row]?.usage;
    if (sum === undefined) {
      this.ledger.push({ source, model, usage: { ...usage } });
      return;
    }
    this.ledger[row] = {
      source,
      model,
      usage: {
        inputTokens: sum.inputTokens + usage.inputTokens,
        outputTokens: sum.outputTokens + usage.outputTokens,
        cachedInputTokens: sum.cachedInputTokens + usage.cachedInputTokens,
        reasoningTokens: sum.reasoningTokens + usage.reasoningTokens,
      },
    };
  }
}

/** A component as text: two of the same text are one. */
export function componentText({ version, body }: ComponentBody): string {
  return JSON.stringify([version, body]);
}

/** The attachments that drafts name, each once. */
export function attachmentsIn(drafts: readonly NodeDraft[]): readonly string[] {
  return [...new Set(drafts.flatMap(({ body }) => attachmentsOfBody(body).map(({ id }) => id)))];
}

/** UTF-8 bytes of a draft as JSON. */
export function sizeOf(draft: NodeDraft): number {
  return new TextEncoder().encode(JSON.stringify(draft)).byteLength;
}
