import { LashError } from './error.ts';
import type { Message } from './message.ts';
import type { SessionNode } from './node.ts';
import type { ToolInvocation } from './tool-call.ts';
import { addUsage, NO_USAGE, type TokenUsage } from './usage.ts';
import { Vector } from './vector.ts';

/** A message on the path, with the id of its node. */
export interface PathMessage {
  readonly nodeId: string;
  readonly message: Message;
}

/** A tool call on the path, with the id of its node. */
export interface PathToolCall {
  readonly nodeId: string;
  readonly invocation: ToolInvocation;
}

/**
 * The chain of nodes from a root to a session's leaf, as a persistent value: an append shares the path it extends and
 * costs what it adds, whatever the path holds.
 *
 * A path is whole: every node's parent is the node before it, and the first one's is `null`.
 */
export class SessionPath {
  static readonly empty: SessionPath = new SessionPath(Vector.of([]));

  readonly nodes: Vector<SessionNode>;

  private constructor(nodes: Vector<SessionNode>) {
    this.nodes = nodes;
  }

  /** The path of these nodes, root first. @throws `StoredDataCorrupt` if they are not a chain. */
  static of(sessionId: string, nodes: Iterable<SessionNode>): SessionPath {
    return SessionPath.empty.append(sessionId, nodes);
  }

  /** The id of the last node, or `null` on an empty path. */
  get leaf(): string | null {
    return this.nodes.get(this.length - 1)?.id ?? null;
  }

  get length(): number {
    return this.nodes.length;
  }

  /** This path with `nodes` behind its leaf. @throws `StoredDataCorrupt` if they do not chain on. */
  append(sessionId: string, nodes: Iterable<SessionNode>): SessionPath {
    const added = [...nodes];
    let parent = this.leaf;
    for (const node of added) {
      if (node.parentId !== parent) {
        const reason = `its parent is ${String(node.parentId)}, and the node before it is ${String(parent)}`;
        const data = { sessionId, nodeId: node.id, reason };
        throw new LashError('StoredDataCorrupt', `Node ${node.id} is out of place: ${reason}`, data);
      }
      parent = node.id;
    }
    return added.length === 0 ? this : new SessionPath(this.nodes.append(added));
  }

  /** How many nodes lie before `nodeId` on the path, or -1 if it is not on it. Looks from the leaf backwards. */
  indexOf(nodeId: string): number {
    for (let index = this.length - 1; index >= 0; index--) {
      if (this.nodes.get(index)?.id === nodeId) return index;
    }
    return -1;
  }

  /** The path up to `nodeId`, or `undefined` if that node is not on it; `null` gives the empty path. */
  upTo(nodeId: string | null): SessionPath | undefined {
    if (nodeId === null) return SessionPath.empty;
    const index = this.indexOf(nodeId);
    if (index < 0) return undefined;
    return index === this.length - 1 ? this : new SessionPath(this.nodes.take(index + 1));
  }

  /** The messages of the path, first one first. */
  messages(): readonly PathMessage[] {
    const found: PathMessage[] = [];
    for (const node of this.nodes) {
      if (node.body.kind === 'conversation') found.push({ nodeId: node.id, message: node.body.message });
    }
    return found;
  }

  /** The tool calls of the path, first one first. */
  toolCalls(): readonly PathToolCall[] {
    const found: PathToolCall[] = [];
    for (const node of this.nodes) {
      if (node.body.kind === 'tool') found.push({ nodeId: node.id, invocation: node.body.invocation });
    }
    return found;
  }

  /** The tokens of the model calls whose answers lie on the path. The session's ledger also counts other branches. */
  usage(): TokenUsage {
    let sum = NO_USAGE;
    for (const node of this.nodes) {
      if (node.body.kind === 'conversation' && node.body.usage !== undefined)
        sum = addUsage(sum, node.body.usage);
    }
    return sum;
  }
}
