import { LashError } from './error.ts';
import type { PathWindow } from './event.ts';
import { totalBytes } from './node-bytes.ts';
import type { SessionNode } from './node.ts';
import { Vector } from './vector.ts';

/**
 * The newest part of the chain of nodes from a root to a leaf: the nodes that are held, how many lie before them, and the
 * leaf. A persistent value: an append shares the path it extends and costs what it adds, whatever the path holds.
 *
 * Every node's parent is the node before it, the root's is `null`, and the last one is the leaf. Nothing at all may be
 * held of a path.
 */
export class SessionPath {
  static readonly empty: SessionPath = new SessionPath(null, 0, Vector.of([]), 0);

  readonly leaf: string | null;
  /** How many nodes lie before the ones that are held. */
  readonly start: number;
  readonly nodes: Vector<SessionNode>;
  /** What the nodes that are held take in memory. */
  readonly bytes: number;

  private constructor(leaf: string | null, start: number, nodes: Vector<SessionNode>, bytes: number) {
    this.leaf = leaf;
    this.start = start;
    this.nodes = nodes;
    this.bytes = bytes;
  }

  /** A path of this many nodes that ends at `leaf`, of which none is held. */
  static unread(leaf: string | null, depth: number): SessionPath {
    return new SessionPath(leaf, depth, SessionPath.empty.nodes, 0);
  }

  /**
   * The path of `depth` nodes that ends at `leaf`, of which `window` is the newest part.
   *
   * @throws `StoredDataCorrupt` if it is not.
   */
  static of(
    sessionId: string,
    { leaf, depth }: { readonly leaf: string | null; readonly depth: number },
    { start, nodes }: PathWindow,
  ): SessionPath {
    const before = start === 0 ? null : (nodes[0]?.parentId ?? leaf);
    const path = SessionPath.unread(before, start).append(sessionId, nodes);
    if (path.leaf === leaf && path.depth === depth) return path;
    throw corrupt(sessionId, leaf, `it does not end a path of ${depth} nodes`);
  }

  /** How many nodes the path has, held or not. */
  get depth(): number {
    return this.start + this.nodes.length;
  }

  /** This path with `nodes` behind its leaf. @throws `StoredDataCorrupt` if they do not chain on. */
  append(sessionId: string, nodes: readonly SessionNode[]): SessionPath {
    let { leaf } = this;
    for (const { id, parentId } of nodes) {
      if (parentId !== leaf) {
        const reason = `its parent is ${String(parentId)}, and the node before it is ${String(leaf)}`;
        throw corrupt(sessionId, id, reason);
      }
      leaf = id;
    }
    if (nodes.length === 0) return this;
    return new SessionPath(leaf, this.start, this.nodes.append(nodes), this.bytes + totalBytes(nodes));
  }

  /** This path with the nodes of `older` held too, which lie right before those that are. @throws `StoredDataCorrupt` */
  prepend(sessionId: string, older: PathWindow): SessionPath {
    return SessionPath.of(sessionId, this, { start: older.start, nodes: [...older.nodes, ...this.nodes] });
  }

  /** A node that is held. */
  node(nodeId: string): SessionNode | undefined {
    return this.nodes.get(this.#indexOf(nodeId));
  }

  /** The nodes behind `nodeId`, or `undefined` if it is not known to be on the path; `null` stands before the root. */
  behind(nodeId: string | null): readonly SessionNode[] | undefined {
    if (nodeId === this.leaf) return [];
    if (nodeId === this.nodes.get(0)?.parentId) return [...this.nodes];
    const index = nodeId === null ? -1 : this.#indexOf(nodeId);
    return index < 0 ? undefined : this.nodes.slice(index + 1);
  }

  /** The path up to `nodeId`, or `undefined` if that node is not held; `null` gives the empty path. */
  upTo(nodeId: string | null): SessionPath | undefined {
    if (nodeId === this.leaf) return this;
    if (nodeId === null) return SessionPath.empty;
    const kept = this.#indexOf(nodeId) + 1;
    if (kept === 0) return undefined;
    const cut = totalBytes(this.nodes.slice(kept));
    return new SessionPath(nodeId, this.start, this.nodes.take(kept), this.bytes - cut);
  }

  /** How many nodes from the root on this path and `other` share, as far as what both hold tells; else 0. */
  sharedWith(other: SessionPath): number {
    const known = Math.max(this.start, other.start);
    let depth = Math.min(this.depth, other.depth);
    while (depth >= known && this.#idAt(depth) !== other.#idAt(depth)) depth--;
    return depth < known ? 0 : depth;
  }

  /** This path with no more nodes held than take `maxBytes`: the newest ones. */
  keepNewest(maxBytes: number): SessionPath {
    let { bytes } = this;
    let dropped = 0;
    for (const node of this.nodes) {
      if (bytes <= maxBytes) break;
      bytes -= totalBytes([node]);
      dropped++;
    }
    if (dropped === 0) return this;
    return new SessionPath(this.leaf, this.start + dropped, this.nodes.drop(dropped), bytes);
  }

  /** Of the nodes that are held, at most `limit` before depth `before`, the newest ones. */
  window(before: number, limit: number): PathWindow {
    const end = Math.max(this.start, Math.min(before, this.depth));
    const start = Math.max(this.start, end - limit);
    return { start, nodes: this.nodes.slice(start - this.start, end - this.start) };
  }

  /** The id of the node that ends the first `depth` nodes, from {@link start} on. */
  #idAt(depth: number): string | null | undefined {
    return depth === this.depth ? this.leaf : this.nodes.get(depth - this.start)?.parentId;
  }

  /** Looks from the leaf backwards. */
  #indexOf(nodeId: string): number {
    let index = this.nodes.length - 1;
    while (index >= 0 && this.nodes.get(index)?.id !== nodeId) index--;
    return index;
  }
}

function corrupt(sessionId: string, nodeId: string | null, reason: string): LashError<'StoredDataCorrupt'> {
  const data = { sessionId, nodeId, reason };
  return new LashError('StoredDataCorrupt', `Node ${String(nodeId)} is out of place: ${reason}`, data);
}
