import type { SoundPath } from '../../contract/store.ts';
import type { Sibling } from '../../core/branch-point.ts';
import { isLashError } from '../../core/error.ts';
import { freeze } from '../../core/freeze.ts';
import { nodeIdOf } from '../../core/id.ts';
import type { RefusalReason } from '../../core/maintenance.ts';
import type { NodeDraft, SessionNode } from '../../core/node.ts';
import { nodeNotFound } from '../rules/refusal.ts';
import { corrupt } from '../rules/storage-error.ts';

/** Where a node is: all that is known of it without reading it. */
export interface MemoryPlace {
  readonly nodeId: string;
  readonly parentId: string | null;
  readonly operationId: string;
  /** How many nodes lie before it on its path. */
  readonly depth: number;
  /** Counts what was written: a node has a greater number than its parent. */
  readonly order: number;
}

/** How a test breaks a stored node: it is gone, hangs below a node that does not exist, or is tombstoned though it is needed. */
export type NodeDamage = 'missing' | 'dangling' | 'tombstoned';

/** The nodes of one session. A tombstoned node keeps its place until it is removed, and no read shows it (law ST8). */
export class MemoryGraph {
  readonly #sessionId: string;
  readonly #places = new Map<string, MemoryPlace>();
  readonly #nodes = new Map<string, SessionNode>();
  readonly #tombstoned = new Set<string>();
  #written = 0;

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  get tombstonedCount(): number {
    return this.#tombstoned.size;
  }

  add(operationId: string, parentId: string | null, drafts: readonly NodeDraft[]): void {
    let parent = parentId;
    for (const [ordinal, draft] of drafts.entries()) {
      const nodeId = nodeIdOf(operationId, ordinal);
      const depth = this.depthOf(parent);
      this.#places.set(nodeId, { nodeId, parentId: parent, operationId, depth, order: this.#written++ });
      this.#nodes.set(nodeId, freeze({ id: nodeId, parentId: parent, ...draft }));
      parent = nodeId;
    }
  }

  isLive(nodeId: string): boolean {
    return this.#places.has(nodeId) && !this.#tombstoned.has(nodeId);
  }

  /** The places of all live nodes, parents before children. */
  live(): readonly MemoryPlace[] {
    return [...this.#places.values()].filter((place) => !this.#tombstoned.has(place.nodeId));
  }

  /** @throws `NodeNotFound` */
  place(nodeId: string): MemoryPlace {
    const place = this.#places.get(nodeId);
    if (place === undefined || this.#tombstoned.has(nodeId)) throw nodeNotFound(this.#sessionId, nodeId);
    return place;
  }

  /** How many nodes a path has that ends here. */
  depthOf(leaf: string | null): number {
    return leaf === null ? 0 : (this.#places.get(leaf)?.depth ?? 0) + 1;
  }

  /** @throws `StoredDataCorrupt` */
  read({ nodeId, parentId }: MemoryPlace): SessionNode {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw corrupt(this.#sessionId, nodeId, 'is missing');
    if (node.parentId !== parentId) throw corrupt(this.#sessionId, nodeId, 'hangs below another node');
    return node;
  }

  /** The path that ends at `leaf`, root first. @throws `StoredDataCorrupt` where a node of it is not live (law ST6). */
  path(leaf: string | null): readonly MemoryPlace[] {
    const { places, lost } = this.#upFrom(leaf);
    const dead = lost ?? places.findLast(({ nodeId }) => this.#tombstoned.has(nodeId))?.nodeId;
    if (dead !== undefined) throw corrupt(this.#sessionId, dead, 'is on the path and not live');
    return places;
  }

  /** How far the path that ends at `leaf` can be read, from its root. */
  soundPath(leaf: string | null): SoundPath {
    const { places, lost } = this.#upFrom(leaf);
    if (lost !== undefined) return { leaf: null, damage: { nodeId: lost, reason: 'is not stored' } };
    let sound: string | null = null;
    for (const place of places) {
      const reason = this.#fault(place);
      if (reason !== undefined) return { leaf: sound, damage: { nodeId: place.nodeId, reason } };
      sound = place.nodeId;
    }
    return { leaf: sound, damage: null };
  }

  /** The live nodes below `parentId`, oldest first, each with the live node that was written last below it. */
  children(parentId: string | null): readonly Sibling[] {
    const tips = new Map<string, string>();
    const childOf = new Map<string, string>();
    for (const place of this.live()) {
      const child = place.parentId === parentId ? place.nodeId : childOf.get(place.parentId ?? '');
      if (child === undefined) continue;
      childOf.set(place.nodeId, child);
      tips.set(child, place.nodeId);
    }
    return Array.from(tips, ([nodeId, tip]) => ({ nodeId, tip }));
  }

  /** All nodes that these reach: themselves and their ancestors. */
  reachable(roots: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    for (const root of roots) {
      for (const { nodeId } of this.#upFrom(root).places) found.add(nodeId);
    }
    return found;
  }

  /** Live nodes that none of `roots` reaches, newest first, so that descendants come before their ancestors (law ST8). */
  orphans(roots: readonly string[]): readonly MemoryPlace[] {
    const reached = this.reachable(roots);
    return this.live()
      .filter((place) => !reached.has(place.nodeId))
      .toReversed();
  }

  /** Tombstones those of `nodeIds` that may go, descendants first; says of each what became of it (law ST8). */
  tombstone(
    nodeIds: readonly string[],
    roots: readonly string[],
  ): ReadonlyMap<string, 'tombstoned' | RefusalReason> {
    const reached = this.reachable(roots);
    const parents = new Map<string | null, number>();
    for (const { parentId } of this.live()) parents.set(parentId, (parents.get(parentId) ?? 0) + 1);
    const outcomes = new Map<string, 'tombstoned' | RefusalReason>();
    for (const nodeId of nodeIds) outcomes.set(nodeId, 'unknown');
    for (const { nodeId, parentId } of this.live().toReversed()) {
      if (!outcomes.has(nodeId)) continue;
      const children = parents.get(nodeId) ?? 0;
      const outcome = reached.has(nodeId) ? 'reachable' : children > 0 ? 'live-descendants' : 'tombstoned';
      outcomes.set(nodeId, outcome);
      if (outcome !== 'tombstoned') continue;
      this.#tombstoned.add(nodeId);
      parents.set(parentId, (parents.get(parentId) ?? 0) - 1);
    }
    return outcomes;
  }

  /** The tombstoned nodes, by the operation that wrote them. */
  tombstonedByOperation(): ReadonlyMap<string, readonly string[]> {
    const found = new Map<string, string[]>();
    for (const nodeId of this.#tombstoned) {
      const operationId = this.#places.get(nodeId)?.operationId ?? '';
      found.set(operationId, [...(found.get(operationId) ?? []), nodeId]);
    }
    return found;
  }

  /** Removes nodes for good; their ids are free again. */
  remove(nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) {
      this.#places.delete(nodeId);
      this.#nodes.delete(nodeId);
      this.#tombstoned.delete(nodeId);
    }
  }

  clear(): void {
    this.remove([...this.#places.keys()]);
  }

  /** Breaks a node as a test asks for it. */
  damage(kind: NodeDamage, nodeId: string): void {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) throw nodeNotFound(this.#sessionId, nodeId);
    if (kind === 'missing') this.#nodes.delete(nodeId);
    if (kind === 'dangling') this.#nodes.set(nodeId, freeze({ ...node, parentId: 'nobody.0' }));
    if (kind === 'tombstoned') this.#tombstoned.add(nodeId);
  }

  #fault(place: MemoryPlace): string | undefined {
    if (this.#tombstoned.has(place.nodeId)) return 'is tombstoned';
    try {
      this.read(place);
      return undefined;
    } catch (error) {
      if (isLashError(error, 'StoredDataCorrupt')) return error.data.reason;
      throw error;
    }
  }

  /** The places from `leaf` up to its root, root first; `lost` is the first id on the way that has none. */
  #upFrom(leaf: string | null): { readonly places: readonly MemoryPlace[]; readonly lost?: string } {
    const places: MemoryPlace[] = [];
    for (let nodeId = leaf; nodeId !== null;) {
      const place = this.#places.get(nodeId);
      if (place === undefined) return { places: places.toReversed(), lost: nodeId };
      places.push(place);
      nodeId = place.parentId;
    }
    return { places: places.toReversed() };
  }
}
