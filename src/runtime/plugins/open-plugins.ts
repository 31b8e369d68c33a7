import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment, RuntimeLimits } from '../../contract/environment.ts';
import type { TurnPath } from '../../contract/plugin.ts';
import type { SessionStore } from '../../contract/store.ts';
import type { SessionTasks } from '../../contract/task.ts';
import type { Tool } from '../../contract/tool.ts';
import type { PluginsShown } from '../../core/event.ts';
import { estimateNodeTokens } from '../../turn/estimate.ts';
import type { Feed } from '../feed.ts';
import type { History } from '../history/history.ts';
import { stateBudget } from '../history/node-budget.ts';
import type { Tracer } from '../model/tracer.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { SecretVault } from '../secrets.ts';
import { PluginSession } from './plugin-session.ts';

/** The session that is being opened. */
interface OpeningSession {
  readonly environment: RuntimeEnvironment;
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  readonly tracer: Tracer;
  readonly feed: Feed;
  readonly history: History;
  readonly attachments: SessionAttachmentStore;
  readonly hostTools: readonly Tool[];
  readonly tasks: () => SessionTasks | null;
}

/**
 * Builds a session's plugins, with what they keep where it is. That this cannot be read is said at the next turn.
 *
 * @throws `PluginFailed`, `InvalidInput` for two tools of one name and an initial state that does not fit
 */
export async function openPlugins(session: OpeningSession): Promise<PluginSession> {
  const { environment, store, clock, secrets, tracer, feed, history, attachments } = session;
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
    path: turnPath(history, environment.limits),
    attachmentStore: attachments,
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
  await plugins.stand(history.head).catch(trouble);
  feed.subscribe((event) => plugins.tell(event));
  return plugins;
}

/** The path of whichever turn runs: it is where the session is, since nobody else moves that meanwhile. */
function turnPath(history: History, { toolResultBytes }: RuntimeLimits): TurnPath {
  return {
    async *pages(to = history.head.leaf) {
      for await (const { nodes } of history.pages(to)) yield nodes;
    },
    tokensOf: (node) => estimateNodeTokens(node, toolResultBytes),
  };
}
