import type { RuntimeEnvironment } from '../contract/environment.ts';
import { PluginHost } from '../contract/plugin-host.ts';
import type { Plugin } from '../contract/plugin.ts';
import type { Provider } from '../contract/provider.ts';
import type { SessionEvent } from '../core/event.ts';
import { canonicalJson, type JsonValue } from '../core/json.ts';
import type { ModelRequest } from '../core/model-request.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { TurnResult } from '../core/turn-result.ts';
import { ok } from './assert.ts';
import type { PluginConformanceContext, PluginTestSession } from './plugin-context.ts';
import { PluginWatch, type WatchedBuild } from './plugin-watch.ts';
import { type ScriptedAction, type ScriptedCall, scriptedProvider } from './scripted-provider.ts';

/** The id of every case's session, where it has one. */
export const SESSION = 'session';

/** What every session of the plugins' suites is run with. */
export const SCRIPTED: SessionPolicy = { provider: { id: 'scripted', model: 'scripted' } };

/** Longer than any turn of an exercise takes; what passes it hangs. */
const HANG_MS = 20_000;

/** What becomes of the model's `call`-th answer in a session, counted from 0. */
export type Disturb = (call: number, actions: readonly ScriptedAction[]) => readonly ScriptedAction[];

/** A model that follows a script by what it is shown, and what each session asked it. */
export interface FollowingModel extends Provider {
  readonly requests: readonly ModelRequest[];
  requestsOf(sessionId: string): readonly ModelRequest[];
}

/** A tab of the case: a session that is open with the plugin. */
export interface PluginTab {
  readonly session: PluginTestSession;
  readonly model: FollowingModel;
  /** Of the session: the plugin as it was built for it. */
  readonly build: WatchedBuild;
  readonly events: readonly SessionEvent[];
}

/** One exercise turn, as far as it can be compared with another one. */
export interface TurnStory {
  readonly status: TurnResult['status'];
  /** The state that it found, and the one that it left. */
  readonly found: JsonValue;
  readonly left: JsonValue;
  /** What the model was told, call by call: system prompt, messages, tools. */
  readonly told: JsonValue;
}

/** How a tab is opened. */
export interface TabOptions {
  readonly sessionId?: string;
  readonly plugin?: Plugin;
  readonly environment?: (environment: RuntimeEnvironment) => RuntimeEnvironment;
  readonly disturb?: Disturb;
  readonly parked?: ParkedSession;
}

/** `environment` with these plugins. */
export function withPlugins(environment: RuntimeEnvironment, plugins: readonly Plugin[]): RuntimeEnvironment {
  const host = new PluginHost(plugins);
  const hasTasks = environment.pluginHost.backgroundTasksAvailable;
  return { ...environment, pluginHost: hasTasks ? host.withBackgroundTasks() : host };
}

/** A model that plays `calls`: which one says how often it answered since it was last asked something. */
export function followingModel(calls: readonly ScriptedCall[], disturb?: Disturb): FollowingModel {
  const requests: ModelRequest[] = [];
  const requestsOf = (sessionId: string): readonly ModelRequest[] =>
    requests.filter((request) => request.sessionId === sessionId);
  return {
    model: 'scripted',
    maxContextTokens: 100_000,
    requests,
    requestsOf,
    stream: (request, signal) => {
      const { sessionId, messages } = request;
      const asked = messages.findLastIndex(({ role }) => role === 'user');
      const answers = messages.slice(asked + 1).filter(({ role }) => role === 'assistant').length;
      const call = calls[Math.min(answers, calls.length - 1)] ?? [];
      const actions = typeof call === 'function' ? call(request) : call;
      const count = requestsOf(sessionId).length;
      requests.push(request);
      return scriptedProvider([disturb?.(count, actions) ?? actions]).stream(request, signal);
    },
  };
}

/** Opens the case's session in a further tab, with the plugin made anew. */
export async function openTab(
  context: PluginConformanceContext,
  options: TabOptions = {},
): Promise<PluginTab> {
  const watch = new PluginWatch();
  const { plugin = context.plugin(), environment: change = (origin) => origin } = options;
  const environment = change(withPlugins(await context.environment(), [watch.plugin(plugin)]));
  return await openOn(context, environment, watch, options);
}

/** As {@link openTab}, on an environment that has the watched plugin. */
export async function openOn(
  context: PluginConformanceContext,
  environment: RuntimeEnvironment,
  watch: PluginWatch,
  { sessionId = SESSION, disturb, parked }: TabOptions = {},
): Promise<PluginTab> {
  const { calls, tools = [] } = context.exercise;
  const model = followingModel(calls, disturb);
  const options = { policy: SCRIPTED, providers: { scripted: model }, tools };
  const session =
    parked === undefined
      ? await context.open(environment, { ...options, sessionId, mode: 'openOrCreate' })
      : await context.resume(parked, environment, options);
  const events: SessionEvent[] = [];
  session.subscribe((event) => events.push(event));
  return { session, model, build: watch.of(sessionId), events };
}

/** Goes through the exercise in one turn, from `from` on, however it ends. */
export async function exercise(
  context: PluginConformanceContext,
  { session, model, build }: PluginTab,
  options: { readonly from?: string | null; readonly inputId?: string } = {},
): Promise<TurnStory> {
  const { sessionId } = session;
  const asked = model.requestsOf(sessionId).length;
  const turns = build.found.length;
  const { status } = await inTime(session.turn(context.exercise.input, options).result);
  const told = model.requestsOf(sessionId).slice(asked);
  return {
    status,
    found: comparable(context, build.found[turns] ?? null),
    left: comparable(context, build.state.get()),
    told: comparable(
      context,
      told.map(({ system, messages, tools }) => ({ system, messages, tools })),
    ),
  };
}

/** What of `data` is the same in every run: a copy, without what the author leaves out. */
export function comparable(context: PluginConformanceContext, data: unknown): JsonValue {
  const copy = JSON.parse(canonicalJson(data as JsonValue)) as JsonValue;
  return context.comparable?.(copy) ?? copy;
}

/** `work`, unless it hangs. */
export async function inTime<T>(work: Promise<T>, what = 'a turn'): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hung = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end in ${HANG_MS} ms`)), HANG_MS);
  });
  try {
    return await Promise.race([work, hung]);
  } finally {
    clearTimeout(timer);
  }
}

/** A turn of this id ended, and said so once. */
export function endedOnce({ events }: PluginTab, turnId: string, what: string): void {
  const ends = events.filter((event) => event.type === 'turn-finished' && event.turnId === turnId);
  ok(ends.length === 1, `${what}: the turn said ${ends.length} times that it is over`);
}

/** Gives what should not happen some time to happen. */
export async function letRun(ms = 50): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** `environment` with hardly a wait before a model call is made again. */
export function withQuickRetries(environment: RuntimeEnvironment): RuntimeEnvironment {
  const { limits } = environment;
  return { ...environment, limits: { ...limits, retries: { ...limits.retries, baseDelayMs: 1 } } };
}
