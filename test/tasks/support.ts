import { onTestFinished } from 'vitest';

import type { Clock } from '../../src/contract/clock.ts';
import type { SessionStoreFactory } from '../../src/contract/store.ts';
import type { TaskStore } from '../../src/contract/task-store.ts';
import type {
  BackgroundTaskContext,
  BackgroundTaskDefinition,
  HostedTasks,
  TaskSession,
} from '../../src/contract/task.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { type BackgroundTaskRecord, hasEnded } from '../../src/core/task.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { LocalBackgroundTaskHost } from '../../src/tasks/local-background-task-host.ts';
import { standIn } from '../../src/testing/stand-in.ts';
import { type Death, type MortalTab, mortalTab } from '../runtime/mortal.ts';
import { clockOfItsOwn } from '../runtime/stores.ts';
import { policy } from '../runtime/support.ts';

/** Sessions in memory, of these ids. */
export async function sessionsNamed(...ids: readonly string[]): Promise<SessionStoreFactory> {
  const factory = new InMemorySessionStoreFactory();
  for (const id of ids) await factory.open(id, { kind: 'create', title: id, policy, at: 1 });
  return factory;
}

/** Makes a session that is the child of another one. */
export async function childNamed(factory: SessionStoreFactory, id: string, parentId: string): Promise<void> {
  const parent = { sessionId: parentId, relation: 'child', source: 'child', depth: 1 } as const;
  await factory.open(id, { kind: 'create', title: id, policy, at: 1, parent });
}

/** The same sessions, with task records that a test changes. */
export function withTasks(
  origin: SessionStoreFactory,
  change: (tasks: TaskStore, sessionId: string) => Partial<TaskStore>,
): SessionStoreFactory {
  return standIn(origin, {
    open: async (sessionId, mode) => {
      const store = await origin.open(sessionId, mode);
      return standIn(store, { tasks: standIn(store.tasks, change(store.tasks, sessionId)) });
    },
  });
}

/** Work that a test ends. */
export interface Work {
  readonly definition: BackgroundTaskDefinition;
  /** The runs that began, in order. */
  readonly runs: readonly WorkRun[];
}

/** One run of it. */
export interface WorkRun {
  readonly input: JsonValue;
  readonly context: BackgroundTaskContext;
  readonly settle: (result: JsonValue) => void;
  readonly fail: (error: Error) => void;
}

/** Work called `work`, which runs until it is told to end, and rejects when it is stopped, unless it is `deaf`. */
export function workNamed(
  name: string,
  { deaf = false, ...more }: Partial<BackgroundTaskDefinition> & { readonly deaf?: boolean } = {},
): Work {
  const runs: WorkRun[] = [];
  const definition: BackgroundTaskDefinition = {
    ...more,
    name,
    run: async (input, context) =>
      await new Promise<JsonValue>((settle, fail) => {
        runs.push({ input, context, settle, fail });
        if (!deaf) context.signal.addEventListener('abort', () => fail(context.signal.reason as Error));
      }),
  };
  return { definition, runs };
}

/** A tab that has the session `s` open. */
export interface Tab {
  readonly tasks: HostedTasks;
  /** What it was told, in order. */
  readonly told: readonly BackgroundTaskRecord[];
  /** What it traced, in order: session, task and state. */
  readonly traced: readonly string[];
  /** The states that it was told of a task. */
  readonly states: (taskId: string) => readonly string[];
  readonly mortal: MortalTab;
  readonly host: LocalBackgroundTaskHost;
}

/** Opens a session in a tab of its own. */
export async function openTab(
  factory: SessionStoreFactory,
  definitions: readonly BackgroundTaskDefinition[] = [],
  more: Partial<TaskSession> & { readonly host?: LocalBackgroundTaskHost } = {},
  death?: Death,
): Promise<Tab> {
  const { host = new LocalBackgroundTaskHost(), ...session } = more;
  const mortal = mortalTab(factory, death);
  const told: BackgroundTaskRecord[] = [];
  const traced: string[] = [];
  const tasks = await host.open({
    sessionId: 's',
    readOnly: false,
    factory: mortal.factory,
    definitions,
    clock: quickClock(),
    redact: (value) => value,
    tell: (task) => told.push(task),
    trace: (sessionId, { id, state }) => traced.push(`${sessionId}/${id} ${state}`),
    ...session,
  });
  await tasks.resume();
  onTestFinished(async () => {
    if (!mortal.isDead()) await tasks.leave();
    await mortal.kill();
  });
  return {
    tasks,
    told,
    traced,
    states: (taskId) => told.filter(({ id }) => id === taskId).map(({ state }) => state),
    mortal,
    host,
  };
}

/** Opens another session in the same tab. */
export async function openBeside(
  { host, mortal }: Tab,
  sessionId: string,
  definitions: readonly BackgroundTaskDefinition[] = [],
): Promise<Tab> {
  return await openTab(mortal.factory, definitions, { host, sessionId, factory: mortal.factory });
}

/** A clock whose waits are short, and which makes ids that no other one makes. */
function quickClock(): Clock {
  const clock = clockOfItsOwn();
  return {
    ...clock,
    sleep: async (_, signal) => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      signal.throwIfAborted();
    },
  };
}

/** How many terminal events of a task a tab was told. */
export function endsOf(tab: Tab, taskId: string): number {
  return tab.told.filter((task) => task.id === taskId && hasEnded(task)).length;
}
