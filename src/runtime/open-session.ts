import { type Clock, systemClock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import type { SessionStore } from '../contract/store.ts';
import type { HostedTasks } from '../contract/task.ts';
import type { Tool } from '../contract/tool.ts';
import { isLashError, LashError } from '../core/error.ts';
import { checkId } from '../core/id.ts';
import { newestOf, PAGE_BOUNDS, type WindowBounds } from '../core/path-window.ts';
import type { SessionMeta, SessionPolicy } from '../core/policy.ts';
import { shownTasks } from '../core/shown-tasks.ts';
import { indexBranches, type SessionView } from '../core/view.ts';
import type { OpenRuntime } from './children/child-runtime.ts';
import { Children } from './children/children.ts';
import { eachStep } from './each-step.ts';
import { Feed } from './feed.ts';
import { History } from './history/history.ts';
import { nodeBudget } from './history/node-budget.ts';
import type { SessionParts } from './model/model-caller.ts';
import { RateLimits } from './model/rate-limits.ts';
import { Tracer } from './model/tracer.ts';
import type { PluginSession } from './plugins/plugin-session.ts';
import { checkPolicy } from './policy-check.ts';
import { ownedAttachments } from './portable/owned-attachments.ts';
import type { CheckStore, RuntimeOptions, SessionMode } from './runtime-options.ts';
import { SecretVault } from './secrets.ts';
import { LINGER_MS } from './tabs/writer-seat.ts';

/** An opened session: what its runtime is made of. */
export interface OpenedSession {
  readonly store: SessionStore;
  readonly meta: SessionMeta;
  readonly readOnly: boolean;
  readonly view: SessionView;
  /** What bounds the window of the worker's view (law RE2). */
  readonly bounds: WindowBounds;
  readonly lingerMs: number;
  readonly unfinishedTurns: 'go-on' | 'ask';
  readonly parts: SessionParts;
  /** `null` without a host for background tasks, and where their records cannot be read. */
  readonly tasks: HostedTasks | null;
  /** Frees the id on its plugin host. */
  readonly unregister: () => void;
}

/**
 * Opens or creates the session, and loads what its residency asks for. `check` looks at the store before anything is
 * written to it.
 */
export async function openSession(
  environment: RuntimeEnvironment,
  options: RuntimeOptions,
  openChild: OpenRuntime,
  check: CheckStore = async () => await Promise.resolve(),
): Promise<OpenedSession> {
  checkEnvironment(environment);
  const { mode = 'open', policy, title = '', clock = systemClock, damaged = 'refuse' } = options;
  const { tools = [], providers = {}, secrets = new SecretVault(), lingerMs = LINGER_MS } = options;
  const { online = platformOnline, unfinishedTurns = 'go-on', rates = new RateLimits() } = options;
  if (damaged === 'showSound' && mode !== 'readOnly') {
    const reason = 'needs the mode readOnly';
    throw new LashError('InvalidInput', `damaged: showSound ${reason}`, { path: 'damaged', reason });
  }
  const given = options.sessionId ?? '';
  const sessionId = given === '' ? clock.newId() : checkId(given, 'sessionId');
  // Whoever only reads may look at what somebody else has open here.
  const unregister = mode === 'readOnly' ? () => undefined : environment.pluginHost.register(sessionId);
  let store: SessionStore | null = null;
  let plugins: PluginSession | null = null;
  let tasks: HostedTasks | null = null;
  try {
    store = await openStore(environment, { sessionId, mode, policy, title }, clock, secrets);
    await check(store);
    const { residency, sessionStoreFactory, limits } = environment;
    const { residentBytes } = limits;
    const feed = new Feed();
    const budget = nodeBudget(sessionStoreFactory.commitBudget, environment.pluginHost);
    const attachments = ownedAttachments(environment.attachmentStore, sessionId);
    const sound = damaged === 'showSound' ? await store.findSoundPath() : null;
    const history = await History.load({
      store,
      attachments,
      budget,
      residency,
      residentBytes,
      secrets,
      feed,
      ...(sound === null ? {} : { soundLeaf: sound.leaf }),
    });
    const bounds: WindowBounds =
      residency === 'KeepAll'
        ? PAGE_BOUNDS
        : { maxBytes: Math.min(residentBytes, PAGE_BOUNDS.maxBytes), atLeast: 0 };
    const window = newestOf(history.window(), bounds);
    const tracer = new Tracer(environment, clock, secrets);
    const host = environment.backgroundTaskHost;
    const background = host && (await loadModule('tasks', import('./tasks/open-tasks.ts')));
    const givenTools = (): readonly Tool[] => (typeof tools === 'function' ? tools() : tools);
    if (mode !== 'readOnly' && environment.pluginHost.plugins.length > 0) {
      const { openPlugins } = await loadModule('plugins', import('./plugins/open-plugins.ts'));
      const opening = { environment, store, clock, secrets, tracer, feed, history, attachments };
      plugins = await openPlugins({ ...opening, tasks: () => tasks, hostTools: givenTools() });
    }
    const built = plugins;
    const ownTools = (): readonly Tool[] => built?.join(givenTools()) ?? givenTools();
    const meta = await openMeta(environment, store, { mode, policy, plugins: built }, clock, secrets);
    const readOnly = mode === 'readOnly';
    if (host !== null && background !== null) {
      const opening = { environment, meta, readOnly, clock, secrets, feed, plugins, tracer };
      tasks = await background.openTasks(host, opening);
    }
    const view: SessionView = {
      sessionId,
      title: meta.title,
      head: history.head,
      window,
      branches: indexBranches(await history.branchPoints(window.nodes)),
      turn: null,
      queue: [],
      lastTurn: null,
      writer: 'nobody',
      damage: sound?.damage ?? null,
      plugins: built?.takeShown() ?? {},
      tasks: shownTasks(tasks?.stored ?? []),
    };
    const parts: SessionParts = {
      environment,
      attachments,
      budget,
      history,
      feed,
      secrets,
      clock,
      tracer,
      providers: () => (typeof providers === 'function' ? providers() : providers),
      tools: () => background?.withTaskTools(ownTools()) ?? ownTools(),
      plugins: built,
      tasks,
      children: new Children({
        environment,
        options: { ...options, secrets, rates },
        meta,
        clock,
        secrets,
        attachments,
        open: openChild,
        tell: (activity) => feed.emit(activity),
      }),
      turns: store.turns,
      rates,
      online,
    };
    return {
      store,
      meta,
      readOnly,
      view,
      bounds,
      lingerMs,
      unfinishedTurns,
      parts,
      tasks,
      unregister: () => {
        built?.dispose();
        unregister();
      },
    };
  } catch (error) {
    // What keeps one of them from being closed is not why the session could not be opened.
    await eachStep([() => tasks?.leave(), () => plugins?.dispose(), unregister, () => store?.close()]).catch(
      () => undefined,
    );
    throw secrets.redactError(error);
  }
}

/** Where the platform does not tell, there is one. */
function platformOnline(): boolean {
  return typeof navigator !== 'object' || (navigator as { readonly onLine?: boolean }).onLine !== false;
}

/** Which session, and what it is to be run with. */
interface OpenRequest {
  readonly sessionId: string;
  readonly mode: SessionMode;
  readonly policy: SessionPolicy | undefined;
  readonly title: string;
}

/** Refuses an environment that cannot keep its promises (law RE3). */
function checkEnvironment(environment: RuntimeEnvironment): void {
  const { residency, sessionStoreFactory } = environment;
  if (residency === 'ActivePathOnly' && !sessionStoreFactory.persistent) {
    const reason =
      'ActivePathOnly needs a persistent session store: nodes that are not resident would be gone';
    throw new LashError('InvalidEnvironment', reason, { field: 'residency', reason });
  }
}

/** Opens or creates the session's store. */
async function openStore(
  environment: RuntimeEnvironment,
  request: OpenRequest,
  clock: Clock,
  secrets: SecretVault,
): Promise<SessionStore> {
  const { sessionId, mode } = request;
  const factory = environment.sessionStoreFactory;
  const policy = request.policy === undefined ? undefined : secrets.redactJson(checkPolicy(request.policy));
  const create = async (): Promise<SessionStore> => {
    if (policy === undefined) {
      const reason = 'is needed to create a session';
      throw new LashError('InvalidInput', `policy ${reason}`, { path: 'policy', reason });
    }
    const title = secrets.redactText(request.title);
    return await factory.open(sessionId, { kind: 'create', title, policy, at: clock.now() });
  };
  const open = async (): Promise<SessionStore> => await factory.open(sessionId, { kind: 'open' });
  if (mode === 'create') return await create();
  try {
    return await open();
  } catch (error) {
    if (mode !== 'openOrCreate' || !isLashError(error, 'SessionNotFound')) throw error;
  }
  try {
    return await create();
  } catch (error) {
    // Another tab made it at the same time.
    if (isLashError(error, 'SessionExists')) return await open();
    throw error;
  }
}

/** What a session that was opened is to be run with. */
interface GivenPolicy {
  readonly mode: SessionMode;
  readonly policy: SessionPolicy | undefined;
  readonly plugins: PluginSession | null;
}

/** The session's meta; a given policy replaces the stored one, as the plugins leave it. */
async function openMeta(
  { sessionStoreFactory }: RuntimeEnvironment,
  store: SessionStore,
  { mode, policy, plugins }: GivenPolicy,
  clock: Clock,
  secrets: SecretVault,
): Promise<SessionMeta> {
  const load = async (): Promise<SessionMeta> => await store.loadSessionMeta();
  if (policy === undefined || mode === 'readOnly') return await load();
  const given = checkPolicy(policy);
  const left = plugins === null ? given : await plugins.changePolicy(given, (await load()).policy);
  // What a new session was created with is stored.
  if (mode === 'create' && left === given) return await load();
  const meta = await store.saveSessionMeta({ policy: secrets.redactJson(left), at: clock.now() });
  sessionStoreFactory.leases.publish(store.sessionId, { kind: 'meta-changed' });
  return meta;
}
