import type { ComponentBody } from '../../contract/checkpoint.ts';
import type { StateDefinition } from '../../contract/plugin-state.ts';
import { LashError, reasonText } from '../../core/error.ts';
import { freeze } from '../../core/freeze.ts';
import { canonicalJson, findNonJson, type JsonValue, utf8Length } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';

/** How long the state of a plugin may be, in bytes of JSON. */
export const MAX_STATE_BYTES: number = 64 * 1024;

/** What of a plugin its state is about. */
export interface StatefulPlugin {
  readonly id: string;
  readonly version: number;
  readonly state: StateDefinition<unknown>;
}

/** What a schema makes of a state, or what it has against it. */
export type CheckedState =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Never throws, whatever the schema does. What it makes is copied, and is JSON. */
export function checkState({ state: { schema } }: StatefulPlugin, value: unknown): CheckedState {
  try {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      const at = issue?.path.map((key) => `.${String(key)}`).join('') ?? '';
      return { ok: false, reason: `$${at}: ${issue?.message ?? 'does not fit'}` };
    }
    const path = findNonJson(parsed.data);
    if (path !== undefined)
      return { ok: false, reason: `${path}: its schema makes something that is no data` };
    return { ok: true, value: structuredClone(parsed.data) };
  } catch (cause) {
    return { ok: false, reason: `its schema failed: ${reasonText(cause)}` };
  }
}

/** What a plugin begins with. @throws `InvalidInput`, `NotData` */
export function initialState(plugin: StatefulPlugin): unknown {
  const path = `plugins.${plugin.id}.state.initial`;
  refuseNonData(plugin.state.initial, path);
  const checked = checkState(plugin, plugin.state.initial);
  if (!checked.ok) throw stateInvalid(path, checked.reason);
  return checked.value;
}

/** What is stored, as this version of the plugin reads it (rule PS3); frozen. @throws `PluginStateRefused` */
export function readState(plugin: StatefulPlugin, component: ComponentBody): unknown {
  const { version } = component;
  const checked = checkState(plugin, migrated(plugin, component));
  if (!checked.ok) throw refused(plugin, version, checked.reason);
  const bytes = stateBytes(checked.value);
  if (bytes > MAX_STATE_BYTES) throw refused(plugin, version, `it has ${bytes} bytes`);
  return freeze(checked.value);
}

export function stateBytes(value: unknown): number {
  return utf8Length(canonicalJson(value as JsonValue));
}

export function stateInvalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}

function migrated(plugin: StatefulPlugin, { version, body }: ComponentBody): JsonValue {
  if (version === plugin.version) return body;
  const { state } = plugin;
  if (state.migrate === undefined) throw refused(plugin, version, 'it has no migration');
  try {
    return state.migrate(structuredClone(body), version);
  } catch (cause) {
    throw refused(plugin, version, `its migration failed: ${reasonText(cause)}`, cause);
  }
}

function refused(
  { id, version }: StatefulPlugin,
  stored: number,
  reason: string,
  cause?: unknown,
): LashError<'PluginStateRefused'> {
  const message = `The plugin ${id} (version ${version}) cannot read its stored state of version ${stored}: ${reason}`;
  return new LashError('PluginStateRefused', message, { plugin: id, stored, version, reason }, { cause });
}
