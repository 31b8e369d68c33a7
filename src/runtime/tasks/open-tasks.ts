import type { Clock } from '../../contract/clock.ts';
import type { RuntimeEnvironment } from '../../contract/environment.ts';
import type { BackgroundTaskDefinition, BackgroundTaskHost, HostedTasks } from '../../contract/task.ts';
import type { Tool } from '../../contract/tool.ts';
import { isLashError, LashError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import type { SessionMeta } from '../../core/policy.ts';
import type { BackgroundTaskRecord } from '../../core/task.ts';
import type { Feed } from '../feed.ts';
import type { Tracer } from '../model/tracer.ts';
import type { PluginSession } from '../plugins/plugin-session.ts';
import type { SecretVault } from '../secrets.ts';
import { TASK_TOOLS } from './task-tools.ts';

/** The session that is being opened. */
interface OpeningSession {
  readonly environment: RuntimeEnvironment;
  readonly meta: SessionMeta;
  readonly readOnly: boolean;
  readonly clock: Clock;
  readonly secrets: SecretVault;
  readonly feed: Feed;
  readonly plugins: PluginSession | null;
  readonly tracer: Tracer;
}

/**
 * Opens the tasks of a session; `null` where a record cannot be read, which is traced: the session itself can be (law ST6).
 *
 * @throws `InvalidInput` for definitions without a name or with the same one, and what storage says
 */
export async function openTasks(
  host: BackgroundTaskHost,
  session: OpeningSession,
): Promise<HostedTasks | null> {
  const { environment, meta, readOnly, clock, secrets, feed, plugins, tracer } = session;
  const { sessionId } = meta;
  const definitions = plugins?.backgroundTasks ?? [];
  checkDefinitions(definitions);
  try {
    return await host.open({
      sessionId,
      readOnly,
      factory: environment.sessionStoreFactory,
      definitions,
      clock,
      redact: (value) => secrets.redactJson(value),
      tell: (task) => feed.emit({ type: 'task-changed', task }),
      trace: (keeper, task) => {
        const payload = tracedTask(keeper, task);
        tracer.write({ session_id: keeper }, { type: 'custom', name: 'task_changed', payload });
      },
    });
  } catch (error) {
    if (!isLashError(error, 'StoredDataCorrupt')) throw error;
    const payload = { message: secrets.redactError(error).message };
    tracer.write({ session_id: sessionId }, { type: 'custom', name: 'tasks_damaged', payload });
    return null;
  }
}

/** What the trace of the session that keeps this record says of it: no input, and no result. */
function tracedTask(keeper: string, task: BackgroundTaskRecord): JsonObject {
  const { id, name, kind, title, state, attempt, failure, cancelReason, sessionId } = task;
  return {
    task_id: id,
    name,
    kind,
    title,
    state,
    attempt,
    ...(failure === null ? {} : { failure: { code: failure.code, message: failure.message } }),
    ...(cancelReason === null ? {} : { reason: cancelReason }),
    ...(sessionId === keeper ? {} : { moved_to: sessionId }),
  };
}

/** A session's tools, those of its plugins included, and behind them those for its tasks: but for names that are taken. */
export function withTaskTools(tools: readonly Tool[]): readonly Tool[] {
  return [...tools, ...TASK_TOOLS.filter(({ name }) => !tools.some((tool) => tool.name === name))];
}

function checkDefinitions(definitions: readonly BackgroundTaskDefinition[]): void {
  const names = new Set<string>();
  for (const { name } of definitions) {
    const problem = names.has(name)
      ? 'is there twice'
      : /^[\w.-]{1,64}$/u.test(name)
        ? undefined
        : 'is no name of 1 to 64 letters, digits, ., _ and -';
    if (problem !== undefined) {
      const reason = `the background task ${JSON.stringify(name)} ${problem}`;
      throw new LashError('InvalidInput', reason, { path: 'backgroundTasks', reason });
    }
    names.add(name);
  }
}
