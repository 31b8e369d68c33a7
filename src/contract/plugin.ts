import { LashError } from '../core/error.ts';

/** A unit of extension. The runtime has no engine for plugins: a host that holds one cannot open a session. */
export interface Plugin {
  /** Unique within a host. */
  readonly id: string;
  readonly version: number;
}

/** `plugin` itself, checked by the compiler. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/**
 * The plugins that an environment's sessions are built with, and the register of the sessions that are live on it.
 *
 * - PH1 A session id is live at most once per host; hosts made by {@link PluginHost.withBackgroundTasks} share the register.
 */
export class PluginHost {
  readonly plugins: readonly Plugin[];
  /** Whether the environment also has a host for background tasks; plugins that need one look here. */
  readonly backgroundTasksAvailable: boolean;
  readonly #live: Set<string>;

  /** @throws `InvalidInput` when two plugins have the same id. */
  constructor(plugins: readonly Plugin[] = []) {
    const ids = new Set<string>();
    for (const { id } of plugins) {
      if (ids.has(id)) {
        const data = { path: 'plugins', reason: `two plugins have the id ${id}` };
        throw new LashError('InvalidInput', `Two plugins have the id ${id}`, data);
      }
      ids.add(id);
    }
    this.plugins = Object.freeze([...plugins]);
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
