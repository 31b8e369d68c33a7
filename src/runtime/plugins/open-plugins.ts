import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment } from '../../contract/environment.ts';
import type { SessionStore } from '../../contract/store.ts';
import type { SessionTasks } from '../../contract/task.ts';
import type { Tool } from '../../contract/tool.ts';
import type { PluginsShown } from '../../core/event.ts';
import type { Feed } from '../feed.ts';
import { stateBudget } from '../history/node-budget.ts';
import type { Tracer } from '../model/tracer.ts';
import type { SecretVault } from '../secrets.ts';
import { PluginSession } from './plugin-session.ts';
import type { StatePlace } from './plugin-states.ts';

/** The session that is being opened. */
interface OpeningSession {
  readonly environment: RuntimeEnvironment;
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  readonly tracer: Tracer;
  readonly feed: Feed;
  /** Where it is. */
  readonly place: StatePlace;
  readonly hostTools: readonly Tool[];
  readonly tasks: () => SessionTasks | null;
}

/**
 * Builds a session's plugins, with what they keep where it is. That this cannot be read is said at the next turn.
 *
 * @throws `PluginFailed`, `InvalidInput` for two tools of one name and an initial state that does not fit
 */
export async function openPlugins(session: OpeningSession): Promise<PluginSession> {
  const { environment, store, clock, secrets, tracer, feed } = session;
  const { sessionId } = store;
  const trouble = (error: unknown): void => {
    const payload = { message: secrets.redactError(error).message };
    tracer.write({ session_id: sessionId }, { type: 'custom', name: 'plugin_failed', payload });
  };
  const parts = {
    sessionId,
    clock,
    secrets,
    statesBytes: stateBudget(environment.sessionStoreFactory.commitBudget),
    checkpointAt: async (leaf: string | null) => {
      if (leaf === null) return null;
      const { checkpoint = null } = await store.load({ kind: 'path', leaf, limit: 1, checkpoint: true });
      return checkpoint;
    },
    show: (shown: PluginsShown) => feed.emit({ type: 'plugins-changed', plugins: shown }),
    tasks: session.tasks,
    trouble,
  };
  const plugins = new PluginSession(environment.pluginHost, parts, session.hostTools);
  await plugins.stand(session.place).catch(trouble);
  feed.subscribe((event) => plugins.tell(event));
  return plugins;
}
