import { type Clock, systemClock } from '../contract/clock.ts';
import type { RuntimeEnvironment } from '../contract/environment.ts';
import type { Provider, Providers } from '../contract/provider.ts';
import type { SessionMetaChange, SessionStore } from '../contract/store.ts';
import type { Tool } from '../contract/tool.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import { LashError, reasonText, toLashError } from '../core/error.ts';
import type { PathWindow, SessionEvent } from '../core/event.ts';
import { checkId } from '../core/id.ts';
import { findNonJson } from '../core/json.ts';
import type { NodeBody, SessionNode } from '../core/node.ts';
import type { SessionMeta, SessionPolicy } from '../core/policy.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';
import { totalUsage, type TokenUsage, type UsageEntry } from '../core/usage.ts';
import { indexBranches, reduceView, type SessionView } from '../core/view.ts';
import { Feed, type SessionListener } from './feed.ts';
import { History, PAGE_NODES } from './history.ts';
import { ModelCaller, type SessionParts } from './model-caller.ts';
import { checkEnvironment, openStore, type SessionMode } from './open-session.ts';
import { checkPolicy } from './policy-check.ts';
import { resolveProvider } from './resolve-provider.ts';
import { SecretVault } from './secrets.ts';
import { Tracer } from './tracer.ts';
import { TurnHandle } from './turn-handle.ts';
import { checkImages, countQuestions, inputDraft, nothingToAnswer, turnIdOf } from './turn-plan.ts';
import { TurnRun } from './turn-run.ts';

/** What a session is opened with besides its environment. */
export interface RuntimeOptions {
  /** Default, also when empty: a new id. */
  readonly sessionId?: string;
  /** Default `open`: an unknown id is `SessionNotFound`, never an empty session. */
  readonly mode?: SessionMode;
  /** Needed to create; on open it replaces the stored one. */
  readonly policy?: SessionPolicy;
  readonly title?: string;
  readonly providers?: Providers;
  /** A function is asked at every use, so that tools may come and go between model calls. */
  readonly tools?: readonly Tool[] | (() => readonly Tool[]);
  readonly secrets?: SecretVault;
  readonly clock?: Clock;
}

/** Options of a turn. */
export interface TurnOptions extends TurnRequest {
  /** Stops the turn when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * One live session: its turns, its branches, its history.
 *
 * Methods that write reject with `ReadOnly` in mode `readOnly`, `TurnRunning` during a turn, `WriterFenced` or
 * `HeadRevisionConflict` when another writer was faster, and `SessionClosed` after `close`.
 */
export class LashRuntime {
  readonly sessionId: string;
  readonly #parts: SessionParts;
  readonly #store: SessionStore;
  readonly #caller: ModelCaller;
  readonly #readOnly: boolean;
  readonly #unregister: () => void;
  #policy: SessionPolicy;
  #view: SessionView;
  #turn: { readonly turnId: string; readonly run: Promise<TurnRun> } | null = null;
  #writes: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | null = null;

  private constructor(opened: Opened, parts: SessionParts) {
    this.#parts = parts;
    this.#store = opened.store;
    this.sessionId = opened.store.sessionId;
    this.#policy = opened.meta.policy;
    this.#readOnly = opened.readOnly;
    this.#unregister = opened.unregister;
    this.#view = opened.view;
    this.#caller = new ModelCaller(this.#parts);
    this.#parts.feed.subscribe((event) => this.#observe(event));
  }

  /**
   * Opens a session of `environment`.
   *
   * @throws `SessionNotFound`, `SessionExists`, `SessionDeleted`, `SessionInUse`, `InvalidInput`, `InvalidEnvironment`
   *   (law RE3), `Unsupported`, `StoredDataCorrupt`, `StorageUnavailable`.
   */
  static async open(environment: RuntimeEnvironment, options: RuntimeOptions = {}): Promise<LashRuntime> {
    checkEnvironment(environment);
    const { mode = 'open', policy, title = '', clock = systemClock, providers = {} } = options;
    const secrets = options.secrets ?? new SecretVault();
    const { tools = [] } = options;
    const given = options.sessionId ?? '';
    const sessionId = given === '' ? clock.newId() : checkId(given, 'sessionId');
    const unregister = environment.pluginHost.register(sessionId);
    let store: SessionStore | null = null;
    try {
      const opened = await openStore(environment, { sessionId, mode, policy, title }, clock, secrets);
      ({ store } = opened);
      const { attachmentStore: attachments, residency, sessionStoreFactory } = environment;
      const feed = new Feed();
      const budget = sessionStoreFactory.commitBudget;
      const history = await History.load({ store, attachments, budget, residency, secrets, feed });
      const window = history.window();
      const branches = indexBranches(await history.branchPoints(window.nodes));
      const view: SessionView = {
        sessionId,
        title: opened.meta.title,
        head: history.head,
        window,
        branches,
        turn: null,
        lastTurn: null,
      };
      const readOnly = mode === 'readOnly';
      return new LashRuntime(
        { ...opened, readOnly, unregister, view },
        {
          environment,
          history,
          feed,
          secrets,
          clock,
          tracer: new Tracer(environment, clock, secrets),
          provider: async (choice): Promise<Provider> => await resolveProvider(providers, choice, secrets),
          tools: () => (typeof tools === 'function' ? tools() : tools),
        },
      );
    } catch (error) {
      unregister();
      await store?.close();
      throw secrets.redactError(error);
    }
  }

  /** What the session is run with from the next turn on. */
  get policy(): SessionPolicy {
    return this.#policy;
  }

  /** What a page shows now. Further changes come to `subscribe`; both are in step within one task. */
  view(): SessionView {
    return this.#view;
  }

  /** Calls `listener` with each event from now on, in order, as it happens. The returned function ends that. */
  subscribe(listener: SessionListener): () => void {
    return this.#parts.feed.subscribe(listener);
  }

  /**
   * Starts a turn. The handle is there at once; its `accepted` and `result` reject with `TurnRunning`, `InvalidInput`,
   * `NotData`, `NodeNotFound` (`from`), `AttachmentNotFound` (an image), `Unsupported` or a storage error if the input
   * was not accepted. Whatever goes wrong later ends the turn as failed.
   */
  turn(input: TurnInput, options: TurnOptions = {}): TurnHandle {
    const { clock, feed } = this.#parts;
    let turnId = options.inputId ?? '';
    let run: Promise<TurnRun>;
    try {
      this.#refuseWrites();
      turnId = turnIdOf(options, clock);
      run = this.#startTurn(turnId, input, options).catch((error: unknown) => {
        this.#turn = null;
        throw this.#parts.secrets.redactError(error);
      });
      this.#turn = { turnId, run };
    } catch (error) {
      run = Promise.reject(toLashError(error));
    }
    const handle = new TurnHandle(turnId, run, feed);
    const { signal } = options;
    if (signal !== undefined) this.#stopWith(signal, handle);
    return handle;
  }

  /** Moves the leaf to a live node, resident or not, and resolves with it once that is stored (law RE5). @throws `NodeNotFound` */
  async branchToNode(nodeId: string | null): Promise<string | null> {
    await this.#write(async (history) => await history.branch(this.#parts.clock.newId(), nodeId));
    return nodeId;
  }

  /** For each of these nodes that has siblings, all of them with their tips. @throws `NodeNotFound` */
  async branches(nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    this.#refuseClosed();
    return await this.#store.siblings(nodeIds);
  }

  /** Any live node; it does not become resident (law RE4). @throws `NodeNotFound` */
  async getHistoricNode(nodeId: string): Promise<SessionNode> {
    this.#refuseClosed();
    return await this.#parts.history.node(nodeId);
  }

  /** Appends the host's own nodes below the leaf. With `requires`, that node must be on the path, else `StaleBranch`. */
  async appendSessionNodes(request: {
    readonly requires?: string;
    readonly nodes: readonly NodeBody[];
  }): Promise<{ readonly nodeIds: readonly string[]; readonly leaf: string | null }> {
    const path = findNonJson(request.nodes, 'nodes');
    if (path !== undefined) throw new LashError('NotData', `Not data at ${path}`, { path });
    if (request.nodes.length === 0) {
      const reason = 'is empty';
      throw new LashError('InvalidInput', `nodes ${reason}`, { path: 'nodes', reason });
    }
    const createdAt = this.#parts.clock.now();
    const nodes = structuredClone(request.nodes).map((body) => ({ createdAt, body }));
    return await this.#write(async (history) => {
      const { leaf: parent, length } = history.path;
      const requires = request.requires === undefined ? {} : { requires: request.requires };
      const operationId = this.#parts.clock.newId();
      const leaf = await history.append({ operationId, parent, nodes, usage: [], ...requires });
      return { nodeIds: history.path.nodes.slice(length).map(({ id }) => id), leaf };
    });
  }

  /** At most `limit` (1 to 500, default 100) nodes of the path that lie before depth `before`, with their branch points. */
  async readView(request: { readonly before?: number; readonly limit?: number } = {}): Promise<{
    readonly window: PathWindow;
    readonly branches: readonly BranchPoint[];
  }> {
    this.#refuseClosed();
    const limit = Math.min(Math.max(1, Math.trunc(request.limit ?? PAGE_NODES)), 500);
    const window = this.#parts.history.window(request.before, limit);
    return { window, branches: await this.#parts.history.branchPoints(window.nodes) };
  }

  /** Changes what the session is run with from the next turn on, and stores that. @throws `InvalidInput`, `NotData` */
  async setPolicy(patch: Partial<SessionPolicy>): Promise<SessionPolicy> {
    const meta = await this.#saveMeta(() => ({
      policy: this.#parts.secrets.redactJson(checkPolicy({ ...this.#policy, ...patch })),
    }));
    return meta.policy;
  }

  async rename(title: string): Promise<void> {
    await this.#saveMeta(() => ({ title: this.#parts.secrets.redactText(title) }));
  }

  /** The tokens that the session used, every branch and failed attempt included, counted once each. */
  usage(): { readonly total: TokenUsage; readonly ledger: readonly UsageEntry[] } {
    const { ledger } = this.#parts.history;
    return { total: totalUsage(ledger), ledger };
  }

  /** How many node bodies are in memory (laws RE1, RE2). */
  get residentNodes(): number {
    return this.#parts.history.residentNodes;
  }

  /** Stops a running turn, waits for what is under way, and ends this handle. The session stays stored. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    try {
      // A turn that was refused has told its caller.
      const run = await this.#turn?.run.catch(() => undefined);
      run?.cancel('the session is being closed');
      await run?.result;
      await this.#writes;
      await this.#parts.tracer.flush();
      await this.#store.close();
    } finally {
      this.#unregister();
    }
  }

  async #startTurn(turnId: string, input: TurnInput, options: TurnOptions): Promise<TurnRun> {
    const { environment, history, clock } = this.#parts;
    const draft = inputDraft(input, turnId, clock);
    await this.#writes;
    await checkImages(draft, environment.attachmentStore);
    await history.prepareToWrite();
    const from = options.from === undefined ? history.head.leaf : options.from;
    const base = await history.pathTo(from);
    const asked = countQuestions(base);
    this.#refuseClosed();
    if (draft === null) {
      if (asked === 0) throw nothingToAnswer();
      if (history.path.upTo(from) === undefined) await history.branch(`${turnId}/from`, from);
    }
    const { maxSteps, retries } = environment.limits;
    const run = new TurnRun(
      {
        turnId,
        turnIndex: draft === null ? asked : asked + 1,
        policy: this.#policy,
        prompt: options.prompt,
        from,
        input: draft,
        config: {
          turnId,
          maxSteps: this.#policy.maxSteps ?? maxSteps,
          retries,
          treatMissingDoneAsFailure: environment.termination.treatMissingDoneAsFailure,
        },
      },
      this.#parts,
      this.#caller,
    );
    run.start();
    return run;
  }

  /** Host writes come one after the other, and never during a turn. */
  async #write<T>(change: (history: History) => Promise<T>): Promise<T> {
    this.#refuseWrites();
    const { history } = this.#parts;
    return await this.#inOrder(async () => {
      await history.prepareToWrite();
      return await change(history);
    });
  }

  /** `change` is asked when its time has come, so that it stands on what the change before it left. */
  async #saveMeta(change: () => Pick<SessionMetaChange, 'title' | 'policy'>): Promise<SessionMeta> {
    this.#refuseClosed();
    if (this.#readOnly) throw this.#readOnlyError();
    const { clock, feed } = this.#parts;
    return await this.#inOrder(async () => {
      const meta = await this.#store.saveSessionMeta({ ...change(), at: clock.now() });
      this.#policy = meta.policy;
      if (meta.title !== this.#view.title) feed.emit({ type: 'title-changed', title: meta.title });
      return meta;
    });
  }

  async #inOrder<T>(write: () => Promise<T>): Promise<T> {
    const done = this.#writes.then(write);
    this.#writes = done.catch(() => undefined);
    try {
      return await done;
    } catch (error) {
      throw this.#parts.secrets.redactError(error);
    }
  }

  #observe(event: SessionEvent): void {
    this.#view = reduceView(this.#view, event);
    if (event.type === 'turn-finished') this.#turn = null;
  }

  #stopWith(signal: AbortSignal, handle: TurnHandle): void {
    const stop = (): void => {
      // Why a turn was refused is told by the handle.
      handle.cancel(reasonText(signal.reason)).catch(() => undefined);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const detach = (): void => signal.removeEventListener('abort', stop);
    handle.result.then(detach, detach);
  }

  #refuseWrites(): void {
    this.#refuseClosed();
    if (this.#readOnly) throw this.#readOnlyError();
    if (this.#turn === null) return;
    const { turnId } = this.#turn;
    throw new LashError('TurnRunning', 'A turn is running; wait for it or stop it', {
      sessionId: this.sessionId,
      turnId,
    });
  }

  #refuseClosed(): void {
    const { sessionId } = this;
    if (this.#closing !== null)
      throw new LashError('SessionClosed', `Session ${sessionId} was closed`, { sessionId });
  }

  #readOnlyError(): LashError<'ReadOnly'> {
    const { sessionId } = this;
    return new LashError('ReadOnly', `Session ${sessionId} was opened to read only`, { sessionId });
  }
}

interface Opened {
  readonly store: SessionStore;
  readonly meta: SessionMeta;
  readonly readOnly: boolean;
  readonly unregister: () => void;
  readonly view: SessionView;
}
