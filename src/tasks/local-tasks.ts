import type { SessionNotice } from '../contract/lease.ts';
import type { SessionStore } from '../contract/store.ts';
import type {
  BackgroundTaskDefinition,
  HostedTasks,
  TaskFilter,
  TaskRegistration,
  TaskSession,
  TaskStart,
  TaskUpdate,
} from '../contract/task.ts';
import { LashError } from '../core/error.ts';
import {
  type BackgroundTaskMove,
  type BackgroundTaskOutcome,
  type BackgroundTaskRecord,
  hasEnded,
  moveBackgroundTask,
  newBackgroundTask,
} from '../core/task.ts';
import { HiddenWork } from './hidden-work.ts';
import { type KeptRecords, surplusRecords } from './kept-records.ts';
import { begun, checkTaskData, taskToKeep, taskToRun } from './new-task.ts';
import { OwnerWatch } from './owner-watch.ts';
import { invalid, isRefusal, stopped, taskExists, taskNotFound } from './task-errors.ts';
import { TaskLedger } from './task-ledger.ts';
import { isOwnerThere, TaskOwner } from './task-owner.ts';
import { progressText, type RunHome, type RunNews, TaskRun } from './task-run.ts';
import { finishTransfer, transferTask, type TransferSide } from './task-transfer.ts';

/**
 * The tasks of one session that is open here, as rules BH1 to BH9 say. Whatever runs here is found by the others as what runs in
 * another tab is: by its record and its owner's lease. So nothing is shared between two of them, not even in one worker, and one
 * outlives its session as long as it runs a task.
 */
export class LocalTasks implements HostedTasks, RunHome {
  readonly #session: TaskSession;
  readonly #kept: KeptRecords;
  readonly #store: SessionStore;
  readonly #ledger: TaskLedger;
  readonly #owner: TaskOwner;
  readonly #runs = new Map<string, TaskRun>();
  /** What was registered here. */
  readonly #registered = new Set<string>();
  readonly #leaving = new Set<string>();
  readonly #listeners = new Set<(task: BackgroundTaskRecord) => void>();
  readonly #hidden = new HiddenWork();
  readonly #left = new AbortController();
  readonly #watch: OwnerWatch;
  #isTold = true;
  #isOpening = false;
  #stopHearing: (() => void) | null = null;

  private constructor(session: TaskSession, kept: KeptRecords, store: SessionStore) {
    const { sessionId, factory, clock } = session;
    this.#session = session;
    this.#kept = kept;
    this.#store = store;
    this.#owner = new TaskOwner(clock.newId(), factory.leases);
    const isNeeded = (): boolean => this.#isAnyElsewhere();
    this.#watch = new OwnerWatch(clock, this.#left.signal, isNeeded, async () => {
      await this.#ledger.reload();
      await this.#look();
    });
    this.#ledger = new TaskLedger({
      sessionId,
      records: store.tasks,
      clock,
      redact: (value) => session.redact(value),
      changed: (record) => this.#changed(record),
      written: () => factory.leases.publish(sessionId, { kind: 'tasks-changed' }, this.#hear),
    });
  }

  static async open(session: TaskSession, kept: KeptRecords): Promise<LocalTasks> {
    const { sessionId, factory } = session;
    const tasks = new LocalTasks(session, kept, await factory.open(sessionId, { kind: 'open' }));
    try {
      tasks.#stopHearing = factory.leases.subscribe(sessionId, tasks.#hear);
      await tasks.#ledger.load();
      return tasks;
    } catch (error) {
      await tasks.#end();
      throw error;
    }
  }

  get stored(): readonly BackgroundTaskRecord[] {
    return this.#ledger.all.filter(({ sessionId }) => sessionId === this.#session.sessionId);
  }

  async start(task: TaskStart): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    const { sessionId, clock } = this.#session;
    const definition = this.#definition(task.name);
    if (definition === undefined) {
      const message = `No plugin here defines background tasks called ${task.name}`;
      throw new LashError('TaskNotDefined', message, { name: task.name });
    }
    const asked = taskToRun(sessionId, definition, task, () => clock.newId());
    if (this.#runs.has(asked.id)) throw taskExists(sessionId, asked.id);
    await this.#owner.hold();
    this.#refuseReadOnly();
    const record = begun(newBackgroundTask(asked, clock.now()), this.#owner.id);
    const run = new TaskRun(record.id, this, clock);
    this.#runs.set(record.id, run);
    const stored = await this.#ledger.add(record).catch((error: unknown) => {
      this.over(run);
      throw error;
    });
    run.begin(definition, stored, asked.input);
    return stored;
  }

  async register(task: TaskRegistration): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    const { sessionId, clock } = this.#session;
    const asked = newBackgroundTask(
      taskToKeep(sessionId, task, () => clock.newId()),
      clock.now(),
    );
    const stored = await this.#ledger.add(task.state === 'pending' ? asked : begun(asked, null));
    this.#registered.add(stored.id);
    return stored;
  }

  async update(taskId: string, { state, progress }: TaskUpdate): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    let record = await this.get(taskId);
    if (state !== undefined) {
      const isBegun = record.state !== 'pending' || state === 'waiting';
      const wait = { type: 'wait', waiting: state === 'waiting' } as const;
      record = await this.#ledger.move(taskId, isBegun ? wait : { type: 'start', owner: null });
    }
    if (progress === undefined) return record;
    return await this.#ledger.move(taskId, { type: 'progress', message: progressText(progress) });
  }

  async complete(taskId: string, outcome: BackgroundTaskOutcome): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    if (!hasEnded(outcome)) throw invalid('outcome.state', 'must be completed, failed or cancelled');
    if (outcome.state === 'completed') checkTaskData(outcome.result, 'outcome.result');
    return await this.#ledger.move(taskId, { type: 'end', outcome });
  }

  async cancel(taskId: string, reason?: string): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    return await this.#ledger.move(taskId, { type: 'cancel', reason: reason ?? null });
  }

  async get(taskId: string): Promise<BackgroundTaskRecord> {
    this.#refuseClosed();
    await this.#ledger.reload();
    const record = this.#ledger.find(taskId);
    if (record === undefined) throw taskNotFound(this.#session.sessionId, taskId);
    return record;
  }

  async list({ kind, ended = false }: TaskFilter = {}): Promise<readonly BackgroundTaskRecord[]> {
    this.#refuseClosed();
    await this.#ledger.reload();
    return this.stored.filter(
      (record) => (kind === undefined || record.kind === kind) && (ended || !hasEnded(record)),
    );
  }

  async transfer(taskId: string, sessionId: string): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    return await this.#transfer(taskId, sessionId);
  }

  subscribe(listener: (task: BackgroundTaskRecord) => void): () => void {
    this.#refuseClosed();
    // One that throws disturbs nobody: the platform hears of it.
    const entry = (task: BackgroundTaskRecord): void => {
      try {
        listener(task);
      } catch (error) {
        reportError(error);
      }
    };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  hide(work: (signal: AbortSignal) => Promise<unknown>): void {
    this.#refuseReadOnly();
    this.#hidden.add(work);
  }

  async awaitBackgroundWork(): Promise<void> {
    this.#refuseClosed();
    await this.#hidden.idle();
  }

  async resume(): Promise<void> {
    if (this.#session.readOnly) return;
    this.#isOpening = true;
    try {
      await this.#look();
      await this.#prune();
    } catch {
      // Storage does not take it now: what is left is looked at again.
    }
    this.#watch.begin();
  }

  async leave(): Promise<void> {
    if (this.#left.signal.aborted) return;
    const closed = sessionClosed(this.#session.sessionId);
    this.#left.abort(closed);
    this.#hidden.end(closed);
    for (const id of [...this.#runs.keys(), ...this.#registered]) await this.#close(id, closed);
    this.#isTold = false;
    if (this.#runs.size === 0) await this.#end();
  }

  async say(taskId: string, news: RunNews): Promise<void> {
    await this.#ledger.move(taskId, { ...news, by: this.#owner.id });
  }

  over(run: TaskRun): void {
    if (this.#runs.get(run.taskId) === run) this.#runs.delete(run.taskId);
    if (!this.#isTold && this.#runs.size === 0) void this.#end();
  }

  /** Does what the policy of a task says that was begun or registered here (rule BH5). */
  async #close(taskId: string, closed: Error): Promise<void> {
    const { policies, state } = this.#ledger.find(taskId) ?? {};
    const run = this.#runs.get(taskId);
    const { parentId } = this.#session;
    const reason = closed.message;
    const stop: BackgroundTaskMove =
      run === undefined
        ? { type: 'cancel', reason }
        : { type: 'end', outcome: { state: 'cancelled', reason } };
    try {
      if (policies?.close === 'cancel') await this.#ledger.move(taskId, stop);
      if (policies?.close === 'pause')
        await this.#ledger.move(taskId, state === 'cancel_requested' ? stop : { type: 'pause' });
      if (policies?.close === 'transfer' && parentId !== null) await this.#transfer(taskId, parentId);
    } catch (error) {
      // What storage did not take is found as lost. A task that cannot be transferred is kept, and one that ended has.
      if (policies?.close !== 'transfer' && !isRefusal(error)) run?.drop(closed);
    }
  }

  /** Tells what happened to a task, and the run of it that is here. */
  #changed(record: BackgroundTaskRecord): void {
    const { id, sessionId, state, owner, policies, cancelReason } = record;
    const run = this.#runs.get(id);
    const reason = stopped(cancelReason ?? state);
    if (run !== undefined && (owner !== this.#owner.id || sessionId !== this.#session.sessionId)) {
      this.over(run);
      run.drop(reason);
    } else if (state === 'cancel_requested' && policies.cancel === 'cooperative') run?.stop(reason);
    if (!this.#isTold) return;
    this.#session.tell(record);
    for (const listener of this.#listeners) listener(record);
    if (this.#session.readOnly) return;
    if (hasEnded(record)) this.#prune().catch(() => undefined);
    else this.#watch.begin();
  }

  readonly #hear = (notice: SessionNotice): void => {
    // What cannot be read now is read with the next notice, or when it is asked for.
    if (notice.kind === 'tasks-changed') this.#ledger.reload().catch(() => undefined);
    if (notice.kind === 'deleted') this.#deleted();
  };

  /** The session is gone, with its records: what runs here is stopped, and told to have been cancelled (rule BH8). */
  #deleted(): void {
    const { sessionId, clock } = this.#session;
    const deleted = new LashError('SessionDeleted', `The session ${sessionId} was deleted`, { sessionId });
    const outcome = { state: 'cancelled', reason: deleted.message } as const;
    this.#left.abort(deleted);
    this.#hidden.end(deleted);
    for (const run of this.#runs.values()) {
      run.drop(deleted);
      const record = this.#ledger.find(run.taskId);
      const moved = record && moveBackgroundTask(record, { type: 'end', outcome }, clock.now());
      if (moved?.ok === true && this.#isTold) this.#session.tell(moved.record);
    }
    this.#runs.clear();
    this.#isTold = false;
    void this.#end();
  }

  /** Finds the tasks whose owner is gone, and, when the session is opened, those that are paused (rule BH6). */
  async #look(): Promise<void> {
    if (this.#isOpening)
      for (const record of this.stored)
        if (record.state === 'paused') await this.#beginAgain(record, 'start');
    this.#isOpening = false;
    for (const record of this.#ledger.all) {
      const { id, owner, sessionId } = record;
      if (owner === null || this.#runs.has(id) || this.#leaving.has(id) || hasEnded(record)) continue;
      if (owner !== this.#owner.id && (await isOwnerThere(this.#session.factory.leases, owner))) continue;
      if (sessionId === this.#session.sessionId) await this.#beginAgain(record, 'lose');
      else await this.#finishTransfer(record);
    }
  }

  /** Begins a task again that was paused or lost, or ends it. Whoever is second does nothing. */
  async #beginAgain(record: BackgroundTaskRecord, why: 'start' | 'lose'): Promise<void> {
    const { id, name, owner } = record;
    const definition = this.#definition(name);
    if (definition === undefined && why === 'start') return;
    if (definition !== undefined) await this.#owner.hold();
    if (this.#runs.has(id) || this.#left.signal.aborted) return;
    const run = new TaskRun(id, this, this.#session.clock);
    this.#runs.set(id, run);
    const own = this.#owner.id;
    const to = definition === undefined ? null : own;
    try {
      const move: BackgroundTaskMove =
        why === 'start' ? { type: 'start', owner: own } : { type: 'lose', owner: owner ?? '', to };
      const moved = await this.#ledger.move(id, move);
      if (moved.state === 'running' && definition !== undefined) return run.begin(definition, moved);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    } finally {
      if (this.#ledger.find(id)?.owner !== own) this.over(run);
    }
  }

  #isAnyElsewhere(): boolean {
    if (this.#isOpening) return true;
    return this.#ledger.all.some(
      (record) => record.owner !== null && !hasEnded(record) && !this.#runs.has(record.id),
    );
  }

  async #prune(): Promise<void> {
    const { sessionId, clock } = this.#session;
    const ids = surplusRecords(this.#ledger.all, sessionId, this.#kept, clock.now());
    if (ids.length > 0) await this.#ledger.remove(ids);
  }

  async #transfer(taskId: string, sessionId: string): Promise<BackgroundTaskRecord> {
    await this.#ledger.reload();
    if (sessionId === this.#session.sessionId) return await this.get(taskId);
    const heir = await this.#heir(sessionId);
    try {
      const arrived = await transferTask(this.#side, heir.#side, taskId);
      this.#registered.delete(taskId);
      return arrived;
    } finally {
      if (heir.#runs.size === 0) await heir.#end();
    }
  }

  async #finishTransfer(record: BackgroundTaskRecord): Promise<void> {
    const heirs: LocalTasks[] = [];
    const open = async (): Promise<TransferSide> => {
      const heir = await this.#heir(record.sessionId);
      heirs.push(heir);
      return heir.#side;
    };
    await finishTransfer(this.#side, open, record).finally(async () => {
      for (const heir of heirs) await heir.#end();
    });
  }

  /** The tasks of another session, which nobody has opened here: it is there as long as it runs one. */
  async #heir(sessionId: string): Promise<LocalTasks> {
    const session = { ...this.#session, sessionId, parentId: null, definitions: [] };
    const heir = await LocalTasks.open(session, this.#kept);
    heir.#isTold = false;
    heir.#left.abort();
    return heir;
  }

  get #side(): TransferSide {
    const { sessionId } = this.#session;
    const [ledger, owner, runs] = [this.#ledger, this.#owner, this.#runs];
    return { sessionId, ledger, owner, runs, leaving: this.#leaving, home: this };
  }

  #definition(name: string | null): BackgroundTaskDefinition | undefined {
    return this.#session.definitions.find((definition) => definition.name === name);
  }

  #refuseReadOnly(): void {
    this.#refuseClosed();
    const { sessionId, readOnly } = this.#session;
    if (readOnly)
      throw new LashError('ReadOnly', `Session ${sessionId} was opened to read only`, { sessionId });
  }

  #refuseClosed(): void {
    if (this.#left.signal.aborted) throw this.#left.signal.reason as Error;
  }

  async #end(): Promise<void> {
    this.#stopHearing?.();
    if (this.#stopHearing === null) return;
    this.#stopHearing = null;
    await this.#store.close();
    await this.#owner.release();
  }
}

function sessionClosed(sessionId: string): LashError<'SessionClosed'> {
  return new LashError('SessionClosed', `Session ${sessionId} was closed`, { sessionId });
}
