import type { RuntimeEnvironment } from '../contract/environment.ts';
import { loadModule } from '../contract/load-module.ts';
import type { OrphanPage, SessionStore } from '../contract/store.ts';
import type { SessionTasks } from '../contract/task.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import type { LashError } from '../core/error.ts';
import type { Observed } from '../core/event-log.ts';
import type { JsonValue } from '../core/json.ts';
import type { SessionNode } from '../core/node.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { PendingTurn } from '../core/pending-turn.ts';
import type { ActionRequest } from '../core/plugin-action.ts';
import type { Page, SessionPolicy } from '../core/policy.ts';
import type { TurnInput } from '../core/turn-input.ts';
import type { ApprovalDecision } from '../core/turn-wait.ts';
import { totalUsage, type TokenUsage, type UsageEntry } from '../core/usage.ts';
import { reduceViewWithin, type SessionView } from '../core/view.ts';
import type { OpenRuntime } from './children/child-runtime.ts';
import { eachStep } from './each-step.ts';
import type { SessionListener } from './feed.ts';
import type { Appended } from './history/history-parts.ts';
import { hostAppend, type HostNodes } from './history/host-nodes.ts';
import { PAGE_NODES, type PathPage } from './history/path-pages.ts';
import { HostWrites } from './host-writes.ts';
import { InOrder } from './in-order.ts';
import { LazyObservation } from './lazy-observation.ts';
import type { SessionParts } from './model/model-caller.ts';
import { type OpenedSession, openSession } from './open-session.ts';
import type { CloseOptions, ResumeOptions, RuntimeOptions, TurnOptions } from './runtime-options.ts';
import { readOnly, sessionClosed } from './session-errors.ts';
import { type SessionQueue, sessionQueue } from './session-queue.ts';
import { SessionSettings } from './session-settings.ts';
import { SessionTabs } from './tabs/session-tabs.ts';
import { SessionTurns } from './turn/session-turns.ts';
import { startTurn } from './turn/start-turn.ts';
import type { TurnHandle } from './turn/turn-handle.ts';

/**
 * One live session: its turns, its branches, its history.
 *
 * Methods that write reject with `ReadOnly` in mode `readOnly`, `TurnRunning` during a turn, and `WriterFenced` or
 * `HeadRevisionConflict` when another writer was faster; any method with `SessionClosed` after `close`, with
 * `ModuleLoadFailed` where it needs code that could not be loaded, and with what storage says.
 */
export class LashRuntime {
  readonly sessionId: string;
  /** Whether it was opened with mode `readOnly`. */
  readonly readOnly: boolean;
  /** The inputs that wait for their turn. */
  readonly queue: SessionQueue;
  /** Its background tasks; `null` where the environment has no host for them, or a record cannot be read. */
  readonly tasks: SessionTasks | null;
  readonly #parts: SessionParts;
  readonly #store: SessionStore;
  readonly #opened: OpenedSession;
  readonly #tabs: SessionTabs;
  readonly #settings: SessionSettings;
  #view: SessionView;
  readonly #turns: SessionTurns;
  readonly #order: InOrder;
  readonly #writes: HostWrites;
  readonly #observation: LazyObservation;
  #closing: Promise<void> | null = null;
  #parked: ParkedSession | null = null;
  #ended: LashError | null = null;

  private constructor(opened: OpenedSession) {
    const { store, meta, parts } = opened;
    this.sessionId = store.sessionId;
    this.#parts = parts;
    this.#store = store;
    this.#settings = new SessionSettings(store, parts, meta);
    this.#opened = opened;
    this.readOnly = opened.readOnly;
    this.tasks = opened.tasks;
    this.#view = opened.view;
    this.#observation = new LazyObservation(parts, () => this.#view);
    this.#order = new InOrder(parts.secrets);
    const refuseReadOnly = (): void => this.#refuseReadOnly();
    const written = {
      history: parts.history,
      turns: () => this.#turns,
      tabs: () => this.#tabs,
      refuseReadOnly,
    };
    this.#writes = new HostWrites(written, this.#order, new InOrder(parts.secrets));
    parts.feed.subscribe((event) => {
      this.#view = reduceViewWithin(opened.bounds, this.#view, event);
    });
    this.#turns = new SessionTurns({
      parts,
      unfinished: opened.readOnly ? 'leave' : opened.unfinishedTurns,
      writes: this.#order,
      policy: () => this.policy,
      view: () => this.#view,
      tabs: () => this.#tabs,
    });
    this.queue = sessionQueue(this, this.#turns, refuseReadOnly);
    this.#tabs = new SessionTabs(opened, {
      view: () => this.#view,
      runningTurn: () => this.#turns.running,
      loadMeta: () => this.#settings.reload(),
      leaveTurn: async (error) => await this.#turns.leaveTo(error),
      turnsChanged: async () => await this.#turns.hear(),
      nobodyWrites: () => this.resumeTurns(false),
      end: (error) => this.#turns.end((this.#ended = error)),
    });
  }

  /**
   * Opens a session of `environment`.
   *
   * @throws `SessionNotFound`, `SessionExists`, `SessionDeleted`, `SessionInUse`, `InvalidInput`, `InvalidEnvironment`
   *   (law RE3), `PluginFailed`, `StoredDataCorrupt`, `StorageUnavailable`.
   */
  static async open(environment: RuntimeEnvironment, options: RuntimeOptions = {}): Promise<LashRuntime> {
    return await LashRuntime.#begin(await openSession(environment, options, LashRuntime.#openChild));
  }

  /**
   * Opens a session that {@link park} put away, once it is found to be at least what was left (law RE6). The environment
   * may be another one, of the same database.
   *
   * @throws `InvalidInput` for what is no parked session, `StorageWiped`, `SessionLost`, and what `open` throws
   */
  static async resume(
    parked: ParkedSession,
    environment: RuntimeEnvironment,
    options: ResumeOptions = {},
  ): Promise<LashRuntime> {
    const { resumeParked } = await loadModule('parking', import('./parking.ts'));
    return await resumeParked(parked, environment, async (sessionId, check) => {
      const mode = options.mode === 'readOnly' ? 'readOnly' : 'open';
      const asked = { ...options, sessionId, mode } as const;
      return await LashRuntime.#begin(await openSession(environment, asked, LashRuntime.#openChild, check));
    });
  }

  /** What the session is run with from the next turn on. */
  get policy(): SessionPolicy {
    return this.#settings.policy;
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
   * What happens in the session, as a fresh view and the events that follow it. With the cursor of something that was told
   * before, the events behind it, if they are still known here, or else a view that says what kind of gap it closes. It
   * ends with this runtime. @throws `InvalidInput` for what is not a cursor
   */
  async *observe(cursor?: string): AsyncGenerator<Observed, void, undefined> {
    this.#refuseClosed();
    yield* this.#observation.observe(cursor);
  }

  /**
   * Starts a turn, or queues it (`whenRunning`). The handle is there at once; its `accepted` and `result` reject with
   * `TurnRunning`, `SessionHeldElsewhere`, `InvalidInput`, `NotData`, `NodeNotFound` (`from`), `AttachmentNotFound` (an image),
   * `OperationConflict` (an `inputId` that was given another input) or a storage error if the input was not accepted. The
   * same `inputId` with the same input is the same turn (law TU1). Whatever goes wrong later ends the turn as failed.
   */
  turn(input: TurnInput, options: TurnOptions = {}): TurnHandle {
    return startTurn(this.#turns, this.#parts, input, options, () => this.#refuseReadOnly());
  }

  /** The turns that are not over, and why: what runs or waits first, then what is queued, in its order. */
  async pendingTurns(): Promise<readonly PendingTurn[]> {
    this.#refuseClosed();
    return await this.#turns.pending();
  }

  /** Stops a turn, whoever runs it, or takes it out of the queue. @throws `TurnNotFound` */
  async cancelTurn(turnId: string, reason = 'stopped by the caller'): Promise<void> {
    this.#refuseReadOnly();
    await this.#turns.cancel(turnId, reason);
  }

  /**
   * Answers what a turn asked (`TurnWait` of kind `approval`), from any tab. The first answer stands, and is what this
   * resolves with. @throws `TurnNotFound`
   */
  async answer(requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    this.#refuseReadOnly();
    return await this.#turns.answer(requestId, decision);
  }

  /**
   * Goes on with what nobody runs and what can go on. `asked` is false where something was brought that a turn may wait for:
   * a host that wants to be asked is asked about all others.
   */
  resumeTurns(asked = true): void {
    if (this.#closing !== null || this.#ended !== null) return;
    this.#turns.goOn(asked);
    if (!asked) this.#parts.children.resumeTurns();
  }

  /** Moves the leaf to a live node, resident or not, and resolves with it once that is stored (law RE5). @throws `NodeNotFound` */
  async branchToNode(nodeId: string | null): Promise<string | null> {
    await this.#writes.commit(async (history) => await history.branch(this.#parts.clock.newId(), nodeId));
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
  async appendSessionNodes(request: HostNodes): Promise<Appended> {
    const append = hostAppend(request, this.#parts.clock);
    return await this.#writes.commit(append);
  }

  /**
   * At most `limit` (1 to 500, default 100) nodes of the path that lie before depth `before`, with their branch points: as
   * many of them as a page holds. What is not in memory is read, and not kept (law RE2).
   */
  async readView(request: { readonly before?: number; readonly limit?: number } = {}): Promise<PathPage> {
    this.#refuseClosed();
    const limit = Math.min(Math.max(1, Math.trunc(request.limit ?? PAGE_NODES)), 500);
    const window = await this.#parts.history.page(request.before, limit);
    return { window, branches: await this.#parts.history.branchPoints(window.nodes) };
  }

  /** Changes what the session is run with from the next turn on, and stores that. @throws `InvalidInput`, `NotData` */
  async setPolicy(patch: Partial<SessionPolicy>): Promise<SessionPolicy> {
    await this.#writes.settings(() => this.#settings.setPolicy(patch));
    return this.policy;
  }

  async rename(title: string): Promise<void> {
    await this.#writes.settings(() => this.#settings.rename(title));
  }

  /**
   * Makes this runtime the one who writes: asks whoever does, and with `force` takes it away also from a turn that runs
   * elsewhere, and goes on with that.
   *
   * @throws `SessionHeldElsewhere`, `StorageBlocked`
   */
  async takeOver({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    await this.#writes.takeOver(force);
    this.resumeTurns(false);
  }

  /**
   * Asks a plugin for what it offers pages. Where that may change the plugin's state it is refused during a turn, and resolves
   * once the change is stored.
   *
   * @throws `PluginActionNotFound`, `PluginFailed`, `PluginStateRefused`, `NotData`, and for changes what writing throws
   */
  async runAction(request: ActionRequest): Promise<JsonValue> {
    this.#refuseClosed();
    const { runAction } = await loadModule('plugin-action', import('./plugins/run-action.ts'));
    return await runAction(this.#parts, request, async (change) => await this.#writes.commit(change));
  }

  /** Gives the writer's lease up unless a turn runs. For pages that are hidden or about to be frozen. */
  rest(): void {
    this.#tabs.rest();
  }

  /** Catches up with what other tabs did. For pages that are shown, resumed or restored, before anything is written. */
  async wake(): Promise<void> {
    this.#refuseClosed();
    await this.#tabs.wake();
  }

  /** The tokens that the session used, every branch and failed attempt included, counted once each. */
  usage(): { readonly total: TokenUsage; readonly ledger: readonly UsageEntry[] } {
    return { total: totalUsage(this.#parts.history.ledger), ledger: this.#parts.history.ledger };
  }

  /** How many node bodies are in memory (laws RE1, RE2). */
  get residentNodes(): number {
    return this.#parts.history.residentNodes;
  }

  residentNodeIds(): readonly string[] {
    return Array.from(this.#parts.history.resident, ({ id }) => id);
  }

  /** How many bytes the bodies in memory take, more or less. */
  get residentBytes(): number {
    return this.#parts.history.residentBytes;
  }

  /** Makes a live node a root: it and its ancestors are no orphans (law ST8). @throws `NodeNotFound` */
  async pin(nodeId: string): Promise<void> {
    await this.#writes.beside(() => this.#store.pin(nodeId));
  }

  /** Takes that back. */
  async unpin(nodeId: string): Promise<void> {
    await this.#writes.beside(() => this.#store.unpin(nodeId));
  }

  /** Live nodes that no root reaches, descendants before their ancestors, a page at a time (law ST8). */
  async orphanedNodeIds(page: OrphanPage = {}): Promise<Page<string>> {
    this.#refuseClosed();
    return await this.#store.orphanedNodeIds(page);
  }

  /**
   * Runs maintenance on the session's store, also during a turn, and shows what it did to the head. What it did and cannot
   * be read now shows with the next read or write. One call after the other; `close` waits for them.
   */
  async maintain<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    this.#refuseClosed();
    return await this.#writes.maintain(async () => await work(this.#store));
  }

  /**
   * Closes the session and resolves with a handle of it: plain data under 1 KiB that {@link resume} takes, also after a
   * reload (law RE6). Writes nothing, since nothing is ever left unwritten. Parking twice gives the same handle.
   *
   * @throws `TurnRunning`, `ReadOnly` for a session that is shown up to its last sound node only
   */
  async park(): Promise<ParkedSession> {
    if (this.#parked === null) this.#refusePark();
    const databaseId = await this.#parts.environment.sessionStoreFactory.databaseId();
    await this.#order.idle;
    if (this.#parked === null) this.#refusePark();
    const { revision, leaf } = this.#parts.history.head;
    this.#parked ??= { version: 1, sessionId: this.sessionId, databaseId, revision, leaf };
    await this.close();
    return this.#parked;
  }

  /** Stops a running turn, or leaves it, waits for what is under way, and ends this handle. The session stays stored. */
  async close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    await this.#closing;
  }

  static readonly #openChild: OpenRuntime = async (...session) => await LashRuntime.open(...session);

  static async #begin(opened: OpenedSession): Promise<LashRuntime> {
    const runtime = new LashRuntime(opened);
    try {
      await runtime.#tabs.begin();
      await opened.tasks?.resume();
      if (!opened.readOnly) await runtime.#turns.show();
      runtime.resumeTurns(false);
      return runtime;
    } catch (error) {
      await runtime.close().catch(() => undefined);
      throw error;
    }
  }

  async #close({ turn, tasks }: CloseOptions): Promise<void> {
    await eachStep([
      () => this.#parts.plugins?.leave(sessionClosed(this.sessionId)),
      () => turn === 'leave' && this.#turns.abandon(sessionClosed(this.sessionId)),
      () => this.#turns.close('the session is being closed'),
      () => this.#parts.children.closed(),
      () => this.#order.idle,
      () => this.#writes.maintained,
      () => this.#tabs.close(),
      () => this.#parts.tracer.flush(),
      () => this.#store.close(),
      () => this.#opened.tasks?.leave({ toParent: tasks === 'toParent' }),
      () => this.#observation.end(),
      () => this.#opened.unregister(),
    ]);
  }

  #refuseReadOnly(): void {
    this.#refuseClosed();
    if (this.readOnly) throw readOnly(this.sessionId);
  }

  #refusePark(): void {
    this.#refuseClosed();
    this.#turns.refuseRunning();
    if (this.#view.damage !== null) throw readOnly(this.sessionId);
  }

  #refuseClosed(): void {
    if (this.#ended !== null) throw this.#ended;
    if (this.#closing !== null) throw sessionClosed(this.sessionId);
  }
}
