import type { SessionNotice } from '../contract/lease.ts';
import type { SessionStore } from '../contract/store.ts';
import type { BackgroundTaskDefinition, TaskSession } from '../contract/task.ts';
import type { JsonValue } from '../core/json.ts';
import {
  type BackgroundTaskMove,
  type BackgroundTaskRecord,
  hasEnded,
  moveBackgroundTask,
} from '../core/task.ts';
import { type KeptRecords, MAX_RECORDS, surplusRecords } from './kept-records.ts';
import { OwnerWatch } from './owner-watch.ts';
import { isRefusal, sessionDeleted, stopped, taskExists } from './task-errors.ts';
import { TaskLedger } from './task-ledger.ts';
import { isOwnerThere, TaskOwner } from './task-owner.ts';
import { type RunHome, type RunNews, TaskRun } from './task-run.ts';
import { finishTransfer, transferTask, type TransferSide } from './task-transfer.ts';

/** What the desks of one host have in common. */
export interface DeskHost {
  readonly kept: KeptRecords;
  /** The desks of sessions that were given a task and may not be open, and when the task has arrived. */
  readonly heirs: Map<TaskDesk, Promise<unknown>>;
}

/** Who is told what happens at a desk, as long as the session is open here. */
export interface DeskListener {
  changed(record: BackgroundTaskRecord): void;
  /** The session is gone. */
  deleted(error: Error): void;
}

/**
 * The records of a session's tasks, and the runs of those that run here. What runs here is found by others as what runs in
 * another tab is: by its record and its owner's lease. So no task is shared between two desks, not even in one worker, and one
 * outlives its session as long as it runs a task. A task that comes from another session has a desk to itself, an heir, which
 * does what closing its session here asks for.
 */
export class TaskDesk implements RunHome, TransferSide {
  readonly sessionId: string;
  readonly ledger: TaskLedger;
  readonly owner: TaskOwner;
  readonly runs: Map<string, TaskRun> = new Map();
  readonly registered: Set<string> = new Set();
  readonly leaving: Set<string> = new Set();
  readonly #session: TaskSession;
  readonly #host: DeskHost;
  readonly #store: SessionStore;
  readonly #watch: OwnerWatch;
  readonly #left = new AbortController();
  /** `null` once nobody is told any more: the desk ends with its last run. */
  #listener: DeskListener | null;
  #isOpening = false;
  #stopHearing: (() => void) | null = null;
  #ending: Promise<void> | null = null;

  private constructor(
    session: TaskSession,
    host: DeskHost,
    listener: DeskListener | null,
    store: SessionStore,
  ) {
    const { sessionId, factory, clock } = session;
    this.sessionId = sessionId;
    this.#session = session;
    this.#host = host;
    this.#listener = listener;
    this.#store = store;
    this.owner = new TaskOwner(clock.newId(), factory.leases);
    this.ledger = new TaskLedger({
      sessionId,
      records: store.tasks,
      clock,
      redact: (value) => session.redact(value),
      changed: (record) => this.#changed(record),
      written: (record, before) => {
        factory.leases.publish(sessionId, { kind: 'tasks-changed' }, this.#hear);
        if (isStep(record, before)) session.trace(sessionId, record);
      },
    });
    const isNeeded = (): boolean => this.#isAnyElsewhere();
    this.#watch = new OwnerWatch(clock, this.#left.signal, isNeeded, async () => {
      await this.ledger.reload();
      await this.#look();
    });
  }

  /** A desk with a store of its own. @throws what opening a store throws */
  static async open(session: TaskSession, host: DeskHost, listener: DeskListener | null): Promise<TaskDesk> {
    const { sessionId, factory } = session;
    const store = await factory.open(sessionId, { kind: 'open' });
    const desk = new TaskDesk(session, host, listener, store);
    desk.#stopHearing = factory.leases.subscribe(sessionId, desk.#hear);
    try {
      await desk.ledger.load();
      return desk;
    } catch (error) {
      await desk.end();
      throw error;
    }
  }

  /** The session's tasks, oldest first. */
  get tasks(): readonly BackgroundTaskRecord[] {
    return this.ledger.all.filter(({ sessionId }) => sessionId === this.sessionId);
  }

  definition(name: string | null): BackgroundTaskDefinition | undefined {
    return this.#session.definitions.find((definition) => definition.name === name);
  }

  /** Stores a new task; where there is no room left, in that of the oldest one that ended. @throws `TaskExists` */
  async add(task: BackgroundTaskRecord): Promise<BackgroundTaskRecord> {
    if (this.ledger.all.length >= MAX_RECORDS) await this.#prune();
    return await this.ledger.add(task);
  }

  /** Stores a task that was begun, as one of this desk, and runs it. @throws `TaskExists` */
  async run(
    task: BackgroundTaskRecord,
    definition: BackgroundTaskDefinition,
    input: JsonValue,
  ): Promise<BackgroundTaskRecord> {
    if (this.runs.has(task.id)) throw taskExists(this.sessionId, task.id);
    const run = this.#newRun(task.id);
    const stored = await this.add(task).catch((error: unknown) => {
      this.over(run);
      throw error;
    });
    run.begin(definition, stored, input);
    return stored;
  }

  /** Looks after what was left when the session is opened. */
  async resume(): Promise<void> {
    this.#isOpening = true;
    try {
      await this.#look();
      await this.#prune();
    } catch {
      // Storage does not take it now: what is left is looked at again.
    }
    this.#watch.begin();
  }

  /**
   * Does what the policies of the session's tasks say that run or were registered here, and, where it is closed for good and the
   * rest goes `toParent`, of those that nobody runs (rule BH5). Nobody is told from then on.
   */
  async leave(closed: Error, toParent: boolean): Promise<void> {
    this.#left.abort(closed);
    if (!this.#session.readOnly) {
      await this.#closeAll(closed, toParent);
      await this.#closeHeirs(closed, toParent);
    }
    this.#listener = null;
    await this.#endIfIdle();
  }

  /** Moves a task, and its run, to another session (rule BH7). */
  async transfer(taskId: string, sessionId: string): Promise<BackgroundTaskRecord> {
    const heir = await this.#heir(sessionId);
    const arrival = transferTask(this, heir, taskId);
    this.#host.heirs.set(
      heir,
      arrival.catch(() => undefined),
    );
    try {
      return await arrival;
    } finally {
      await heir.#endIfIdle();
    }
  }

  async say(taskId: string, news: RunNews): Promise<void> {
    await this.ledger.move(taskId, { ...news, by: this.owner.id });
  }

  over(run: TaskRun): void {
    if (this.runs.get(run.taskId) === run) this.runs.delete(run.taskId);
    void this.#endIfIdle();
    // Where its end is not stored, it is lost.
    if (this.#listener !== null && !this.#session.readOnly) this.#watch.begin();
  }

  /** Lets go of everything. Idempotent. */
  async end(): Promise<void> {
    this.#ending ??= this.#end();
    await this.#ending;
  }

  async #end(): Promise<void> {
    this.#host.heirs.delete(this);
    this.#stopHearing?.();
    await this.#store.close().finally(async () => await this.owner.release());
  }

  /** Ends once nobody is told any more, and it has nothing that closing the session could concern. */
  async #endIfIdle(): Promise<void> {
    const held = this.runs.size + this.registered.size + this.leaving.size;
    if (this.#listener === null && held === 0) await this.end();
  }

  #newRun(taskId: string): TaskRun {
    const run = new TaskRun(taskId, this, this.#session.clock, (value) => this.#session.redact(value));
    this.runs.set(taskId, run);
    return run;
  }

  /** Does what the policies say of the tasks that came to this session from others in this worker, and tells it. */
  async #closeHeirs(closed: Error, toParent: boolean): Promise<void> {
    const { sessionId, factory } = this.#session;
    let isAny = false;
    for (const [heir, arrival] of this.#host.heirs) {
      if (heir.sessionId !== sessionId || heir.#session.factory !== factory) continue;
      isAny = true;
      await arrival;
      await heir.#closeAll(closed, toParent);
      // That it cannot let go keeps nothing else from being closed.
      await heir.#endIfIdle().catch(() => undefined);
    }
    // What cannot be read now is told to nobody, but has happened.
    if (isAny) await this.ledger.reload().catch(() => undefined);
  }

  async #closeAll(closed: Error, toParent: boolean): Promise<void> {
    const isIdle = (task: BackgroundTaskRecord): boolean => task.owner === null && !hasEnded(task);
    const idle = toParent ? this.tasks.filter(isIdle).map(({ id }) => id) : [];
    const ids = new Set([...this.runs.keys(), ...this.registered, ...idle]);
    for (const id of ids) await this.#close(id, closed, toParent);
    this.registered.clear();
  }

  async #close(taskId: string, closed: Error, toParent: boolean): Promise<void> {
    const close = this.ledger.find(taskId)?.policies.close;
    const isForParent = close === 'transfer' || (toParent && close !== 'cancel');
    if (isForParent && (await this.#isTransferred(taskId))) return;
    const state = this.ledger.find(taskId)?.state;
    const run = this.runs.get(taskId);
    const reason = closed.message;
    const stop: BackgroundTaskMove =
      run === undefined
        ? { type: 'cancel', reason }
        : { type: 'end', outcome: { state: 'cancelled', reason } };
    try {
      if (close === 'cancel') await this.ledger.move(taskId, stop);
      if (close === 'pause')
        await this.ledger.move(taskId, state === 'cancel_requested' ? stop : { type: 'pause' });
    } catch (error) {
      // What storage did not take is found as lost, and a task that ended has.
      if (run === undefined || isRefusal(error)) return;
      this.over(run);
      run.drop(closed);
    }
  }

  /** Whether it is a task of the parent now. One that cannot be is closed as if there were none. */
  async #isTransferred(taskId: string): Promise<boolean> {
    try {
      const { parent } = await this.#store.loadSessionMeta();
      if (parent?.relation !== 'child') return false;
      await this.transfer(taskId, parent.sessionId);
      return true;
    } catch {
      return false;
    }
  }

  /** Tells what happened to a task, and the run of it that is here. */
  #changed(record: BackgroundTaskRecord): void {
    const { id, sessionId, state, owner, policies, cancelReason } = record;
    const run = this.runs.get(id);
    const reason = stopped(cancelReason ?? state);
    if (run !== undefined && (owner !== this.owner.id || sessionId !== this.sessionId)) {
      this.over(run);
      run.drop(reason);
    } else if (state === 'cancel_requested' && policies.cancel === 'cooperative') run?.stop(reason);
    if (hasEnded(record) && this.registered.delete(id)) void this.#endIfIdle();
    this.#listener?.changed(record);
    if (this.#listener === null || this.#session.readOnly) return;
    if (hasEnded(record)) this.#prune().catch(() => undefined);
    else this.#watch.begin();
  }

  readonly #hear = (notice: SessionNotice): void => {
    // What cannot be read now is read with the next notice, or when it is asked for.
    if (notice.kind === 'tasks-changed') this.ledger.reload().catch(() => undefined);
    if (notice.kind === 'deleted') this.#deleted();
  };

  /** The session is gone, with its records: what runs here is stopped, and told to have been cancelled (rule BH8). */
  #deleted(): void {
    const deleted = sessionDeleted(this.sessionId);
    const outcome = { state: 'cancelled', reason: deleted.message } as const;
    this.#left.abort(deleted);
    for (const run of this.runs.values()) {
      run.drop(deleted);
      const record = this.ledger.find(run.taskId);
      const at = this.#session.clock.now();
      const moved = record && moveBackgroundTask(record, { type: 'end', outcome }, at);
      if (moved?.ok === true) this.#listener?.changed(moved.record);
    }
    this.runs.clear();
    this.registered.clear();
    this.#listener?.deleted(deleted);
    this.#listener = null;
    void this.end();
  }

  /** Finds the tasks whose owner is gone, and, when the session is opened, those that are paused (rule BH6). */
  async #look(): Promise<void> {
    if (this.#isOpening)
      for (const task of this.tasks) if (task.state === 'paused') await this.#beginAgain(task, 'start');
    this.#isOpening = false;
    for (const record of this.ledger.all) {
      const { id, owner, sessionId } = record;
      if (owner === null || this.runs.has(id) || this.leaving.has(id) || hasEnded(record)) continue;
      if (owner !== this.owner.id && (await isOwnerThere(this.#session.factory.leases, owner))) continue;
      try {
        if (sessionId === this.sessionId) await this.#beginAgain(record, 'lose');
        else await this.#finishTransfer(record);
      } catch {
        // It stays as it is, and is looked at again; the others are not its matter.
      }
    }
  }

  /** Begins a task again that was paused or lost, or ends it. Whoever is second does nothing. */
  async #beginAgain({ id, name, owner }: BackgroundTaskRecord, why: 'start' | 'lose'): Promise<void> {
    const definition = this.definition(name);
    if (definition === undefined && why === 'start') return;
    if (definition !== undefined) await this.owner.hold();
    if (this.runs.has(id) || this.#left.signal.aborted) return;
    const run = this.#newRun(id);
    const own = this.owner.id;
    const to = definition === undefined ? null : own;
    try {
      const move: BackgroundTaskMove =
        why === 'start' ? { type: 'start', owner: own } : { type: 'lose', owner: owner ?? '', to };
      const moved = await this.ledger.move(id, move);
      if (moved.state === 'running' && definition !== undefined) return run.begin(definition, moved);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    } finally {
      if (this.ledger.find(id)?.owner !== own) this.over(run);
    }
  }

  #isAnyElsewhere(): boolean {
    if (this.#isOpening) return true;
    return this.ledger.all.some(
      (record) => record.owner !== null && !hasEnded(record) && !this.runs.has(record.id),
    );
  }

  async #prune(): Promise<void> {
    const now = this.#session.clock.now();
    const ids = surplusRecords(this.ledger.all, this.sessionId, this.#host.kept, now);
    if (ids.length > 0) await this.ledger.remove(ids);
  }

  async #finishTransfer(record: BackgroundTaskRecord): Promise<void> {
    const heirs: TaskDesk[] = [];
    const open = async (): Promise<TaskDesk> => {
      const heir = await this.#heir(record.sessionId);
      heirs.push(heir);
      return heir;
    };
    await finishTransfer(this, open, record).finally(async () => {
      for (const heir of heirs) await heir.end();
    });
  }

  /** A desk of another session, which nobody opens with it: it is there as long as it has a task. */
  async #heir(sessionId: string): Promise<TaskDesk> {
    return await TaskDesk.open({ ...this.#session, sessionId, definitions: [] }, this.#host, null);
  }
}

/** Whether something happened to a task that is not only how far it is, or who runs it. */
function isStep(task: BackgroundTaskRecord, before: BackgroundTaskRecord | undefined): boolean {
  return (['state', 'attempt', 'sessionId'] as const).some((field) => task[field] !== before?.[field]);
}
