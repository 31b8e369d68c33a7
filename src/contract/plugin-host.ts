import { LashError } from '../core/error.ts';
import type { Plugin } from './plugin.ts';

const PLUGIN_ID = /^[\w.-]{1,64}$/u;

/**
 * The plugins that an environment's sessions are built with, and the register of the sessions that are live on it.
 *
 * - PH1 A session id is live at most once per host; hosts made by {@link PluginHost.withBackgroundTasks} share the register.
 */
export class PluginHost {
  /** In the order in which their hooks are called (rule PL1). */
  readonly plugins: readonly Plugin[];
  /** Whether the environment also has a host for background tasks; plugins that need one look here. */
  readonly backgroundTasksAvailable: boolean;
  readonly #live: Set<string>;

  /** @throws `InvalidInput` for an id that is none, or that two plugins have, and for a version that is no whole number. */
  constructor(plugins: readonly Plugin[] = []) {
    const ids = new Set<string>();
    for (const plugin of plugins) {
      const { id, version } = plugin;
      if (!PLUGIN_ID.test(id))
        throw invalid(`the plugin id ${JSON.stringify(id)} is not 1 to 64 letters, digits, ., _ and -`);
      if (ids.has(id)) throw invalid(`two plugins have the id ${id}`);
      if (!Number.isSafeInteger(version) || version < 0)
        throw invalid(`the version of the plugin ${id} is no whole number`);
      if (plugin.hooks !== undefined && plugin.build !== undefined)
        throw invalid(`the plugin ${id} has both hooks and build`);
      ids.add(id);
    }
    this.plugins = Object.freeze(plugins.toSorted((a, b) => (a.priority ?? 0) - (b.priority ?? 0)));
    this.backgroundTasksAvailable = false;
    this.#live = new Set();
  }

  /** This host with background tasks available: the same plugins and the same register of live sessions. */
  withBackgroundTasks(): PluginHost {
    return this.backgroundTasksAvailable ? this : new BackgroundPluginHost(this);
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

class BackgroundPluginHost extends PluginHost {
  override readonly backgroundTasksAvailable = true;
  readonly #origin: PluginHost;

  constructor(origin: PluginHost) {
    super(origin.plugins);
    this.#origin = origin;
  }

  override register(sessionId: string): () => void {
    return this.#origin.register(sessionId);
  }
}

function invalid(reason: string): LashError<'InvalidInput'> {
  return new LashError('InvalidInput', reason, { path: 'plugins', reason });
}
