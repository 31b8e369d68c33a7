import {
  type Checkpoint,
  type CheckpointChange,
  type ComponentBody,
  componentId,
  type ComponentReference,
} from '../../contract/checkpoint.ts';
import type { PluginState } from '../../contract/plugin-state.ts';
import type { Plugin } from '../../contract/plugin.ts';
import { LashError } from '../../core/error.ts';
import type { PluginsShown } from '../../core/event.ts';
import { freeze } from '../../core/freeze.ts';
import { canonicalJson, type JsonValue } from '../../core/json.ts';
import { refuseNonData } from '../../core/plain-data.ts';
import type { SecretVault } from '../secrets.ts';
import {
  checkState,
  initialState,
  MAX_STATE_BYTES,
  readState,
  type StatefulPlugin,
  stateBytes,
  stateInvalid,
} from './stateful-plugin.ts';

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

/** One turn, or one action, that may change states. What it did not commit is forgotten when it ends; then it changes nothing. */
export interface StateScope {
  /** Aborts when it ends. */
  readonly signal: AbortSignal;
  /** What changed that the turn's journal does not have; from here on it has. */
  takeChanges(): { readonly states?: StateChanges };
  /** The checkpoint that the next commit has to write, if there is one. */
  checkpoint(): Promise<PendingCheckpoint | undefined>;
  /** A commit has moved the session, and with it what holds; `null`: somebody else has. */
  moved(place: StatePlace | null): void;
  end(): void;
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

/** The states of a session's plugins: what holds where the session is, and what a turn changes (rules PS1 to PS4). */
export class PluginStates {
  readonly #plugins: readonly StatefulPlugin[];
  readonly #secrets: SecretVault;
  readonly #maxBytes: number;
  readonly #trouble: (error: LashError) => void;
  readonly #kept = new Map<string, Kept>();
  /** What is kept as it was stored last. */
  readonly #settled = new Map<string, Kept>();
  /** What is nobody's here, by the name of its component. */
  #foreign: CheckpointChange = {};
  #settledForeign: CheckpointChange = {};
  /** Where what is kept holds, if it holds anywhere. */
  #place: StatePlace | null = null;
  /** Who may change what is kept. */
  #scope: AbortController | null = null;
  #standing: Promise<unknown> = Promise.resolve();

  /**
   * `maxBytes`: what all of them may take together. `trouble` is told of a change that had to be given up.
   *
   * @throws `InvalidInput` for an initial state that does not fit its schema
   */
  constructor(
    plugins: readonly Plugin[],
    secrets: SecretVault,
    maxBytes: number,
    trouble: (error: LashError) => void,
  ) {
    this.#plugins = plugins.flatMap(({ id, version, state }) =>
      state === undefined ? [] : [{ id, version, state }],
    );
    this.#secrets = secrets;
    this.#maxBytes = maxBytes;
    this.#trouble = trouble;
    for (const { id, kept } of this.#restored(null)) this.#settle(id, kept);
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

  /** What those show that show something, as it is stored. */
  get shown(): PluginsShown {
    const shown = this.#plugins.filter(({ state }) => state.shown === true);
    return Object.fromEntries(shown.map(({ id }) => [id, this.#settled.get(id)?.body as JsonValue]));
  }

  /**
   * What is kept becomes what holds at `place`, where `read` gives the checkpoint that holds there; one call after the other.
   * While somebody changes it, it stays as it is.
   *
   * @throws `PluginStateRefused`, and what `read` throws; what was kept before is kept then
   */
  async stand(place: StatePlace, read: () => Promise<Checkpoint | null>): Promise<void> {
    await this.#inTurn(async () => await this.#stand(place, read));
  }

  /**
   * As {@link stand}, with what the journal has of a turn that somebody else began; from then on it may change.
   *
   * @throws `PluginStateRefused`, and what `read` throws
   */
  async begin(
    place: StatePlace,
    read: () => Promise<Checkpoint | null>,
    replayed: readonly StateChanges[] = [],
  ): Promise<StateScope> {
    return await this.#inTurn(async () => {
      await this.#stand(place, read, this.#plugins.length + replayed.length > 0);
      this.#replay(replayed);
      const over = new AbortController();
      this.#scope = over;
      return this.#scopeOf(over);
    });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#standing.then(work);
    this.#standing = done.catch(() => undefined);
    return await done;
  }

  async #stand(
    place: StatePlace,
    read: () => Promise<Checkpoint | null>,
    isNeeded = this.#plugins.length > 0,
  ): Promise<void> {
    const isHere = this.#place?.leaf === place.leaf && this.#place.revision === place.revision;
    if (isHere || this.#scope !== null || !isNeeded) return;
    const checkpoint = await read();
    for (const { id, kept } of this.#restored(checkpoint)) this.#settle(id, kept);
    this.#foreign = this.#foreignOf(checkpoint);
    this.#settledForeign = this.#foreign;
    this.#place = place;
  }

  #replay(changes: readonly StateChanges[]): void {
    const last = Object.assign({}, ...changes) as StateChanges;
    const own = this.#plugins.flatMap((plugin) => {
      const component = last[plugin.id];
      return component === undefined ? [] : [{ id: plugin.id, body: readState(plugin, component) }];
    });
    for (const { id, body } of own) this.#kept.set(id, { body, id: null, changed: true, recorded: true });
    for (const [id, component] of Object.entries(last)) {
      if (this.#plugins.some((plugin) => plugin.id === id)) continue;
      this.#foreign = { ...this.#foreign, [`${PREFIX}${id}`]: component };
    }
  }

  #scopeOf(over: AbortController): StateScope {
    const isOver = (): boolean => this.#scope !== over;
    return {
      signal: over.signal,
      takeChanges: () => (isOver() ? {} : this.#takeChanges()),
      checkpoint: async () => (isOver() ? undefined : await this.#checkpoint(isOver)),
      moved: (place) => {
        // What is kept is not what was committed, once that was told too late.
        this.#place = isOver() ? null : place;
      },
      end: () => {
        if (isOver()) return;
        this.#scope = null;
        for (const [id, kept] of this.#settled) this.#kept.set(id, kept);
        this.#foreign = this.#settledForeign;
        over.abort();
      },
    };
  }

  #takeChanges(): { readonly states?: StateChanges } {
    const changes: [string, ComponentBody][] = [];
    for (const plugin of this.#plugins) {
      const { id, version } = plugin;
      if (this.#keptOf(id).recorded) continue;
      const kept = this.#storable(plugin);
      this.#kept.set(id, { ...kept, recorded: true });
      if (kept.changed) changes.push([id, { version, body: kept.body as JsonValue }]);
    }
    return changes.length === 0 ? {} : { states: Object.fromEntries(changes) };
  }

  async #checkpoint(isOver: () => boolean): Promise<PendingCheckpoint | undefined> {
    const all = this.#plugins.map((plugin) => ({ ...plugin, kept: this.#storable(plugin) }));
    const brought = Object.values(this.#foreign).some((component) => 'body' in component);
    if (!brought && !all.some(({ kept }) => kept.changed)) return undefined;
    const foreign = await referencesOf(this.#foreign);
    const change: Record<string, ComponentBody | ComponentReference> = { ...this.#foreign };
    const stored: { readonly id: string; readonly before: Kept; readonly after: Kept }[] = [];
    for (const { id, version, kept } of all) {
      if (!kept.changed && kept.id === null) continue;
      const component = { version, body: kept.body as JsonValue };
      change[`${PREFIX}${id}`] = kept.changed ? component : { id: kept.id ?? '' };
      if (!kept.changed) continue;
      const after = {
        body: kept.body,
        id: await componentId(component),
        changed: false,
        recorded: true,
      };
      stored.push({ id, before: kept, after });
    }
    return {
      change,
      committed: () => {
        if (isOver()) return;
        this.#foreign = foreign;
        this.#settledForeign = foreign;
        for (const { id, before, after } of stored) {
          // What changed while it was being committed is stored by the next commit.
          if (this.#keptOf(id).body === before.body) this.#kept.set(id, after);
          this.#settled.set(id, after);
        }
      },
    };
  }

  /** A change without secrets that became known after it (law SE1). One that its schema does not take so is given up. */
  #storable(plugin: StatefulPlugin): Kept {
    const { id } = plugin;
    const kept = this.#keptOf(id);
    if (!kept.changed) return kept;
    const body = this.#secrets.redactJson(kept.body as JsonValue);
    if (canonicalJson(body) === canonicalJson(kept.body as JsonValue)) return kept;
    const checked = checkState(plugin, body);
    if (!checked.ok)
      this.#trouble(stateInvalid(`plugins.${id}.state`, `held a secret, without which ${checked.reason}`));
    const storable = checked.ok ? { ...kept, body: freeze(body) } : (this.#settled.get(id) ?? kept);
    this.#kept.set(id, storable);
    return storable;
  }

  #settle(id: string, kept: Kept): void {
    this.#kept.set(id, kept);
    this.#settled.set(id, kept);
  }

  #set(id: string, plugin: StatefulPlugin | undefined, state: unknown): void {
    if (this.#scope === null || plugin === undefined) throw stateReadOnly(id);
    const path = `plugins.${id}.state`;
    refuseNonData(state, path);
    // What the schema takes is what will be read again: without secrets.
    const checked = checkState(plugin, this.#secrets.redactJson(structuredClone(state)));
    if (!checked.ok) throw stateInvalid(path, checked.reason);
    const body = freeze(checked.value);
    const excess = this.#excess(id, body);
    if (excess !== undefined) throw stateInvalid(path, excess);
    this.#kept.set(id, { body, id: null, changed: true, recorded: false });
  }

  /** What is too long about a state, if anything is. */
  #excess(id: string, body: unknown): string | undefined {
    const bytes = stateBytes(body);
    if (bytes > MAX_STATE_BYTES) return `has ${bytes} bytes, and may have ${MAX_STATE_BYTES}`;
    const others = this.#plugins.filter((other) => other.id !== id);
    const total = others.reduce((sum, other) => sum + stateBytes(this.#keptOf(other.id).body), bytes);
    if (total <= this.#maxBytes) return undefined;
    return `and those of the other plugins have ${total} bytes, and may have ${this.#maxBytes}`;
  }

  #restored(checkpoint: Checkpoint | null): readonly { readonly id: string; readonly kept: Kept }[] {
    return this.#plugins.map((plugin) => {
      const { id, version } = plugin;
      const component = checkpoint?.components[`${PREFIX}${id}`];
      if (component === undefined) {
        const body = freeze(initialState(plugin));
        return { id, kept: { body, id: null, changed: false, recorded: true } };
      }
      const body = readState(plugin, component);
      const isMigrated = component.version !== version;
      const kept = { body, id: isMigrated ? null : component.id, changed: isMigrated, recorded: !isMigrated };
      return { id, kept };
    });
  }

  #foreignOf(checkpoint: Checkpoint | null): CheckpointChange {
    const own = new Set(this.#plugins.map(({ id }) => `${PREFIX}${id}`));
    const others = Object.entries(checkpoint?.components ?? {}).filter(([name]) => !own.has(name));
    return Object.fromEntries(others.map(([name, { id }]) => [name, { id }]));
  }

  #keptOf(id: string): Kept {
    return this.#kept.get(id) ?? { body: null, id: null, changed: false, recorded: true };
  }
}

/** What is told to whoever changes a state out of turn. */
export function stateReadOnly(plugin: string): LashError<'PluginStateReadOnly'> {
  return new LashError('PluginStateReadOnly', `The state of the plugin ${plugin} does not change now`, {
    plugin,
  });
}

/** The same components, once they are stored. */
async function referencesOf(components: CheckpointChange): Promise<CheckpointChange> {
  const named = Object.entries(components).map(
    async ([name, component]) =>
      [name, 'body' in component ? { id: await componentId(component) } : component] as const,
  );
  return Object.fromEntries(await Promise.all(named));
}
