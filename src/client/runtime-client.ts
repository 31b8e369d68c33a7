import type { DatabaseEvent } from '../core/database-event.ts';
import { fromWireError, LashError, toWireError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import { refuseNonData } from '../core/plain-data.ts';
import type { Page, SessionPolicy, SessionSummary } from '../core/policy.ts';
import type {
  ExportRequest,
  ImportedSession,
  ListRequest,
  OpenedSession,
  OpenSessionRequest,
  SessionOpenMode,
  StorageReport,
  TraceLines,
  TraceReadRequest,
} from '../protocol/api.ts';
import type { ChannelItem, PageToolRequest } from '../protocol/channel-item.ts';
import { Listeners } from './listeners.ts';
import { loadModule } from './load-module.ts';
import { type ClientMaintenance, clientMaintenance } from './maintenance.ts';
import type { PageProvider, PageProviders } from './page-providers.ts';
import type { PageTool, PageToolbox } from './page-tools.ts';
import type { SessionExport } from './session-export.ts';
import type { SessionFeed } from './session-feed.ts';
import { SessionFeeds } from './session-feeds.ts';
import { type MakeCall, SessionClient, sessionClosed } from './session.ts';
import { startWorker } from './start-worker.ts';
import type { TraceExport, TraceExportRequest } from './trace-export.ts';
import { isWithoutWorker, type LinkListener, type WorkerLink } from './worker-link.ts';

/** Where the worker comes from. With a function, the client can make another one after the first was lost. */
export type WorkerSource = Worker | (() => Worker);

/** How a page connects. */
export interface ConnectOptions {
  /** Plain data for the worker's environment function; default: an empty object. */
  readonly config?: JsonObject;
  /** How long the worker may take to say that it is ready, in milliseconds; default 10,000. */
  readonly readyTimeoutMs?: number;
  /** Is told of errors in the worker that nobody caught. Default: they become uncaught errors of the page. */
  readonly onWarning?: (error: LashError) => void;
  /** Is told what happens to the database: that it was lost, wiped, blocked, or has to make way for a newer version. */
  readonly onDatabase?: (event: DatabaseEvent) => void;
}

/** What a new session is made with. */
export interface CreateSessionRequest {
  /** 1 to 128 bytes of UTF-8, never used before; default: a new one. */
  readonly id?: string;
  readonly title?: string;
  readonly policy: SessionPolicy;
  /** What becomes of a turn that nobody runs any more; default `go-on`. See {@link OpenSessionRequest}. */
  readonly unfinishedTurns?: 'go-on' | 'ask';
}

/** A page's connection to the runtime in a worker. `connectRuntime` makes one. */
export class RuntimeClient {
  /** Orphans, tombstones, vacuum, sweeps: on the host's schedule. */
  readonly maintenance: ClientMaintenance = clientMaintenance((name, request) => this.#call(name, request));
  readonly #source: WorkerSource;
  readonly #options: ConnectOptions;
  readonly #feeds = new SessionFeeds();
  readonly #onLost = new Listeners<LashError>();
  readonly #linkListener: LinkListener = {
    deliver: (items) => this.#deliver(items),
    lost: (error) => this.#lost(error),
  };
  /** The worker that this client has made and will end. */
  #worker: Worker | undefined;
  /** Made with the first offer. */
  #tools: PageToolbox | undefined;
  #providers: PageProviders | undefined;
  #link: WorkerLink | undefined;
  readonly #watching = new AbortController();
  #reconnecting: Promise<void> | undefined;
  #closed: LashError | undefined;

  private constructor(source: WorkerSource, options: ConnectOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Connects to the runtime; see `connectRuntime`. */
  static async connect(source: WorkerSource, options: ConnectOptions = {}): Promise<RuntimeClient> {
    refuseNonData(options.config ?? {}, 'config');
    const client = new RuntimeClient(source, options);
    await client.#start();
    client.#watchPage();
    return client;
  }

  /**
   * Makes a session and opens it.
   *
   * @throws `SessionExists`, `SessionDeleted` (an id is used once), `InvalidInput`, `PluginFailed` (a plugin cannot be built, or
   *   refuses the policy: the session is stored all the same), a storage error.
   */
  createSession({ id, ...request }: CreateSessionRequest): Promise<SessionClient> {
    return this.#open({ ...request, mode: 'create', sessionId: id });
  }

  /**
   * Opens a session. One that this client has open already is shared: both handles show the same view, and the session
   * closes with the last of them. A policy replaces the stored one. Default mode: `open`. With mode `readOnly`,
   * `damaged: 'showSound'` shows a path that cannot be read whole up to its last sound node. With `unfinishedTurns: 'ask'`,
   * which holds for the first opening, turns that nobody runs any more go on when `session.resumeTurns` is called.
   *
   * @throws `SessionNotFound`, `SessionDeleted`, `SessionInUse` (another client of the same worker has it open),
   *   `StoredDataCorrupt`, a storage error.
   */
  openSession(
    id: string,
    options: Pick<OpenSessionRequest, 'policy' | 'damaged' | 'unfinishedTurns'> & {
      readonly mode?: SessionOpenMode;
    } = {},
  ): Promise<SessionClient> {
    const { mode = 'open', ...rest } = options;
    return this.#open({ ...rest, mode, sessionId: id });
  }

  /**
   * Opens a session that was parked, also after a reload or in another tab. `unfinishedTurns` is that of `openSession`.
   *
   * @throws `SessionLost` (it is not there, or older than it was parked), `StorageWiped` (the database is another one),
   *   `SessionDeleted`, `InvalidInput` (not a parked session).
   */
  async resume(
    parked: ParkedSession,
    options: Pick<OpenSessionRequest, 'unfinishedTurns'> = {},
  ): Promise<SessionClient> {
    const opened = await this.#call('resumeSession', { ...options, parked });
    return this.#hold(opened, { ...options, mode: 'open' });
  }

  /**
   * Sessions by time of their last change, newest first; 50 unless `limit` says otherwise. Child sessions are listed with their
   * `parent` alone.
   */
  listSessions(page: ListRequest = {}): Promise<Page<SessionSummary>> {
    return this.#call('listSessions', page);
  }

  /** Gives a session another title, open or not. @throws `SessionNotFound` */
  renameSession(id: string, title: string): Promise<void> {
    return this.#call('renameSession', { sessionId: id, title });
  }

  /** Deletes a session for good; one that is open here is closed first. Its id is used up. @throws `SessionNotFound` */
  deleteSession(id: string): Promise<void> {
    return this.#call('deleteSession', { sessionId: id });
  }

  /**
   * Gives the worker a secret by the name that policies use. It lives in the worker's memory, is redacted everywhere
   * (law SE1), and is gone with the worker: after a reconnect it has to be given again. Turns that wait for it go on.
   */
  setCredentials(name: string, secret: string): Promise<void> {
    return this.#call('setCredentials', { name, secret });
  }

  /**
   * Offers these tools to every session, in place of those offered before. They are offered again after a reconnect. Turns
   * that wait for one of them go on.
   *
   * @throws `InvalidInput` for a name that is taken or that providers do not take, or a schema that cannot be used.
   */
  async offerTools(tools: readonly PageTool[]): Promise<void> {
    const { PageToolbox: Toolbox } = await loadModule('page-tools', import('./page-tools.ts'));
    this.#tools ??= new Toolbox();
    const number = this.#tools.replace(tools);
    try {
      const { offer } = this.#tools;
      if (offer !== null) await this.#call('offerTools', offer);
    } catch (error) {
      this.#tools.takeBack(number);
      throw error;
    }
  }

  /**
   * Offers a provider to the sessions that this client has open or opens, under the id that a policy names, in place of the
   * one that was offered under it before; `null` takes the offer back. Calls that run go on either way. It is offered again
   * after a reconnect. Turns that wait for it go on. Offer it before you open sessions: a turn that is only beginning and
   * finds no provider fails.
   *
   * @throws `InvalidInput` for an id that names a provider of the worker, and for a provider without a model's name.
   */
  async offerProvider(id: string, provider: PageProvider | null): Promise<void> {
    const { PageProviders: Providers } = await loadModule('page-providers', import('./page-providers.ts'));
    this.#providers ??= new Providers(this.#call);
    await this.#providers.offer(id, provider);
  }

  /** A trace as a file to download. @throws `InvalidEnvironment` when the environment keeps no such trace */
  async exportTrace(request: TraceExportRequest = {}): Promise<TraceExport> {
    const { exportTrace } = await loadModule('trace-export', import('./trace-export.ts'));
    return await exportTrace((chunk) => this.readTrace(chunk), request);
  }

  /** Some lines of a trace, from behind `cursor`. @throws `InvalidEnvironment` when the environment keeps no such trace */
  readTrace(request: TraceReadRequest = {}): Promise<TraceLines> {
    return this.#call('readTrace', request);
  }

  /**
   * What is stored, and what the browser may evict. With `persist`, asks the browser first to promise that it will not:
   * call it from a user's gesture, since some browsers ask the user.
   */
  async storage({ persist = false }: { readonly persist?: boolean } = {}): Promise<StorageReport> {
    // Only pages can ask, and not in every browser.
    if (persist) await (navigator.storage as Partial<StorageManager> | undefined)?.persist?.();
    return await this.#call('storage', null);
  }

  /**
   * A session as a file to download: JSON Lines that `importSession` reads, here or elsewhere. It is the session as it was
   * when reading began, every branch included. Default: with the bytes of its attachments; without them it can only be
   * imported where they are stored. Of a damaged session, `damaged: 'showSound'` exports the active path up to its last
   * sound node. The stream fails with `Cancelled` (retryable) when branches are tombstoned meanwhile.
   *
   * @throws `SessionNotFound`, `SessionDeleted`; the stream, what reading throws.
   */
  async exportSession(
    id: string,
    { attachments = true, damaged }: Partial<Omit<ExportRequest, 'sessionId'>> = {},
  ): Promise<SessionExport> {
    const { exportSession } = await loadModule('session-export', import('./session-export.ts'));
    return await exportSession(this.#call, { sessionId: id, attachments, damaged });
  }

  /**
   * Makes a session of a file that `exportSession` wrote. The file may come from anybody: it is checked line by line, gets
   * ids of its own, and shows when all of it is stored (law SE2). It says which provider and model to use, but not where
   * or with what key; with `policy`, nothing of that is taken from it.
   *
   * @throws `ImportInvalid` naming the line, `SessionExists`, `SessionDeleted`, `StorageFull`; then nothing is imported.
   */
  importSession(
    blob: Blob,
    options: { readonly id?: string; readonly policy?: SessionPolicy } = {},
  ): Promise<ImportedSession> {
    const { id, policy } = options;
    return this.#call('importSession', {
      blob,
      sessionId: id,
      policy,
    });
  }

  /** Calls `listener` when the worker is lost, or does not answer any more. The returned function ends that. */
  onLost(listener: (error: LashError) => void): () => void {
    return this.#onLost.add(listener);
  }

  /**
   * Makes a new worker and opens in it what was open in the lost one: session clients go on working and show a fresh
   * view. One whose session does not open again rejects from then on with the reason. Turns that ran go on (law TU3), and
   * their handles are over: ask again with their ids. A worker that is not lost is ended first.
   *
   * @throws `CannotReconnect` unless the client was made with a function; what connecting throws.
   */
  reconnect(): Promise<void> {
    this.#reconnecting ??= this.#reconnect().finally(() => (this.#reconnecting = undefined));
    return this.#reconnecting;
  }

  /** Closes every session, stops running turns, and ends a worker that this client has made. The client is of no more use. */
  async close(): Promise<void> {
    if (this.#closed !== undefined) return;
    this.#closed = new LashError('ClientClosed', 'The client was closed', {});
    try {
      await this.#link?.call('disconnect', null);
    } catch (error) {
      if (!isWithoutWorker(error)) throw error;
    } finally {
      this.#watching.abort();
      this.#end(this.#closed);
    }
  }

  async #start(): Promise<void> {
    const worker = typeof this.#source === 'function' ? this.#source() : this.#source;
    if (worker !== this.#source) this.#worker = worker;
    const { config = {}, readyTimeoutMs = 10_000 } = this.#options;
    try {
      this.#link = await startWorker(worker, config, readyTimeoutMs, this.#linkListener);
    } catch (error) {
      this.#worker?.terminate();
      throw error;
    }
    if (this.#closed !== undefined) this.#end(this.#closed);
  }

  async #open(request: OpenSessionRequest): Promise<SessionClient> {
    return this.#hold(await this.#call('openSession', request), request);
  }

  #hold(opened: OpenedSession, request: OpenSessionRequest): SessionClient {
    const feed = this.#feeds.get(opened.session);
    if (feed === undefined) throw sessionClosed(opened.sessionId);
    feed.hold(opened, request);
    return new SessionClient(feed, this.#call);
  }

  async #reconnect(): Promise<void> {
    this.#refuseClosed();
    if (typeof this.#source !== 'function') {
      throw new LashError('CannotReconnect', 'Connect with a function', {});
    }
    this.#link?.lose('it was replaced');
    await this.#start();
    const offer = this.#tools?.offer ?? null;
    if (offer !== null) await this.#call('offerTools', offer);
    await this.#providers?.offerAgain();
    await this.#feeds.reopen(this.#call);
  }

  /** A page that comes back from the back-forward cache, or was frozen or hidden, may have missed what other tabs did. */
  #watchPage(): void {
    const tell = (): void => {
      // Without a worker there is nobody to tell; one that is made anew opens everything afresh.
      this.#link?.call('pageShown', { shown: !document.hidden }).catch(() => undefined);
    };
    const { signal } = this.#watching;
    addEventListener('pageshow', tell, { signal });
    document.addEventListener('visibilitychange', tell, { signal });
  }

  #end(error: LashError): void {
    this.#link?.end(error);
    this.#feeds.strand(error);
    this.#tools?.cancelAll(error.message);
    this.#providers?.cancelAll(error.message);
    this.#worker?.terminate();
  }

  #refuseClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  readonly #call: MakeCall = async (name, request) => {
    this.#refuseClosed();
    if (this.#link === undefined) throw new LashError('WorkerLost', 'No worker', {});
    return await this.#link.call(name, request);
  };

  #lost(error: LashError): void {
    this.#end(error);
    this.#onLost.tell(error);
  }

  #deliver(items: readonly ChannelItem[]): void {
    const changed = new Set<SessionFeed>();
    for (const item of items) {
      const feed = this.#take(item);
      if (feed !== undefined) changed.add(feed);
    }
    for (const feed of changed) feed.notify();
  }

  /** Does what `item` asks for, and returns the session whose view it changed. */
  #take(item: ChannelItem): SessionFeed | undefined {
    if (item.kind === 'view') return this.#feeds.show(item.session, item.view);
    if (item.kind === 'event') return this.#feeds.apply(item.session, item.event);
    if (item.kind === 'closed') {
      this.#feeds.close(item.session, this.#closed ?? (item.error && fromWireError(item.error)));
    } else if (item.kind === 'tool-call') void this.#runTool(item.call, item.request);
    else if (item.kind === 'turn-accepted') this.#feeds.accepted(item.session, item.turnId);
    else if (item.kind === 'database') this.#options.onDatabase?.(item.event);
    else if (item.kind === 'tool-cancelled') this.#tools?.cancel(item.call, item.reason);
    else if (item.kind === 'model-call') void this.#providers?.run(item.call, item.provider, item.request);
    else if (item.kind === 'model-cancelled') this.#providers?.cancel(item.call, item.reason);
    else (this.#options.onWarning ?? reportError)(fromWireError(item.error));
    return undefined;
  }

  async #runTool(call: number, request: PageToolRequest): Promise<void> {
    const link = this.#link;
    const answer = await this.#tools?.run(call, request);
    if (answer === undefined || link === undefined) return;
    try {
      await link.call('answerTool', { call, answer });
    } catch (error) {
      // An answer that cannot be taken is told as a failure; when the worker is gone, so is whoever asked.
      const refused = { ok: false, error: toWireError(error) } as const;
      await link.call('answerTool', { call, answer: refused }).catch(() => undefined);
    }
  }
}
