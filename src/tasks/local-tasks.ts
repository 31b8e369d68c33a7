import type {
  HostedTasks,
  TaskFilter,
  TaskRegistration,
  TaskSession,
  TaskStart,
  TaskUpdate,
} from '../contract/task.ts';
import { LashError } from '../core/error.ts';
import {
  type BackgroundTaskOutcome,
  type BackgroundTaskRecord,
  hasEnded,
  newBackgroundTask,
} from '../core/task.ts';
import { HiddenWork } from './hidden-work.ts';
import { begun, taskToKeep, taskToRun } from './new-task.ts';
import { checkOneOf, checkOutcome, checkText } from './task-checks.ts';
import { type DeskHost, TaskDesk } from './task-desk.ts';
import { sessionClosed, taskNotDefined, taskNotFound } from './task-errors.ts';
import { progressText } from './task-run.ts';

/** The tasks of one session that is open here, as rules BH1 to BH10 say. */
export class LocalTasks implements HostedTasks {
  readonly stored: readonly BackgroundTaskRecord[];
  readonly #session: TaskSession;
  readonly #desk: TaskDesk;
  readonly #hidden: HiddenWork;
  readonly #listeners: Set<(task: BackgroundTaskRecord) => void>;
  /** What is being begun, registered or transferred at this moment. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** Aborts with what every further call is refused with. */
  readonly #closed: AbortController;

  private constructor(session: TaskSession, desk: TaskDesk, parts: OpenParts) {
    this.#session = session;
    this.#desk = desk;
    this.stored = desk.tasks;
    this.#hidden = parts.hidden;
    this.#listeners = parts.listeners;
    this.#closed = parts.closed;
  }

  static async open(session: TaskSession, host: DeskHost): Promise<LocalTasks> {
    const parts: OpenParts = {
      hidden: new HiddenWork(),
      listeners: new Set(),
      closed: new AbortController(),
    };
    const desk = await TaskDesk.open(session, host, {
      changed: (record) => {
        session.tell(record);
        for (const listener of parts.listeners) listener(record);
      },
      deleted: (error) => {
        parts.closed.abort(error);
        parts.hidden.end(error);
      },
    });
    return new LocalTasks(session, desk, parts);
  }

  async start(task: TaskStart): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    const { sessionId, clock } = this.#session;
    const definition = this.#desk.definition(task.name);
    if (definition === undefined) throw taskNotDefined(task.name);
    const asked = taskToRun(sessionId, definition, task, () => clock.newId());
    const { owner } = this.#desk;
    await owner.hold();
    this.#refuseReadOnly();
    const record = begun(newBackgroundTask(asked, clock.now()), owner.id);
    return await this.#during(this.#desk.run(record, definition, asked.input));
  }

  async register(task: TaskRegistration): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    const { sessionId, clock } = this.#session;
    const asked = taskToKeep(sessionId, task, () => clock.newId());
    const record = newBackgroundTask(asked, clock.now());
    const add = this.#desk.add(task.state === 'pending' ? record : begun(record, null));
    return await this.#during(
      add.then((stored) => {
        this.#desk.registered.add(stored.id);
        return stored;
      }),
    );
  }

  async update(taskId: string, { state, progress }: TaskUpdate): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    if (state !== undefined) checkOneOf(state, ['running', 'waiting'], 'state');
    if (progress !== undefined) checkText(progress, 'progress');
    const { ledger } = this.#desk;
    let record = await this.get(taskId);
    if (state !== undefined) {
      const isBegun = record.state !== 'pending' || state === 'waiting';
      const wait = { type: 'wait', waiting: state === 'waiting' } as const;
      record = await ledger.move(taskId, isBegun ? wait : { type: 'start', owner: null });
    }
    if (progress === undefined) return record;
    const message = progressText(progress, (value) => this.#session.redact(value));
    return await ledger.move(taskId, { type: 'progress', message });
  }

  async complete(taskId: string, outcome: BackgroundTaskOutcome): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    return await this.#desk.ledger.move(taskId, { type: 'end', outcome: checkOutcome(outcome) });
  }

  async cancel(taskId: string, reason?: string): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    if (reason !== undefined) checkText(reason, 'reason');
    return await this.#desk.ledger.move(taskId, { type: 'cancel', reason: reason ?? null });
  }

  async get(taskId: string): Promise<BackgroundTaskRecord> {
    this.#refuseClosed();
    await this.#desk.ledger.reload();
    const record = this.#desk.ledger.find(taskId);
    if (record === undefined) throw taskNotFound(this.#session.sessionId, taskId);
    return record;
  }

  async list({ kind, ended = false }: TaskFilter = {}): Promise<readonly BackgroundTaskRecord[]> {
    this.#refuseClosed();
    await this.#desk.ledger.reload();
    return this.#desk.tasks.filter(
      (task) => (kind === undefined || task.kind === kind) && (ended || !hasEnded(task)),
    );
  }

  async transfer(taskId: string, sessionId: string): Promise<BackgroundTaskRecord> {
    this.#refuseReadOnly();
    const isHere = sessionId === this.#session.sessionId;
    return await this.#during(
      this.get(taskId).then((record) => (isHere ? record : this.#desk.transfer(taskId, sessionId))),
    );
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
    if (!this.#session.readOnly) await this.#desk.resume();
  }

  async leave({ toParent = false }: { readonly toParent?: boolean } = {}): Promise<void> {
    if (this.#closed.signal.aborted) return;
    const closed = sessionClosed(this.#session.sessionId);
    this.#closed.abort(closed);
    this.#hidden.end(closed);
    // Only what is stored has policies, and only what has arrived is another session's.
    await Promise.allSettled(this.#underWay);
    await this.#desk.leave(closed, toParent);
  }

  /** Closing waits for `work`. */
  async #during<T>(work: Promise<T>): Promise<T> {
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #refuseReadOnly(): void {
    this.#refuseClosed();
    const { sessionId, readOnly } = this.#session;
    if (readOnly)
      throw new LashError('ReadOnly', `Session ${sessionId} was opened to read only`, { sessionId });
  }

  #refuseClosed(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason as Error;
  }
}

/** What the desk of an open session tells, and ends. */
interface OpenParts {
  readonly hidden: HiddenWork;
  readonly listeners: Set<(task: BackgroundTaskRecord) => void>;
  readonly closed: AbortController;
}
