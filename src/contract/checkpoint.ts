import { canonicalJson, type JsonValue } from '../core/json.ts';
import { sha256Of } from './digest.ts';

/**
 * The state of a session at a node, apart from its history: a set of named components, such as a plugin's state. It
 * belongs to the node that was the leaf when it was written: branching to a node finds the checkpoint of that node or of
 * its nearest ancestor that has one.
 *
 * - CP1 Components are stored by content: the same body is stored once per session.
 * - CP2 A change names every component that is to be there: with a body, or by the id of one that is stored already. What
 *   it does not name is gone.
 * - CP3 A checkpoint dies with its node (law ST8); components that no checkpoint names are removed by `gcUnreachable`.
 */
export type CheckpointChange = Readonly<Record<string, ComponentBody | ComponentReference>>;

/** A component with its body. `version` is the writer's own, for its migrations. */
export interface ComponentBody {
  readonly version: number;
  readonly body: JsonValue;
}

/** A component that did not change: the id that {@link Checkpoint} gave. */
export interface ComponentReference {
  readonly id: string;
}

/** A component as it is stored; `id` is the SHA-256 of version and body. */
export interface StoredComponent extends ComponentBody {
  readonly id: string;
}

/** The id of a component: the SHA-256 of its version and its body as canonical JSON. */
export async function componentId({ version, body }: ComponentBody): Promise<string> {
  return await sha256Of(new TextEncoder().encode(`[${version},${canonicalJson(body)}]`));
}

/** The checkpoint that holds at a node. */
export interface Checkpoint {
  /** The node that it was written with: the one asked for, or an ancestor. */
  readonly nodeId: string;
  readonly components: Readonly<Record<string, StoredComponent>>;
}
