import type { Checkpoint } from '../../contract/checkpoint.ts';
import type { Clock } from '../../contract/clock.ts';
import type { PluginHost } from '../../contract/plugin-host.ts';
import type { Plugin } from '../../contract/plugin.ts';
import type { Tool } from '../../contract/tool.ts';
import { LashError } from '../../core/error.ts';
import type { PluginsShown, SessionEvent } from '../../core/event.ts';
import type { SessionPolicy } from '../../core/policy.ts';
import type { SecretVault } from '../secrets.ts';
import type { BuiltPlugin } from './built-plugin.ts';
import { callHook, callNow, type HookCall } from './call-hook.ts';
import { PluginStates, type StatePlace } from './plugin-states.ts';
import { type HookTurn, TurnHooks } from './turn-hooks.ts';

/** What all states of a session may take together, in bytes of JSON, where the commit budget is no less than four times that. */
const MAX_STATES_BYTES = 256 * 1024;

/** What a session's plugins stand on. */
export interface PluginParts {
  readonly sessionId: string;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  /** How many bytes a commit may have. */
  readonly commitBytes: number;
  /** The checkpoint that holds at a node. */
  readonly checkpointAt: (leaf: string | null) => Promise<Checkpoint | null>;
  /** Is told what plugins show, when that changed. */
  readonly show: (plugins: PluginsShown) => void;
  /** Is told of a failure that nobody waits for. */
  readonly trouble: (error: unknown) => void;
}

/** The plugins of one session, in the order in which they are asked (rule PL1). */
export class PluginSession {
  readonly states: PluginStates;
  /** The tools that the plugins bring. */
  readonly tools: readonly Tool[];
  readonly #parts: PluginParts;
  readonly #plugins: readonly BuiltPlugin[];
  /** What was shown last, as JSON. */
  #shown = '';
  #isRead = true;

  /**
   * Builds each plugin once.
   *
   * @throws `PluginFailed` where one throws, `InvalidInput` for two tools of one name and an initial state that does not fit
   */
  constructor(host: PluginHost, parts: PluginParts) {
    const { sessionId, secrets, commitBytes } = parts;
    const { plugins, backgroundTasksAvailable } = host;
    this.#parts = parts;
    this.states = new PluginStates(plugins, secrets, Math.min(MAX_STATES_BYTES, commitBytes / 4));
    this.#plugins = plugins.map((plugin) => {
      const state = this.states.of(plugin);
      const info = { sessionId, backgroundTasksAvailable, state };
      const built = callNow({ plugin: plugin.id, hook: 'build' }, () => plugin.build?.(info));
      return { plugin, hooks: built ?? plugin.hooks ?? {}, state };
    });
    this.tools = this.#plugins.flatMap(({ hooks }) => hooks.tools ?? []);
    const names = this.tools.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice !== undefined) throw toolTaken(twice);
  }

  /** The session's tools, those of the host first. @throws `InvalidInput` for two of one name */
  join(host: readonly Tool[]): readonly Tool[] {
    if (this.tools.length === 0) return host;
    const taken = this.tools.find(({ name }) => host.some((tool) => tool.name === name));
    if (taken !== undefined) throw toolTaken(taken.name);
    return [...host, ...this.tools];
  }

  /** The hooks of a turn. */
  of(turn: HookTurn): TurnHooks {
    const { sessionId, clock, secrets } = this.#parts;
    return new TurnHooks(this.#plugins, { sessionId, clock, secrets }, turn);
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
  readonly stand = async ({ leaf, revision }: StatePlace): Promise<void> => {
    this.#isRead = false;
    await this.states.stand({ leaf, revision }, async () => await this.#parts.checkpointAt(leaf));
    this.#isRead = true;
  };

  /** Tells what plugins show, if that changed. */
  readonly show = (): void => {
    const before = this.#shown;
    const shown = this.takeShown();
    if (this.#shown !== before) this.#parts.show(shown);
  };

  /** Tells what happened. */
  tell(event: SessionEvent): void {
    if ('head' in event && this.states.isAnyShown) this.#follow(event.head);
    for (const { plugin, hooks } of this.#plugins) {
      if (hooks.onEvent === undefined) continue;
      const call = this.#call(plugin, 'onEvent');
      try {
        const done = callHook(call, () => hooks.onEvent?.(event));
        if (done instanceof Promise) done.catch((error: unknown) => this.#parts.trouble(error));
      } catch (error) {
        this.#parts.trouble(error);
      }
    }
  }

  /** What a policy becomes before it is stored. @throws `PluginFailed` */
  async changePolicy(policy: SessionPolicy, previous: SessionPolicy): Promise<SessionPolicy> {
    let changed = policy;
    for (const { plugin, hooks } of this.#plugins) {
      if (hooks.changePolicy === undefined) continue;
      const call = this.#call(plugin, 'changePolicy');
      changed = (await callHook(call, () => hooks.changePolicy?.(changed, previous))) ?? changed;
    }
    return changed;
  }

  /** The session ends here. */
  dispose(): void {
    for (const { plugin, hooks } of this.#plugins) {
      try {
        callNow({ plugin: plugin.id, hook: 'dispose' }, () => hooks.dispose?.());
      } catch (error) {
        this.#parts.trouble(error);
      }
    }
  }

  /** Shows what holds where the session is now, whoever moved it. */
  #follow(head: StatePlace): void {
    this.stand(head)
      .then(this.show)
      .catch((error: unknown) => this.#parts.trouble(error));
  }

  #call({ id, timeoutMs }: Plugin, hook: string): HookCall {
    return { plugin: id, hook, timeoutMs, clock: this.#parts.clock };
  }
}

function toolTaken(name: string): LashError<'InvalidInput'> {
  const reason = `two tools have the name ${name}`;
  return new LashError('InvalidInput', reason, { path: 'tools', reason });
}
