import type { Checkpoint, ComponentBody } from '../../contract/checkpoint.ts';
import { LashError } from '../../core/error.ts';
import { freeze } from '../../core/freeze.ts';
import type { JsonValue } from '../../core/json.ts';
import type { SweepReport } from '../../core/maintenance.ts';
import type { PlannedCheckpoint } from '../rules/checkpoint-plan.ts';

/** The checkpoints of one session: by node, ids of components by name; and each component once, by its id. */
export class MemoryCheckpoints {
  readonly #sessionId: string;
  readonly #byNode = new Map<string, Readonly<Record<string, string>>>();
  readonly #components = new Map<string, ComponentBody & { readonly bytes: number }>();

  constructor(sessionId: string) {
    this.#sessionId = sessionId;
  }

  /** @throws `ComponentNotFound` when a change refers to a component that is not stored */
  check({ references }: PlannedCheckpoint): void {
    const sessionId = this.#sessionId;
    for (const componentId of references) {
      if (this.#components.has(componentId)) continue;
      const message = `Session ${sessionId} has no component ${componentId}`;
      throw new LashError('ComponentNotFound', message, { sessionId, componentId });
    }
  }

  /** Replaces the checkpoint of a node. */
  write(nodeId: string, { components, bodies }: PlannedCheckpoint): void {
    for (const { id, version, body } of bodies) {
      if (this.#components.has(id)) continue;
      this.#components.set(id, freeze({ version, body: JSON.parse(body) as JsonValue, bytes: body.length }));
    }
    this.#byNode.set(nodeId, components);
  }

  /** The checkpoint of the last of these nodes that has one. */
  find(path: readonly { readonly nodeId: string }[]): Checkpoint | null {
    const nodeId = path.findLast((place) => this.#byNode.has(place.nodeId))?.nodeId;
    if (nodeId === undefined) return null;
    const components = Object.entries(this.#byNode.get(nodeId) ?? {}).map(([name, id]) => {
      const { version, body } = this.#components.get(id) ?? { version: 0, body: null };
      return [name, { id, version, body }] as const;
    });
    return freeze({ nodeId, components: Object.fromEntries(components) });
  }

  /** Removes the checkpoints of nodes that are removed (law CP3). */
  forget(nodeIds: readonly string[]): void {
    for (const nodeId of nodeIds) this.#byNode.delete(nodeId);
  }

  clear(): void {
    this.#byNode.clear();
    this.#components.clear();
  }

  /** Removes the components that no checkpoint names. Without any checkpoint it refuses (law ST10). */
  sweep(): SweepReport {
    const roots = new Set([...this.#byNode.values()].flatMap((components) => Object.values(components)));
    const unused = [...this.#components].filter(([id]) => !roots.has(id));
    const kept = this.#components.size - unused.length;
    const seen = { roots: roots.size, kept, removed: 0, removedBytes: 0 };
    if (unused.length === 0) return { status: 'NothingToDo', ...seen };
    if (this.#byNode.size === 0) return { status: 'Refused', ...seen, kept: unused.length };
    for (const [id] of unused) this.#components.delete(id);
    const removedBytes = unused.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    return { ...seen, status: 'Swept', removed: unused.length, removedBytes };
  }
}
