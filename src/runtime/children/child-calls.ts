import type {
  ChildRequest,
  ChildResult,
  ChildSession,
  ChildTurnOptions,
  HandOffRequest,
} from '../../contract/child-sessions.ts';
import { isLashError, LashError, reasonText } from '../../core/error.ts';
import type { TurnActivity } from '../../core/event.ts';
import { utf8Length } from '../../core/json.ts';
import type { Page, SessionSummary } from '../../core/policy.ts';
import type { TurnInput } from '../../core/turn-input.ts';
import { addToLedger, isNoUsage, type UsageEntry } from '../../core/usage.ts';
import { deleteSessions } from '../delete-sessions.ts';
import { answerText } from './answer-text.ts';
import type { ChildCall, ChildReport } from './child-call.ts';
import type { ChildEngine } from './child-engine.ts';
import type { ChildRuntime } from './child-runtime.ts';
import { shownActivity } from './shown-activity.ts';

/** The child sessions that one call opens, and what they use. */
export class ChildCalls {
  readonly #engine: ChildEngine;
  readonly #call: ChildCall;
  readonly #children = new Map<string, Promise<OpenChild>>();
  #successor: string | undefined;

  constructor(engine: ChildEngine, call: ChildCall) {
    this.#engine = engine;
    this.#call = call;
  }

  /** Opens a child; the same key is the same one (rule CH1). */
  async open(request: ChildRequest): Promise<ChildSession> {
    checkKey(request.key);
    this.#call.signal.throwIfAborted();
    const known = this.#children.get(request.key);
    const child = known ?? this.#open(request);
    this.#children.set(request.key, child);
    // Whoever could not open it may try again.
    child.catch(() => this.#children.delete(request.key));
    return await child;
  }

  async list(page?: { readonly after?: string; readonly limit?: number }): Promise<Page<SessionSummary>> {
    return await this.#engine.list(page);
  }

  async handOff(request: HandOffRequest): Promise<string> {
    this.#call.signal.throwIfAborted();
    this.#successor = await this.#engine.handOff(this.#call, request);
    return this.#successor;
  }

  /** Stops and closes what is open, and resolves with what came of all (rule CH3). */
  async end(): Promise<ChildReport> {
    const opened = await Promise.allSettled(this.#children.values());
    const children = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const spent = (await Promise.all(children.map(async (child) => await child.end()))).flat();
    return {
      ...(spent.length === 0 ? {} : { spent: addToLedger([], spent) }),
      ...(this.#successor === undefined ? {} : { successor: this.#successor }),
    };
  }

  async #open(request: ChildRequest): Promise<OpenChild> {
    const { runtime, release } = await this.#engine.open(this.#call, request);
    return new OpenChild(this.#engine, this.#call, request, runtime, release);
  }
}

/** A child session that is open for one call. */
class OpenChild implements ChildSession {
  readonly sessionId: string;
  readonly #engine: ChildEngine;
  readonly #call: ChildCall;
  readonly #request: ChildRequest;
  readonly #runtime: ChildRuntime;
  readonly #release: () => void;
  readonly #turns = new Set<Promise<ChildResult>>();
  /** What each of its turns used. */
  readonly #spent = new Map<string, readonly UsageEntry[]>();
  #closing: Promise<void> | undefined;

  constructor(
    engine: ChildEngine,
    call: ChildCall,
    request: ChildRequest,
    runtime: ChildRuntime,
    release: () => void,
  ) {
    this.sessionId = runtime.sessionId;
    this.#engine = engine;
    this.#call = call;
    this.#request = request;
    this.#runtime = runtime;
    this.#release = release;
    if (call.signal.aborted) this.#onAborted();
    else call.signal.addEventListener('abort', this.#onAborted, { once: true });
  }

  async turn(input: TurnInput, options: ChildTurnOptions = {}): Promise<ChildResult> {
    const { inputId = 'task' } = options;
    const turn = this.#turn(input, { ...options, inputId });
    this.#turns.add(turn);
    return await turn;
  }

  async close(): Promise<void> {
    await this.#close('stop');
  }

  async delete(): Promise<void> {
    await this.close();
    await deleteSessions(this.#engine.parent.environment, this.sessionId);
  }

  /** Closes it, and resolves with what its turns used. */
  async end(): Promise<readonly UsageEntry[]> {
    await this.#close(isLeft(this.#call.signal) ? 'leave' : 'stop');
    await Promise.allSettled(this.#turns);
    return [...this.#spent.values()].flat();
  }

  async #turn(
    input: TurnInput,
    options: ChildTurnOptions & { readonly inputId: string },
  ): Promise<ChildResult> {
    const { inputId, signal, answer, onActivity } = options;
    const { prompt } = this.#request;
    const stop = onActivity === undefined ? undefined : this.#listen(inputId, onActivity);
    try {
      const { result } = this.#runtime.turn(input, {
        inputId,
        ...(prompt === undefined ? {} : { prompt }),
        ...(answer === undefined ? {} : { answer }),
        ...(signal === undefined ? {} : { signal }),
      });
      const ended = await result;
      const spent = this.#spentBy(ended);
      this.#spent.set(inputId, spent);
      const text = await answerText(this.#runtime, this.#engine.parent.attachments, ended.leaf, inputId);
      return { ...ended, text, spent };
    } finally {
      stop?.();
    }
  }

  #listen(turnId: string, listener: (activity: TurnActivity) => void): () => void {
    const { turn } = this.#runtime.view();
    if (turn?.turnId === turnId)
      for (const activity of shownActivity(turn)) listener(told(activity, this.sessionId));
    return this.#runtime.subscribe((event) => {
      if ('turnId' in event && event.turnId === turnId) listener(told(event, this.sessionId));
    });
  }

  /** All that the turn used: its own tokens as those of the child, and its children's as what they were. */
  #spentBy({ usage, children = [] }: Pick<ChildResult, 'usage' | 'children'>): readonly UsageEntry[] {
    const { source = 'child' } = this.#request;
    const { ledger } = this.#runtime.usage();
    const model =
      ledger.findLast((entry) => entry.source === 'turn')?.model ?? this.#call.policy.provider.model;
    return isNoUsage(usage) ? children : [{ source, model, usage }, ...children];
  }

  readonly #onAborted = (): void => {
    const { signal } = this.#call;
    // How that went is heard by whoever ends the call.
    this.#close(isLeft(signal) ? 'leave' : 'stop').catch(() => undefined);
  };

  async #close(turn: 'stop' | 'leave'): Promise<void> {
    this.#call.signal.removeEventListener('abort', this.#onAborted);
    this.#closing ??= this.#runtime.close({ turn }).finally(this.#release);
    await this.#closing;
  }
}

/** What a child's turn tells its parent: its questions have names by which they can be answered there. */
function told(activity: TurnActivity, sessionId: string): TurnActivity {
  if (activity.type !== 'turn-waiting') return activity;
  const waits = activity.waits.map((wait) =>
    wait.kind === 'approval' ? { ...wait, requestId: `${sessionId}:${wait.requestId}` } : wait,
  );
  return { ...activity, waits };
}

/** Whether somebody else goes on with the turn that asked: what its children do is theirs then. */
function isLeft({ aborted, reason }: AbortSignal): boolean {
  return aborted && !isLashError(reason, 'Cancelled');
}

function checkKey(key: unknown): void {
  if (typeof key === 'string' && key !== '' && utf8Length(key) <= 64) return;
  const reason = `must have 1 to 64 bytes, and is ${reasonText(key)}`;
  throw new LashError('InvalidInput', `The key of a child session ${reason}`, { path: 'key', reason });
}
