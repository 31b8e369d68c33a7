import type { Clock } from '../contract/clock.ts';
import type { BackgroundTaskContext, BackgroundTaskDefinition } from '../contract/task.ts';
import { cutText } from '../core/cut-text.ts';
import { isLashError, toWireError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import type { BackgroundTaskMove, BackgroundTaskOutcome, BackgroundTaskRecord } from '../core/task.ts';
import { checkTaskData } from './task-checks.ts';
import { isRefusal } from './task-errors.ts';

/** How much of a progress message is kept, in characters. */
const PROGRESS_CHARACTERS = 1000;
/** How much of a failure's message, and of its data as JSON, is kept, in characters. */
const FAILURE_CHARACTERS = 4000;
/** How long a run says nothing after it said something, in milliseconds. */
const QUIET_MS = 100;
/** How long it waits for storage that did not take how it ended, in milliseconds. */
const RETRY_MS = 1000;

/** What a run says, without who says it. */
export type RunNews = Extract<BackgroundTaskMove, { readonly type: 'progress' | 'wait' | 'end' }>;

/** Takes the secrets out of what is said. */
type Redact = <T>(value: T) => T;

/** Where a run's task is kept. */
export interface RunHome {
  /** Stores what the run says. @throws what the task refuses, and what storage says */
  say(taskId: string, news: RunNews): Promise<void>;
  /** The run is over. */
  over(run: TaskRun): void;
}

/** One run of a task's definition. It is begun once, and what it settles with is said once, unless it was dropped. */
export class TaskRun {
  readonly taskId: string;
  readonly #clock: Clock;
  readonly #redact: Redact;
  readonly #stop = new AbortController();
  readonly #settled = new AbortController();
  readonly #dropped = new AbortController();
  /** The task's, which may be on its way to another session. */
  #home: Promise<RunHome>;
  #news: { message?: string; waiting?: boolean } = {};
  #saying: Promise<void> | null = null;

  constructor(taskId: string, home: RunHome, clock: Clock, redact: Redact) {
    this.taskId = taskId;
    this.#home = Promise.resolve(home);
    this.#clock = clock;
    this.#redact = redact;
  }

  /** Does the work of a task that was stored as this run's. */
  begin(
    definition: BackgroundTaskDefinition,
    record: BackgroundTaskRecord,
    input: JsonValue = record.input,
  ): void {
    if (this.#isDropped) return;
    const context: BackgroundTaskContext = {
      sessionId: record.sessionId,
      taskId: this.taskId,
      attempt: record.attempt,
      signal: this.#stop.signal,
      progress: (message) => this.#hear({ message: progressText(message, this.#redact) }),
      waiting: (waiting) => this.#hear({ waiting }),
    };
    const work = async (): Promise<BackgroundTaskOutcome> => {
      // It may have been asked to stop before it began.
      context.signal.throwIfAborted();
      const result = (await definition.run(input, context)) ?? null;
      checkTaskData(result, 'result');
      return { state: 'completed', result };
    };
    void this.#end(work().catch((error: unknown) => this.#outcomeOf(error)));
  }

  /** Asks the work to stop; how it settles still counts. */
  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Stops the work; nothing that it says counts any more. */
  drop(reason: Error): void {
    this.#dropped.abort();
    if (!this.#settled.signal.aborted) this.#stop.abort(reason);
    this.#settled.abort();
  }

  /** What it says from now on waits until the returned function is told where to. */
  depart(): (home: RunHome) => void {
    let arrive: ((home: RunHome) => void) | undefined;
    this.#home = new Promise((resolve) => {
      arrive = resolve;
    });
    return (home) => arrive?.(home);
  }

  get #isDropped(): boolean {
    return this.#dropped.signal.aborted;
  }

  #hear(news: { message?: string; waiting?: boolean }): void {
    if (this.#settled.signal.aborted) return;
    this.#news = { ...this.#news, ...news };
    this.#saying ??= this.#sayNews();
  }

  /** Says what is new, the last of it only, and not too often. */
  async #sayNews(): Promise<void> {
    try {
      // Work that says several things at once is heard out.
      await Promise.resolve();
      while (Object.keys(this.#news).length > 0) {
        const { message, waiting } = this.#news;
        this.#news = {};
        if (message !== undefined) await this.#say({ type: 'progress', message });
        if (waiting !== undefined) await this.#say({ type: 'wait', waiting });
        await this.#clock.sleep(QUIET_MS, this.#settled.signal).catch(() => undefined);
      }
    } catch {
      // How far it is may be said by the next one.
    } finally {
      this.#saying = null;
    }
  }

  async #end(work: Promise<BackgroundTaskOutcome>): Promise<void> {
    let outcome = await work;
    this.#settled.abort();
    await this.#saying;
    while (!this.#isDropped) {
      try {
        await this.#say({ type: 'end', outcome });
        break;
      } catch (error) {
        // The task ended otherwise, or is not this run's any more.
        if (isRefusal(error)) break;
        if (isPassing(error)) await this.#clock.sleep(RETRY_MS, this.#dropped.signal).catch(() => undefined);
        else if (outcome.state === 'completed') outcome = failed(error, this.#redact);
        else break;
      }
    }
    (await this.#home).over(this);
  }

  async #say(news: RunNews): Promise<void> {
    if (!this.#isDropped) await (await this.#home).say(this.taskId, news);
  }

  #outcomeOf(error: unknown): BackgroundTaskOutcome {
    return this.#stop.signal.aborted ? { state: 'cancelled', reason: null } : failed(error, this.#redact);
  }
}

/** What is kept of a progress message. Secrets go before it is cut: half of one is none that is known. */
export function progressText(message: string, redact: Redact): string {
  return cutText(redact(message), PROGRESS_CHARACTERS);
}

function failed(error: unknown, redact: Redact): BackgroundTaskOutcome {
  const { stack: _stack, cause: _cause, message, data, ...failure } = redact(toWireError(error));
  const kept = { ...failure, message: cutText(message, FAILURE_CHARACTERS) };
  return {
    state: 'failed',
    failure: { ...kept, data: JSON.stringify(data).length > FAILURE_CHARACTERS ? {} : data },
  };
}

/** Whether storage may take it later. */
function isPassing(error: unknown): boolean {
  return (
    isLashError(error, 'StorageFull') ||
    isLashError(error, 'StorageUnavailable') ||
    isLashError(error, 'StorageBlocked')
  );
}
