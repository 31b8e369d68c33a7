import {
  type Checkpoint,
  type CheckpointChange,
  type ComponentBody,
  componentId,
  type ComponentReference,
} from '../../contract/checkpoint.ts';
import type { PluginState, StateDefinition } from '../../contract/plugin-state.ts';
import type { Plugin } from '../../contract/plugin.ts';
import { LashError, reasonText } from '../../core/error.ts';
import type { PluginsShown } from '../../core/event.ts';
import { freeze } from '../../core/freeze.ts';
import { canonicalJson, type JsonValue, utf8Length } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { SecretVault } from '../secrets.ts';

/** How long the state of a plugin may be, in bytes of JSON. */
const MAX_STATE_BYTES = 64 * 1024;
/** Components of checkpoints that are plugins' states. */
const PREFIX = 'plugin:';

/** States by the id of their plugin, as a turn's journal keeps them. */
export type StateChanges = Readonly<Record<string, ComponentBody>>;

/** Where a session is. */
export interface StatePlace {
  readonly leaf: string | null;
  readonly revision: number;
}

/** A checkpoint to be committed, and what to call once it is. */
export interface PendingCheckpoint {
  readonly change: CheckpointChange;
  committed(): void;
}

/** A plugin's state as it is now. `body` is frozen. */
interface Kept {
  readonly body: unknown;
  /** The component that was stored for it last, if it did not change since. */
  readonly id: string | null;
  /** Whether the next commit has to store it. */
  readonly changed: boolean;
  /** Whether the turn's journal has it, or need not. */
  readonly recorded: boolean;
}

interface StatefulPlugin {
  readonly id: string;
  readonly version: number;
  readonly state: StateDefinition<unknown>;
}

/** The states of a session's plugins: what holds where the session is, and what a turn changes (rules PS1 to PS4). */
export class PluginStates {
  readonly #plugins: readonly StatefulPlugin[];
  readonly #secrets: SecretVault;
  readonly #maxBytes: number;
  readonly #kept = new Map<string, Kept>();
  /** What is kept as it was stored last. */
  readonly #settled = new Map<string, Kept>();
  /** Components that are nobody's here. */
  #foreign: Readonly<Record<string, ComponentReference>> = {};
  /** Where what is kept holds, if it holds anywhere. */
  #place: StatePlace | null = null;
  #open = false;
  #standing: Promise<unknown> = Promise.resolve();

  /** `maxBytes`: what all of them may take together. @throws `InvalidInput` for an initial state that does not fit its schema */
  constructor(plugins: readonly Plugin[], secrets: SecretVault, maxBytes: number) {
    this.#plugins = plugins.flatMap(({ id, version, state }) =>
      state === undefined ? [] : [{ id, version, state }],
    );
    this.#secrets = secrets;
    this.#maxBytes = maxBytes;
    for (const { id, body } of this.#restored(null)) this.#settle(id, body);
  }

  /** The state of a plugin, for its hooks. */
  of({ id }: Plugin): PluginState<unknown> {
    const plugin = this.#plugins.find((known) => known.id === id);
    return {
      get: () => this.#kept.get(id)?.body ?? null,
      set: (state) => this.#set(id, plugin, state),
    };
  }

  /** Whether any of them is shown. */
  get isAnyShown(): boolean {
    return this.#plugins.some(({ state }) => state.shown === true);
  }

  /** What those show that show something. */
  get shown(): PluginsShown {
    const shown = this.#plugins.filter(({ state }) => state.shown === true);
    return Object.fromEntries(shown.map(({ id }) => [id, this.#keptOf(id).body as JsonValue]));
  }

  /**
   * What is kept becomes what holds at `place`, where `read` gives the checkpoint that holds there; one call after the other.
   * While a turn changes it, it stays as it is.
   *
   * @throws `PluginStateRefused`, and what `read` throws; what was kept before is kept then
   */
  async stand(place: StatePlace, read: () => Promise<Checkpoint | null>): Promise<void> {
    const standing = this.#standing.then(async () => await this.#stand(place, read));
    this.#standing = standing.catch(() => undefined);
    await standing;
  }

  /** From here on it may change, until {@link end}. */
  open(): void {
    this.#open = true;
  }

  async #stand(place: StatePlace, read: () => Promise<Checkpoint | null>): Promise<void> {
    const isHere = this.#place?.leaf === place.leaf && this.#place.revision === place.revision;
    if (isHere || this.#open || this.#plugins.length === 0) return;
    const checkpoint = await read();
    for (const { id, body } of this.#restored(checkpoint)) this.#settle(id, body);
    this.#foreign = this.#foreignOf(checkpoint);
    this.#place = place;
  }

  /** Takes over what the journal has of a turn that somebody else began. @throws `PluginStateRefused` */
  replay(changes: readonly StateChanges[]): void {
    for (const plugin of this.#plugins) {
      const last = changes.findLast((change) => change[plugin.id] !== undefined)?.[plugin.id];
      if (last === undefined) continue;
      const body = this.#read(plugin, last);
      this.#kept.set(plugin.id, { body, id: null, changed: true, recorded: true });
    }
  }

  /** What changed that the journal does not have; from here on it has. */
  takeChanges(): { readonly states?: StateChanges } {
    const fresh = this.#plugins.filter(({ id }) => this.#kept.get(id)?.recorded === false);
    if (fresh.length === 0) return {};
    const changes = fresh.map(({ id, version }) => {
      const kept = this.#keptOf(id);
      this.#kept.set(id, { ...kept, recorded: true });
      return [id, { version, body: kept.body as JsonValue }] as const;
    });
    return { states: Object.fromEntries(changes) };
  }

  /** The checkpoint that the next commit has to write, if there is one. */
  async checkpoint(): Promise<PendingCheckpoint | undefined> {
    const all = this.#plugins.map((plugin) => ({ ...plugin, kept: this.#keptOf(plugin.id) }));
    if (!all.some(({ kept }) => kept.changed)) return undefined;
    const change: Record<string, ComponentBody | ComponentReference> = { ...this.#foreign };
    const stored = new Map<string, Kept>();
    for (const { id, version, kept } of all) {
      if (!kept.changed && kept.id === null) continue;
      const component = { version, body: kept.body as JsonValue };
      change[`${PREFIX}${id}`] = kept.changed ? component : { id: kept.id ?? '' };
      if (kept.changed)
        stored.set(id, { ...kept, id: await componentId(component), changed: false, recorded: true });
    }
    return {
      change,
      committed: () => {
        // What changed while it was being committed is stored by the next commit.
        for (const [id, kept] of stored) {
          if (this.#keptOf(id).body === kept.body) this.#kept.set(id, kept);
          this.#settled.set(id, kept);
        }
      },
    };
  }

  /** A commit of the turn has moved the session, and with it what holds; `null`: somebody else has. */
  moved(place: StatePlace | null): void {
    this.#place = place;
  }

  /** The turn, or the action, is over here: nothing changes any more, and what was not committed is forgotten. */
  end(): void {
    this.#open = false;
    for (const [id, kept] of this.#settled) this.#kept.set(id, kept);
  }

  #settle(id: string, kept: Kept): void {
    this.#kept.set(id, kept);
    this.#settled.set(id, kept);
  }

  #set(id: string, plugin: StatefulPlugin | undefined, state: unknown): void {
    if (!this.#open || plugin === undefined)
      throw new LashError('PluginStateReadOnly', `The state of the plugin ${id} changes in a turn only`, {
        plugin: id,
      });
    const path = `plugins.${id}.state`;
    refuseNonData(state, path);
    const checked = check(plugin, state);
    if (!checked.ok) throw invalid(path, checked.reason);
    refuseNonData(checked.value, path);
    const body = freeze(this.#secrets.redactJson(structuredClone(checked.value)));
    const bytes = jsonBytes(body);
    if (bytes > MAX_STATE_BYTES) throw invalid(path, `has ${bytes} bytes, and may have ${MAX_STATE_BYTES}`);
    const others = this.#plugins.filter((other) => other.id !== id);
    const total = others.reduce((sum, other) => sum + jsonBytes(this.#keptOf(other.id).body), bytes);
    if (total > this.#maxBytes)
      throw invalid(
        path,
        `and those of the other plugins have ${total} bytes, and may have ${this.#maxBytes}`,
      );
    this.#kept.set(id, { body, id: null, changed: true, recorded: false });
  }

  #restored(checkpoint: Checkpoint | null): readonly { readonly id: string; readonly body: Kept }[] {
    return this.#plugins.map((plugin) => {
      const { id, version } = plugin;
      const component = checkpoint?.components[`${PREFIX}${id}`];
      if (component === undefined) {
        const body = freeze(structuredClone(this.#initial(plugin)));
        return { id, body: { body, id: null, changed: false, recorded: true } };
      }
      const body = this.#read(plugin, component);
      const isMigrated = component.version !== version;
      const kept = { body, id: isMigrated ? null : component.id, changed: isMigrated, recorded: !isMigrated };
      return { id, body: kept };
    });
  }

  #foreignOf(checkpoint: Checkpoint | null): Readonly<Record<string, ComponentReference>> {
    const own = new Set(this.#plugins.map(({ id }) => `${PREFIX}${id}`));
    const others = Object.entries(checkpoint?.components ?? {}).filter(([name]) => !own.has(name));
    return Object.fromEntries(others.map(([name, { id }]) => [name, { id }]));
  }

  #initial(plugin: StatefulPlugin): unknown {
    const path = `plugins.${plugin.id}.state.initial`;
    refuseNonData(plugin.state.initial, path);
    const checked = check(plugin, plugin.state.initial);
    if (!checked.ok) throw invalid(path, checked.reason);
    return checked.value;
  }

  /** What is stored, as this version of the plugin reads it. @throws `PluginStateRefused` */
  #read(plugin: StatefulPlugin, { version, body }: ComponentBody): unknown {
    if (version === plugin.version) return this.#accepted(plugin, version, body);
    const migrate = plugin.state.migrate?.bind(plugin.state);
    if (migrate === undefined) throw refused(plugin, version, 'it has no migration');
    let migrated: JsonValue;
    try {
      migrated = migrate(structuredClone(body), version);
    } catch (cause) {
      throw refused(plugin, version, `its migration failed: ${reasonText(cause)}`, cause);
    }
    return this.#accepted(plugin, version, migrated);
  }

  #accepted(plugin: StatefulPlugin, version: number, body: JsonValue): unknown {
    const checked = check(plugin, body);
    if (!checked.ok) throw refused(plugin, version, checked.reason);
    return freeze(structuredClone(checked.value));
  }

  #keptOf(id: string): Kept {
    return this.#kept.get(id) ?? { body: null, id: null, changed: false, recorded: true };
  }
}

type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

function check({ state: { schema } }: StatefulPlugin, value: unknown): Checked {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  const at = issue?.path.map((key) => `.${String(key)}`).join('') ?? '';
  return { ok: false, reason: `$${at}: ${issue?.message ?? 'does not fit'}` };
}

function jsonBytes(value: unknown): number {
  return utf8Length(canonicalJson(value as JsonValue));
}

function invalid(path: string, reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}

function refused(
  { id, version }: StatefulPlugin,
  stored: number,
  reason: string,
  cause?: unknown,
): LashError {
  const message = `The plugin ${id} (version ${version}) cannot read its stored state of version ${stored}: ${reason}`;
  return new LashError('PluginStateRefused', message, { plugin: id, stored, version, reason }, { cause });
}
