import type { ChildRequest, ChildResult, ChildSessions } from '../../src/contract/child-sessions.ts';
import { type Clock, systemClock } from '../../src/contract/clock.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { Plugin } from '../../src/contract/plugin.ts';
import type { Provider } from '../../src/contract/provider.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { BackgroundTaskHost } from '../../src/contract/task.ts';
import type { Tool, ToolContext } from '../../src/contract/tool.ts';
import type { TraceSink } from '../../src/contract/trace.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import type { SessionMeta } from '../../src/core/policy.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import type { LimitChanges } from '../../src/worker/environment-builder.ts';
import type { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { clockOfItsOwn, lastingAttachments } from './stores.ts';
import {
  finish,
  memoryEnvironment,
  type Play,
  plays,
  policy,
  questionIn,
  text,
  toolNamed,
} from './support.ts';

/** A model that plays, for each question, its scripts one after the other, whichever session asks. */
export function modelFor(scripts: Readonly<Record<string, readonly Play[]>>): Provider & {
  readonly requests: readonly ModelRequest[];
  readonly asked: () => readonly string[];
} {
  const players = Object.fromEntries(
    Object.entries(scripts).map(([question, script]) => [question, plays(...script)]),
  );
  const requests: ModelRequest[] = [];
  return {
    model: 'fake-1',
    maxContextTokens: 100_000,
    requests,
    asked: () => requests.map(questionIn),
    stream: (request, signal) => {
      requests.push(request);
      const player = players[questionIn(request)];
      if (player === undefined) throw new Error(`no script for ${questionIn(request)}`);
      return player.stream(request, signal);
    },
  };
}

/** A tool that does `work` with child sessions, and may be called again. */
export function childTool(
  name: string,
  work: (sessions: ChildSessions, context: ToolContext) => Promise<unknown>,
  more: Partial<Tool> = {},
): Tool {
  return toolNamed(name, {
    replay: 'safe',
    execute: async (_, context) => ((await work(context.sessions, context)) ?? null) as never,
    ...more,
  });
}

/** A tool that gives a child `task`, and returns what it says. */
export function asksChild(task: string, request: Partial<ChildRequest> = {}, seen: ChildResult[] = []): Tool {
  return childTool('ask', async (sessions) => {
    const child = await sessions.open({ key: 'one', ...request });
    const result = await child.turn(task);
    seen.push(result);
    return result.text;
  });
}

/** Where child sessions of tests live. */
export interface Home {
  readonly factory?: SessionStoreFactory;
  readonly plugins?: readonly Plugin[];
  readonly limits?: LimitChanges;
  readonly sink?: TraceSink;
  readonly tasks?: BackgroundTaskHost;
}

const attachments = lastingAttachments();

export function home({ factory, plugins = [], limits = {}, sink, tasks }: Home = {}): RuntimeEnvironment {
  return memoryEnvironment((builder) => {
    if (tasks !== undefined) builder.withBackgroundTaskHost(tasks);
    builder
      .withSessionStoreFactory(factory ?? new InMemorySessionStoreFactory())
      .withAttachmentStore(attachments)
      .withPluginHost(new PluginHost(plugins))
      .withLimits(limits)
      .withTraceSink(sink ?? null);
  });
}

/** Opens the session `s`, as a further tab would. */
export async function openParent(
  environment: RuntimeEnvironment,
  model: Provider,
  tools: readonly Tool[],
  options: RuntimeOptions = {},
): Promise<LashRuntime> {
  return await LashRuntime.open(environment, {
    sessionId: 's',
    mode: 'openOrCreate',
    policy,
    clock: clockOfItsOwn(),
    providers: { fake: model },
    tools,
    ...options,
  });
}

/** A model call that says this. */
export const says = (value: string): Play => [text(value), finish()];
/** What each model call uses. */
export const USED = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 2, reasoningTokens: 1 };

/** A clock that gives hooks their time. */
export function patientClock(): Clock {
  return { ...clockOfItsOwn(), sleep: async (ms, signal) => await systemClock.sleep(ms, signal) };
}

/** The ids of the sessions of which a turn is not over. */
export async function unfinished(factory: SessionStoreFactory): Promise<readonly string[]> {
  const { items } = await factory.list({});
  const open = items.map(async ({ sessionId }) => {
    const store = await factory.open(sessionId, { kind: 'open' });
    const pending = await store.turns.pending().finally(async () => await store.close());
    return pending.length > 0 ? [sessionId] : [];
  });
  return (await Promise.all(open)).flat();
}

/** The sessions that are stored, parents before children. */
export async function storedMetas(factory: SessionStoreFactory): Promise<readonly SessionMeta[]> {
  const { items } = await factory.list({});
  const metas = items.map(async ({ sessionId }) => {
    const store = await factory.open(sessionId, { kind: 'open' });
    const meta = await store.loadSessionMeta();
    await store.close();
    return meta;
  });
  return (await Promise.all(metas)).toSorted((a, b) => (a.parent?.depth ?? 0) - (b.parent?.depth ?? 0));
}
