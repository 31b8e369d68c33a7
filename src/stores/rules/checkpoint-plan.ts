import { type CheckpointChange, componentId } from '../../contract/checkpoint.ts';
import { LashError } from '../../core/error.ts';
import { checkId } from '../../core/id.ts';
import { canonicalJson, type JsonValue, utf8Length } from '../../core/json.ts';
import { isCount, isFields } from './node-fault.ts';

/** A component that a commit brings; `body` is JSON text. */
export interface PlannedComponent {
  readonly id: string;
  readonly version: number;
  readonly body: string;
}

/** A checkpoint that a commit writes. */
export interface PlannedCheckpoint {
  /** Component ids by name. */
  readonly components: Readonly<Record<string, string>>;
  /** The components that came with a body, each once; what is stored already is not stored again. */
  readonly bodies: readonly PlannedComponent[];
  /** The ids that came without a body: they must be stored already. */
  readonly references: readonly string[];
  /** What the bodies take as JSON in UTF-8. */
  readonly bytes: number;
}

const COMPONENT_ID = /^[\da-f]{64}$/;

/**
 * Encodes a checkpoint that was found to be data. This comes before a transaction opens (law ST15). What was read can be
 * written again as it is: where there is a body, an id beside it counts for nothing.
 *
 * @throws `InvalidInput`
 */
export async function planCheckpoint(change: CheckpointChange): Promise<PlannedCheckpoint> {
  if (!isFields(change)) throw invalid('checkpoint', 'must be components by name');
  const bodies = new Map<string, PlannedComponent>();
  const references = new Set<string>();
  const planOne = async (name: string, component: unknown): Promise<[string, string]> => {
    const planned = await planComponent(`checkpoint.${checkId(name, 'checkpoint: a name')}`, component);
    if (typeof planned === 'string') references.add(planned);
    else bodies.set(planned.id, planned);
    return [name, typeof planned === 'string' ? planned : planned.id];
  };
  const given = Object.entries(change).filter(([, component]) => component !== undefined);
  const components = await Promise.all(given.map(([name, component]) => planOne(name, component)));
  const texts = [...bodies.values()].map(({ body }) => body);
  return {
    components: Object.fromEntries(components),
    bodies: [...bodies.values()],
    references: [...references].filter((id) => !bodies.has(id)),
    bytes: texts.reduce((sum, text) => sum + utf8Length(text), 0),
  };
}

/** A component to store, or the id of one that is stored. */
async function planComponent(path: string, component: unknown): Promise<PlannedComponent | string> {
  if (!isFields(component)) throw invalid(path, 'must be a body with a version, or an id');
  const { id, version } = component;
  if (component['body'] === undefined) {
    if (typeof id === 'string' && COMPONENT_ID.test(id)) return id;
    throw invalid(`${path}.id`, 'must be the id of a component');
  }
  if (!isCount(version)) throw invalid(`${path}.version`, 'must be a whole number from 0 on');
  const body = component['body'] as JsonValue;
  return { id: await componentId({ version, body }), version, body: canonicalJson(body) };
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
