import type { Checkpoint } from '../../contract/checkpoint.ts';
import type { Clock } from '../../contract/clock.ts';
import type { PluginHost } from '../../contract/plugin-host.ts';
import type { Plugin, PluginHooks, PluginSessionInfo, TurnPath } from '../../contract/plugin.ts';
import type { BackgroundTaskDefinition, SessionTasks } from '../../contract/task.ts';
import type { Tool } from '../../contract/tool.ts';
import { LashError } from '../../core/error.ts';
import type { PluginsShown, SessionEvent } from '../../core/event.ts';
import { freeze } from '../../core/freeze.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { SecretVault } from '../secrets.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, callNow, type HookCall, hookInvalid, hookMisfit, readAnswer } from './call-hook.ts';
import { isPolicy } from './hook-answers.ts';
import { findShapeProblem, isTools } from './hook-shapes.ts';
import { PluginStates, type StateChanges, type StatePlace, type StateScope } from './plugin-states.ts';
import { stateDuring } from './state-during.ts';
import { StateGate } from './state-gate.ts';
import { type HookTurn, TurnHooks } from './turn-hooks.ts';

/** What a session's plugins stand on. */
export interface PluginParts {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  /** What all states may take together, in bytes of JSON. */
  readonly statesBytes: number;
  readonly path: TurnPath;
  readonly attachmentStore: SessionAttachmentStore;
  /** The checkpoint that holds at a node. */
  readonly checkpointAt: (leaf: string | null) => Promise<Checkpoint | null>;
  /** The session's background tasks, which are opened after its plugins. */
  readonly tasks: () => SessionTasks | null;
  /** Is told what plugins show, when that changed. */
  readonly show: (plugins: PluginsShown) => void;
  /** Is told of a failure that nobody waits for. */
  readonly trouble: (error: unknown) => void;
}

/** The plugins of one session, in the order in which they are asked (rule PL1). */
export class PluginSession {
  readonly states: PluginStates;
  readonly #parts: PluginParts;
  readonly #plugins: readonly BuiltPlugin[];
  /** The tools that are always there, and their names. */
  readonly #fixed: readonly Tool[];
  readonly #fixedNames: ReadonlySet<string>;
  /** The plugins that give tools as a function. */
  readonly #giving: readonly BuiltPlugin[];
  /** Whose state may change while a tool runs. */
  readonly #gates = new WeakMap<Tool, StateGate>();
  /** What was shown last, as JSON. */
  #shown = '';
  readonly #closing = new AbortController();
  #isRead = true;
  #isOver = false;

  /**
   * Builds each plugin once. `hostTools`: those that the session has besides.
   *
   * @throws `PluginFailed` where one throws or has what are no hooks, `InvalidInput` for two tools of one name and an initial
   *   state that does not fit
   */
  constructor(host: PluginHost, parts: PluginParts, hostTools: readonly Tool[] = []) {
    const { sessionId, secrets, statesBytes } = parts;
    const { plugins, backgroundTasksAvailable } = host;
    this.#parts = parts;
    this.states = new PluginStates(plugins, secrets, statesBytes, (error) => parts.trouble(error));
    const built: BuiltPlugin[] = [];
    this.#plugins = built;
    try {
      for (const plugin of plugins) {
        const info = { sessionId, backgroundTasksAvailable, state: this.states.of(plugin) };
        built.push(buildPlugin(plugin, info));
      }
      this.#giving = built.filter(({ hooks }) => typeof hooks.tools === 'function');
      this.#fixed = built.flatMap((one) =>
        typeof one.hooks.tools === 'object' ? this.#own(one, one.hooks.tools) : [],
      );
      this.#fixedNames = new Set(this.#fixed.map(({ name }) => name));
      refuseTwice([...hostTools, ...this.#fixed]);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** The background tasks that the plugins define. */
  get backgroundTasks(): readonly BackgroundTaskDefinition[] {
    return this.#plugins.flatMap(({ hooks }) => hooks.backgroundTasks ?? []);
  }

  /**
   * The session's tools, those of the host first. What comes later and has the name of a plugin's tool is left out; of what
   * functions give now, all whose name is taken.
   */
  join(host: readonly Tool[]): readonly Tool[] {
    if (this.#fixed.length + this.#giving.length === 0) return host;
    const joined = [...host.filter(({ name }) => !this.#fixedNames.has(name)), ...this.#fixed];
    const names = new Set(joined.map(({ name }) => name));
    for (const built of this.#giving) {
      for (const tool of this.#toolsNow(built)) {
        if (names.has(tool.name)) continue;
        names.add(tool.name);
        joined.push(tool);
      }
    }
    return joined;
  }

  /** What `run` comes to, which runs a tool: the state of the plugin that gave it may change meanwhile. */
  async duringTool<T>(tool: Tool, run: () => Promise<T>): Promise<T> {
    const gate = this.#gates.get(tool);
    gate?.enter();
    try {
      return await run();
    } finally {
      gate?.leave();
    }
  }

  /** The hooks of a turn. */
  of(turn: HookTurn): TurnHooks {
    return new TurnHooks(this.#plugins, this.#parts, turn);
  }

  /** The plugin of this id. */
  find(id: string): BuiltPlugin | undefined {
    return this.#plugins.find(({ plugin }) => plugin.id === id);
  }

  /** What plugins show: nothing, where it could not be read. From here on it is told when that changes. */
  takeShown(): PluginsShown {
    const shown = this.#isRead ? this.states.shown : {};
    this.#shown = JSON.stringify(shown);
    return shown;
  }

  /** The states are those that hold at `place`, unless a turn changes them. @throws `PluginStateRefused`, and what storage throws */
  async stand({ leaf, revision }: StatePlace): Promise<void> {
    await this.#reading(
      this.states.stand({ leaf, revision }, async () => await this.#parts.checkpointAt(leaf)),
    );
  }

  /**
   * The states are those that hold at `place`, and what the journal has of a turn that somebody else began; from then on they may
   * change. @throws as {@link stand}
   */
  async begin({ leaf, revision }: StatePlace, replayed: readonly StateChanges[] = []): Promise<StateScope> {
    const read = async (): Promise<Checkpoint | null> => await this.#parts.checkpointAt(leaf);
    return await this.#reading(this.states.begin({ leaf, revision }, read, replayed));
  }

  /** Tells what plugins show, if that changed. */
  show(): void {
    const before = this.#shown;
    const shown = this.takeShown();
    if (this.#shown !== before) this.#parts.show(shown);
  }

  /** Tells what happened. */
  tell(event: SessionEvent): void {
    if ('head' in event && this.states.isAnyShown) this.#follow(event.head);
    const told = freeze(event);
    // A session that was deleted is still closed.
    for (const { plugin, hooks } of this.#isOver ? [] : this.#plugins) {
      if (hooks.onEvent !== undefined) this.#hand(plugin, 'onEvent', () => hooks.onEvent?.(told));
    }
    if (event.type === 'session-deleted') this.dispose();
  }

  /** What a policy becomes before it is stored. @throws `PluginFailed`, and what {@link leave} was given */
  async changePolicy(policy: SessionPolicy, previous: SessionPolicy): Promise<SessionPolicy> {
    let changed = policy;
    for (const { plugin, hooks } of this.#plugins) {
      if (hooks.changePolicy === undefined) continue;
      const call = { ...this.#call(plugin, 'changePolicy'), signal: this.closing };
      const given = [freeze(structuredClone(changed)), freeze(structuredClone(previous))] as const;
      const answer: unknown = await callHook(call, () => hooks.changePolicy?.(...given));
      if (answer === undefined) continue;
      changed = readAnswer(call, () => {
        if (!isPolicy(answer)) throw hookInvalid(call, 'a policy');
        return structuredClone(answer);
      });
    }
    return changed;
  }

  /** Aborts when the session begins to close: nobody waits then for what it is to be run with, or for an action. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The session is being closed. */
  leave(reason: LashError): void {
    this.#closing.abort(reason);
  }

  /** The session ends here. */
  dispose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { plugin, hooks } of this.#plugins) {
      if (hooks.dispose !== undefined) this.#hand(plugin, 'dispose', () => hooks.dispose?.());
    }
  }

  #own({ gate }: BuiltPlugin, tools: readonly Tool[]): readonly Tool[] {
    for (const tool of tools) this.#gates.set(tool, gate);
    return tools;
  }

  /** What a function of tools gives now. */
  #toolsNow(built: BuiltPlugin): readonly Tool[] {
    const { plugin, hooks } = built;
    const call = { plugin: plugin.id, hook: 'tools' };
    try {
      const given: unknown = callNow(call, () => (hooks.tools as () => unknown)());
      return readAnswer(call, () => {
        if (!isTools(given)) throw hookInvalid(call, 'tools, at once');
        return this.#own(built, given);
      });
    } catch (error) {
      this.#parts.trouble(error);
      return [];
    }
  }

  /** Calls a hook that nobody waits for. */
  #hand(plugin: Plugin, hook: string, work: () => unknown): void {
    try {
      const done = callHook(this.#call(plugin, hook), work);
      if (done instanceof Promise) done.catch((error: unknown) => this.#parts.trouble(error));
    } catch (error) {
      this.#parts.trouble(error);
    }
  }

  /** Shows what holds where the session is now, whoever moved it. */
  #follow(head: StatePlace): void {
    this.stand(head)
      .catch((error: unknown) => this.#parts.trouble(error))
      .finally(() => this.show());
  }

  async #reading<T>(work: Promise<T>): Promise<T> {
    try {
      const done = await work;
      this.#isRead = true;
      return done;
    } catch (error) {
      this.#isRead = false;
      throw error;
    }
  }

  #call({ id, timeoutMs }: Plugin, hook: string): HookCall {
    return { plugin: id, hook, timeoutMs, clock: this.#parts.clock };
  }
}

function buildPlugin(plugin: Plugin, info: PluginSessionInfo<unknown>): BuiltPlugin {
  const { id, hooks: given = {} } = plugin;
  const call = { plugin: id, hook: 'build' };
  const gate = new StateGate();
  const state = stateDuring(id, info.state, () => gate.isOpen);
  const hooks: unknown = callNow(call, () =>
    plugin.build === undefined ? given : plugin.build({ ...info, state }),
  );
  const problem = callNow(call, () => findShapeProblem(hooks));
  if (problem !== undefined) throw hookMisfit({ plugin: id, hook: problem.hook }, problem.must);
  return { plugin, hooks: hooks as PluginHooks<unknown>, state: info.state, gate };
}

function refuseTwice(tools: readonly Tool[]): void {
  const names = tools.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice === undefined) return;
  const reason = `two tools have the name ${twice}`;
  throw new LashError('InvalidInput', reason, { path: 'tools', reason });
}
