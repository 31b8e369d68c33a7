import type { JsonValue } from '../core/json.ts';
import type {
  BackgroundTaskKind,
  BackgroundTaskOutcome,
  BackgroundTaskPolicies,
  BackgroundTaskRecord,
} from '../core/task.ts';
import type { Clock } from './clock.ts';
import type { SessionStoreFactory } from './store.ts';

/** What a running task is given besides its input. */
export interface BackgroundTaskContext {
  readonly sessionId: string;
  readonly taskId: string;
  /** Which run this is, from 1; above 1: the ones before were lost. */
  readonly attempt: number;
  /** Aborts when the task is to stop: it was cancelled or paused, or is not this run's any more. */
  readonly signal: AbortSignal;
  /** Says how far it is, in at most 1,000 characters. What is said in quick succession is stored as the last of it. */
  readonly progress: (message: string) => void;
  /** Says that it waits for something, or does not any more. */
  readonly waiting: (isWaiting: boolean) => void;
}

/** A kind of work that a plugin brings (`PluginHooks.backgroundTasks`), and that runs in the worker. */
export interface BackgroundTaskDefinition {
  /** 1 to 64 letters, digits, `.`, `_` and `-`; unique in a session. */
  readonly name: string;
  /** Default: `other`. */
  readonly kind?: BackgroundTaskKind;
  /** Defaults: `cancel: 'cooperative'`, `close: 'keep'`, `lost: 'fail'`. */
  readonly policies?: Partial<BackgroundTaskPolicies>;
  /** How often it is begun at most where `lost` is `resume`. Default 3. */
  readonly maxAttempts?: number;
  /**
   * Does the work. What it returns is the task's result: JSON data of at most 16 KiB, nothing is `null`. A rejection is its
   * failure, or, once it was asked to stop, its cancellation. It may run again from the start (`lost`, `pause`).
   */
  run(
    input: JsonValue,
    context: BackgroundTaskContext,
  ): JsonValue | undefined | void | Promise<JsonValue | undefined | void>;
}

/** What a task is called, where it belongs, and what it is given. */
export interface TaskLabels {
  /** 1 to 128 bytes; default: a new one. */
  readonly id?: string;
  readonly kind?: BackgroundTaskKind;
  /** Who wants it, in at most 500 characters; default: its definition's name, or `host`. */
  readonly producer?: string;
  /** In a person's words, at most 500 characters of them; default: its definition's name, or its id. */
  readonly title?: string;
  readonly parentTaskId?: string;
  readonly childSessionId?: string;
  /** JSON data of at most 16 KiB; default `null`. What is stored of it holds no secret, and a later run is given that. */
  readonly input?: JsonValue;
}

/** A task to be run here. */
export interface TaskStart extends TaskLabels {
  /** Of its definition. */
  readonly name: string;
  /** In place of the definition's. */
  readonly policies?: Partial<BackgroundTaskPolicies>;
}

/** A task that somebody else does, and completes. */
export interface TaskRegistration extends TaskLabels {
  /** Default `running`. */
  readonly state?: 'pending' | 'running';
  /** Defaults: `cancel: 'external'`, `close: 'keep'`. It cannot be paused or lost: nobody here runs it. */
  readonly policies?: {
    readonly cancel?: BackgroundTaskPolicies['cancel'];
    readonly close?: Exclude<BackgroundTaskPolicies['close'], 'pause'>;
  };
}

/** What is new of a task that somebody else does. */
export interface TaskUpdate {
  readonly state?: 'running' | 'waiting';
  readonly progress?: string;
}

/** Which tasks are listed: default, all that have not ended. */
export interface TaskFilter {
  readonly kind?: BackgroundTaskKind;
  /** Also those that ended and are still kept. */
  readonly ended?: boolean;
}

/**
 * The background tasks of a session, whichever tab runs them.
 *
 * Every method rejects with `SessionClosed` once the session is closed here, `ReadOnly` where it would change something in mode
 * `readOnly`, and with what storage says.
 *
 * - BH1 A task id is used once per session, as long as its record is kept, also after the task ended: `TaskExists`.
 * - BH2 A move that the machine refuses (rules BT1 to BT6) is `TaskEnded` or `InvalidTaskMove`, which name the task; nothing
 *   changes, and the session goes on.
 * - BH3 A change is told once it is stored, in every tab that has the session open. Among tabs the record's version decides: so a
 *   task that was started ends in exactly one terminal event, told once per session that is open.
 * - BH4 Cancelling does what the policy says. With `cooperative` the run's signal aborts, and what it settles with decides; with
 *   `abort` the signal aborts, and the task is cancelled; with `external` nothing is aborted here.
 * - BH5 Closing or parking a session does what the policy says of each task that runs here, or was registered here, and of those
 *   that came to it from other sessions in this worker. A task that is kept can be seen and stopped by whoever opens the session.
 *   One that came while the session was not open here is kept until it is opened and closed here. Where nobody is expected to
 *   open a child again, since the call that asked for it is over, what would be kept or paused there goes to the parent: it is
 *   seen and stopped there, and closed with it. What cannot, as its id is taken there or it runs in another tab, stays.
 * - BH6 A task whose worker is gone is found when the session is opened, and within seconds where it is open. It ends, or is begun
 *   again, as its policy says, once. One that was paused is begun again when the session is opened where its definition is.
 * - BH7 A transferred task goes on in the other session under its id; if that is taken there, `TaskExists`, and nothing moves. The
 *   record that stays behind says where it is.
 * - BH8 Records of tasks that ended are removed by the host's policy, those of others never. A deleted session's tasks are stopped.
 * - BH9 Hidden work has no id, no record and no event. It lives as long as the session is open here.
 * - BH10 Each new state, run and session of a task is traced once, by whoever stored it; how far it is, is not.
 */
export interface SessionTasks {
  /** Runs a task here. @throws `TaskNotDefined`, `TaskExists`, `InvalidInput`, `NotData` */
  start(task: TaskStart): Promise<BackgroundTaskRecord>;
  /** Keeps the record of what somebody else does. @throws `TaskExists`, `InvalidInput`, `NotData` */
  register(task: TaskRegistration): Promise<BackgroundTaskRecord>;
  /** @throws `TaskNotFound`, `TaskEnded`, `InvalidTaskMove`, `InvalidInput` */
  update(taskId: string, update: TaskUpdate): Promise<BackgroundTaskRecord>;
  /**
   * Ends a task for whoever does it. One that runs here is stopped. Of a failure its stack and its cause are not kept.
   *
   * @throws `TaskNotFound`, `TaskEnded`, `InvalidTaskMove`, `InvalidInput`, `NotData`
   */
  complete(taskId: string, outcome: BackgroundTaskOutcome): Promise<BackgroundTaskRecord>;
  /** Resolves with the task as it is then. @throws `TaskNotFound`, `TaskEnded`, `InvalidInput` */
  cancel(taskId: string, reason?: string): Promise<BackgroundTaskRecord>;
  /** @throws `TaskNotFound` */
  get(taskId: string): Promise<BackgroundTaskRecord>;
  /** Oldest first. */
  list(filter?: TaskFilter): Promise<readonly BackgroundTaskRecord[]>;
  /** Makes it a task of another session. @throws `TaskNotFound`, `TaskEnded`, `TaskExists`, `SessionNotFound`, `SessionDeleted` */
  transfer(taskId: string, sessionId: string): Promise<BackgroundTaskRecord>;
  /** Calls `listener` with each change of a task. The returned function ends that. */
  subscribe(listener: (task: BackgroundTaskRecord) => void): () => void;
  /** Runs work that nobody sees. Its signal aborts when the session is closed here. @throws `SessionClosed`, `ReadOnly`, at once */
  hide(work: (signal: AbortSignal) => Promise<unknown>): void;
  /** Waits until no hidden work is left, also what began meanwhile. Rejects then, with what failed first. */
  awaitBackgroundWork(): Promise<void>;
}

/** A session's tasks as a host keeps them: what the runtime needs besides. */
export interface HostedTasks extends SessionTasks {
  /** The records that were there when the session was opened, oldest first. */
  readonly stored: readonly BackgroundTaskRecord[];
  /**
   * Looks after what was left: finds lost tasks, begins paused ones, and removes what need not be kept. What storage does not take
   * now it looks at again.
   */
  resume(): Promise<void>;
  /** The session is closed or parked here: does what the tasks' policies say; with `toParent`, for good (BH5). */
  leave(options?: { readonly toParent?: boolean }): Promise<void>;
}

/** The session that a host is to keep tasks for. */
export interface TaskSession {
  readonly sessionId: string;
  /** Whether it was opened to read only: nothing is changed then, and nothing resumed. */
  readonly readOnly: boolean;
  /** Where it is stored, who is alive, and how tabs hear of each other. A host opens stores of its own. */
  readonly factory: SessionStoreFactory;
  readonly definitions: readonly BackgroundTaskDefinition[];
  readonly clock: Clock;
  /** Takes the secrets out of what is stored (law SE1). */
  redact<T>(value: T): T;
  /** Is told of each change, until the session is closed here. */
  tell(task: BackgroundTaskRecord): void;
  /** Is told of each step of a task that was stored here, once, and of the session that keeps it; also after that (BH10). */
  trace(sessionId: string, task: BackgroundTaskRecord): void;
}

/** The socket of who owns background tasks; sessions and environments share one. */
export interface BackgroundTaskHost {
  open(session: TaskSession): Promise<HostedTasks>;
}
