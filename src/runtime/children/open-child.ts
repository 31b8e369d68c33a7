import type {
  ChildRequest,
  ChildResult,
  ChildSession,
  ChildTurnOptions,
} from '../../contract/child-sessions.ts';
import { isLashError } from '../../core/error.ts';
import type { TurnActivity } from '../../core/event.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import type { TurnWait } from '../../core/turn-wait.ts';
import { isNoUsage, type UsageEntry } from '../../core/usage.ts';
import { deleteSessions } from '../delete-sessions.ts';
import type { CloseOptions } from '../runtime-options.ts';
import { isPassing } from '../turn/patient-storage.ts';
import { answerText } from './answer-text.ts';
import type { ChildCall } from './child-call.ts';
import type { ChildEngine } from './child-engine.ts';
import type { ChildRuntime } from './child-runtime.ts';
import { shownActivity } from './shown-activity.ts';
import { spentIn } from './spent-in.ts';
import { stopTurns } from './stop-turns.ts';

/** What a child session is open with, and for. */
interface Opened {
  readonly engine: ChildEngine;
  readonly call: ChildCall;
  readonly request: ChildRequest;
  readonly runtime: ChildRuntime;
  /** Is told what it used in all, once nothing of it runs any more. */
  readonly stopped: (spent: readonly UsageEntry[]) => void;
  /** Is told that it is closed, however that went. */
  readonly release: () => void;
}

/** A child session that is open for one call. */
export class OpenChild implements ChildSession {
  readonly sessionId: string;
  readonly #opened: Opened;
  #closing: Promise<void> | undefined;
  #isStopped = false;
  /** What the parent was told that it waits for. */
  #waits: readonly TurnWait[] = [];
  readonly #stopShowing: () => void;

  constructor(opened: Opened) {
    const { runtime } = opened;
    this.sessionId = runtime.sessionId;
    this.#opened = opened;
    this.#stopShowing = runtime.subscribe((event) => {
      this.#showWaits(runtime.view().turn?.waits ?? []);
      if (event.type === 'warning') this.#showWarning(event.message);
    });
    this.#showWaits(runtime.view().turn?.waits ?? []);
    const { signal } = opened.call;
    if (signal.aborted) this.#onAborted();
    else signal.addEventListener('abort', this.#onAborted, { once: true });
  }

  /** Whether it is closed, or is being closed. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /** Whether nothing of it runs any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  turn(input: TurnInput, options: ChildTurnOptions = {}): Promise<ChildResult> {
    const turn = this.#turn(input, options);
    // Whoever lets it run on does not look at how it ended.
    turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close({ tasks: 'toParent' });
    await this.#closing;
  }

  async delete(): Promise<void> {
    this.#closing ??= this.#close({});
    await this.#closing;
    await deleteSessions(this.#opened.engine.parent.environment, this.sessionId);
  }

  async #turn(
    input: TurnInput,
    { inputId = 'task', signal, answer, onActivity }: ChildTurnOptions,
  ): Promise<ChildResult> {
    const { engine, request, runtime } = this.#opened;
    const { prompt } = request;
    const stop = onActivity === undefined ? undefined : this.#listen(inputId, onActivity);
    try {
      const { result } = runtime.turn(input, {
        inputId,
        ...(prompt === undefined ? {} : { prompt }),
        ...(answer === undefined ? {} : { answer }),
        ...(signal === undefined ? {} : { signal }),
      });
      const ended = await result;
      const text = await answerText(runtime, engine.parent.attachments, ended.leaf, inputId);
      return { ...ended, text, spent: this.#spentBy(ended) };
    } finally {
      stop?.();
    }
  }

  #listen(turnId: string, listener: (activity: TurnActivity) => void): () => void {
    const { runtime } = this.#opened;
    const { turn } = runtime.view();
    if (turn?.turnId === turnId)
      for (const activity of shownActivity(turn)) tell(listener, told(activity, this.sessionId));
    return runtime.subscribe((event) => {
      if ('turnId' in event && event.turnId === turnId) listener(told(event, this.sessionId));
    });
  }

  /** Shows in the parent's turn what the child waits for, or a child of its own (law TU11). */
  #showWaits(waits: readonly TurnWait[]): void {
    const before = this.#waits;
    this.#waits = waits;
    if (waits === before || JSON.stringify(waits) === JSON.stringify(before)) return;
    const childSessionId = this.sessionId;
    this.#tell({
      type: 'turn-waiting',
      turnId: this.#opened.call.turnId,
      childSessionId,
      waits: waits.map((wait) => ({ ...named(wait, childSessionId), childSessionId })),
    });
  }

  /** Nobody else follows the child's turn, who could hear it. */
  #showWarning(warning: string): void {
    this.#tell({ type: 'warning', turnId: this.#opened.call.turnId, message: warning });
  }

  #tell(activity: TurnActivity): void {
    const { engine, call } = this.#opened;
    // Whoever goes on with the turn tells what becomes of it.
    if (!isLeft(call)) engine.parent.tell(activity);
  }

  /** All that the turn used: its own tokens as those of the child, and its children's as what they were. */
  #spentBy({ usage, children = [] }: Pick<ChildResult, 'usage' | 'children'>): readonly UsageEntry[] {
    const { call, request, runtime } = this.#opened;
    const { source = 'child' } = request;
    const own = runtime.usage().ledger.findLast((entry) => entry.source === 'turn');
    const model = own?.model ?? call.policy.provider.model;
    return isNoUsage(usage) ? children : [{ source, model, usage }, ...children];
  }

  readonly #onAborted = (): void => {
    // How that went is heard by whoever ends the call.
    this.close().catch(() => undefined);
  };

  async #close(options: CloseOptions): Promise<void> {
    const { call, request, runtime, release, stopped } = this.#opened;
    call.signal.removeEventListener('abort', this.#onAborted);
    // What is left is opened again by whoever goes on, as it is.
    const left = isLeft(call);
    try {
      if (!left) await this.#stopTurns();
      this.#isStopped = !left;
    } finally {
      this.#stopShowing();
      if (!left) this.#showWaits([]);
      await runtime.close(left ? { turn: 'leave' } : options).finally(() => {
        release();
        if (this.#isStopped) stopped(spentIn(runtime.usage().ledger, request.source));
      });
    }
  }

  /** What is not over is stopped, what waits for somebody included. @throws what storage throws that is not waited for any longer */
  async #stopTurns(): Promise<void> {
    const { runtime, call } = this.#opened;
    const { turn, queue } = runtime.view();
    if (turn === null && queue.length === 0) return;
    try {
      await call.storage.run(async () => await stopTurns(runtime, call.storage.over));
    } catch (error) {
      // Where it is gone, or somebody else's, there is nothing to stop.
      if (isPassing(error)) throw error;
    }
  }
}

/** Whether somebody else goes on with the turn that asked: what its children do is theirs then. */
export function isLeft({ signal: { aborted, reason } }: ChildCall): boolean {
  return aborted && !isLashError(reason, 'Cancelled');
}

/** What a child's turn tells its parent: its questions have names by which they can be answered there. */
function told(activity: TurnActivity, sessionId: string): TurnActivity {
  if (activity.type !== 'turn-waiting') return activity;
  return { ...activity, waits: activity.waits.map((wait) => named(wait, sessionId)) };
}

/** A child's question by the name of the child; one of a child of its own has a name already. */
function named(wait: TurnWait, sessionId: string): TurnWait {
  if (wait.kind !== 'approval' || wait.childSessionId !== undefined) return wait;
  return { ...wait, requestId: `${sessionId}:${wait.requestId}` };
}

/** What a listener throws is the platform's to tell, as of every listener. */
function tell(listener: (activity: TurnActivity) => void, activity: TurnActivity): void {
  try {
    listener(activity);
  } catch (error) {
    reportError(error);
  }
}
