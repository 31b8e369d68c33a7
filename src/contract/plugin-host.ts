import { LashError } from '../core/error.ts';
import type { Plugin } from './plugin.ts';

/**
 * The plugins that an environment's sessions are built with, and the register of the sessions that are live on it.
 *
 * - PH1 A session id is live at most once per host, not counting who only reads it; hosts made by {@link PluginHost.withBackgroundTasks} share the register.
 */
export class PluginHost {
  /** In the order in which their hooks are called (rule PL1). */
  readonly plugins: readonly Plugin[];
  #live = new Set<string>();
  #hasTasks = false;

  /**
   * @throws `InvalidInput` for an id that is none, or that two plugins have, for a version that is no whole number, and for
   *   `hooks` beside `build`
   */
  constructor(plugins: readonly Plugin[] = []) {
    const ids = new Set<string>();
    for (const plugin of plugins) {
      const problem = problemOf(plugin, ids);
      if (problem !== undefined) {
        const reason = `the plugin ${JSON.stringify(plugin.id)} ${problem}`;
        throw new LashError('InvalidInput', reason, { path: 'plugins', reason });
      }
      ids.add(plugin.id);
    }
    this.plugins = Object.freeze(plugins.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0)));
  }

  /** Whether the environment also has a host for background tasks; plugins that need one look here. */
  get backgroundTasksAvailable(): boolean {
    return this.#hasTasks;
  }

  /** This host with background tasks available: the same plugins and the same register of live sessions. */
  withBackgroundTasks(): PluginHost {
    if (this.#hasTasks) return this;
    const host = new PluginHost(this.plugins);
    host.#live = this.#live;
    host.#hasTasks = true;
    return host;
  }

  /** Marks a session as live; the returned function ends that. @throws `SessionInUse` (rule PH1) */
  register(sessionId: string): () => void {
    if (this.#live.has(sessionId)) {
      throw new LashError('SessionInUse', `Session ${sessionId} is open in this worker already`, {
        sessionId,
      });
    }
    this.#live.add(sessionId);
    return () => this.#live.delete(sessionId);
  }
}

/** What a timer takes: 1 to 2^31 - 1 milliseconds. */
function isTimeout(ms: number): boolean {
  return ms >= 1 && ms < 2 ** 31;
}

function problemOf({ id, version, ...plugin }: Plugin, ids: ReadonlySet<string>): string | undefined {
  if (!/^[\w.-]{1,64}$/u.test(id)) return 'has no id of 1 to 64 letters, digits, ., _ and -';
  if (ids.has(id)) return 'is there twice';
  if (!Number.isSafeInteger(version) || version < 0) return 'has a version that is no whole number';
  if (!Number.isFinite(plugin.priority ?? 0)) return 'has a priority that is no number';
  if (!isTimeout(plugin.timeoutMs ?? 1)) return 'has a timeoutMs that no timer takes';
  return plugin.hooks !== undefined && plugin.build !== undefined ? 'has both hooks and build' : undefined;
}
