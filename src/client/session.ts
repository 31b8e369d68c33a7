import type { BranchPoint } from '../core/branch-point.ts';
import { LashError, reasonText } from '../core/error.ts';
import type { Observed } from '../core/event-log.ts';
import type { JsonValue } from '../core/json.ts';
import type { SessionNode } from '../core/node.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { PendingTurn } from '../core/pending-turn.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { ApprovalDecision } from '../core/turn-wait.ts';
import { prependOlder, type SessionView, showNewest } from '../core/view.ts';
import type {
  AppendRequest,
  AppendResult,
  CallName,
  CallRequest,
  CallResult,
  SessionUsage,
  ViewPage,
} from '../protocol/api.ts';
import type { SessionAttachments } from './attachments.ts';
import type { BackgroundTasks } from './background-tasks.ts';
import { loadModule } from './load-module.ts';
import type { SessionFeed } from './session-feed.ts';
import type { TurnQueue } from './turn-queue.ts';
import { ClientTurn } from './turn.ts';
import { isWithoutWorker } from './worker-link.ts';

/** Options of a turn that is started from a page. */
export interface TurnOptions extends TurnRequest {
  /** Stops the turn when it aborts (law WB6). */
  readonly signal?: AbortSignal;
}

/** How a session makes calls; after a reconnect they go to the new worker. */
export type MakeCall = <Name extends CallName>(
  name: Name,
  request: CallRequest<Name>,
) => Promise<CallResult<Name>>;

type SessionCall = {
  [Name in CallName]: CallRequest<Name> extends { readonly session: number } ? Name : never;
}[CallName];

/**
 * A session that runs in the worker, as a page sees it: the runtime's verbs, and a view that is kept up to date.
 *
 * Every method rejects with `SessionClosed` after `close`, `SessionDeleted` after the session was deleted from here,
 * `WorkerLost` or `WorkerUnresponsive` while there is no worker, `ClientClosed` after the client was closed, and
 * `ModuleLoadFailed` when the worker needs code that it could not load. When a call resolves, the view shows what it did.
 */
export class SessionClient {
  readonly sessionId: string;
  /** Bytes that messages refer to. */
  readonly attachments: SessionAttachments;
  /** The inputs that wait for their turn. */
  readonly queue: TurnQueue;
  /** What runs in the background; the view shows it as well. */
  readonly tasks: BackgroundTasks;
  readonly #feed: SessionFeed;
  readonly #makeCall: MakeCall;
  #closed = false;

  /** Made by `RuntimeClient.openSession` and `createSession`. */
  constructor(feed: SessionFeed, makeCall: MakeCall) {
    this.sessionId = feed.sessionId;
    this.#feed = feed;
    this.#makeCall = makeCall;
    this.attachments = {
      put: async (bytes, options = {}) => {
        const { uploadOf } = await loadModule('attachments', import('./attachments.ts'));
        return await this.#call('putAttachment', await uploadOf(bytes, options));
      },
      get: (id) => this.#call('getAttachment', { attachmentId: id }),
    };
    this.queue = {
      list: async () => (await this.pendingTurns()).filter(({ status }) => status === 'queued'),
      move: (turnId, before) => this.#call('moveQueued', { turnId, before }),
      cancel: (turnId) => this.cancelTurn(turnId),
    };
    this.tasks = {
      list: (filter = {}) => this.#call('listTasks', filter),
      cancel: (taskId, reason) => this.#call('cancelTask', { taskId, reason }),
    };
  }

  /** What the session is run with, as far as this page knows. */
  get policy(): SessionPolicy | undefined {
    return this.#feed.policy;
  }

  /** What a page shows of the session; the same object while nothing changed. */
  getSnapshot(): SessionView {
    return this.#feed.view;
  }

  /** Calls `listener` after each batch of events that changed the view. The returned function ends that. */
  subscribe(listener: () => void): () => void {
    return this.#feed.subscribe(listener);
  }

  /**
   * What happens in the session, as a fresh view and the events that follow it. With the cursor of something that was told
   * before, the events behind it, if they are still known here, or else a view that says what kind of gap it closes. It
   * never misses anything and tells nothing twice, goes on after `client.reconnect`, and ends with this handle.
   *
   * @throws `InvalidInput` for what is not a cursor
   */
  async *observe(cursor?: string): AsyncGenerator<Observed, void, undefined> {
    const feed = this.#feed;
    const { observeFeed } = await loadModule('observation', import('./observation.ts'));
    const observe = (feed.observation ??= observeFeed(feed));
    yield* observe(cursor, () => this.#closed || (feed.ended !== undefined && !isWithoutWorker(feed.ended)));
  }

  /**
   * Asks for a turn and returns its handle at once. With `inputId`, the same input is the same turn, also after a reload:
   * the handle shows what happens from now on, and its result is the one that is stored. If the input is not accepted,
   * the handle rejects with `TurnRunning`, `SessionHeldElsewhere`, `InvalidInput`, `NotData`, `NodeNotFound` (`from`),
   * `OperationConflict` (an `inputId` that was given another input), a storage error, or `Cancelled` when `signal` aborted
   * before the call.
   */
  turn(input: TurnInput, options: TurnOptions = {}): ClientTurn {
    const { signal, ...request } = options;
    const turnId = request.inputId ?? crypto.randomUUID();
    const { inbox, end } = this.#feed.expectTurn(turnId);
    const result = this.#runTurn(turnId, input, request, signal);
    const stop = (): void => this.#stop(turnId, reasonText(signal?.reason));
    const settle = (): void => {
      signal?.removeEventListener('abort', stop);
      end();
    };
    signal?.addEventListener('abort', stop, { once: true });
    result.then(settle, settle);
    return new ClientTurn(inbox, result, (reason) => this.#stop(turnId, reason));
  }

  /** The turns that are not over, and why: what runs or waits first, then what is queued. */
  pendingTurns(): Promise<readonly PendingTurn[]> {
    return this.#call('pendingTurns', {});
  }

  /** Stops a turn, whoever began it, in whichever tab it runs; one that is queued is taken out. @throws `TurnNotFound` */
  cancelTurn(turnId: string, reason?: string): Promise<void> {
    return this.#call('cancelTurn', { turnId, reason });
  }

  /**
   * Answers what a turn asked (`TurnWait` of kind `approval`), from any tab. The first answer stands, and is what this
   * resolves with. @throws `TurnNotFound`
   */
  answer(requestId: string, decision: ApprovalDecision): Promise<ApprovalDecision> {
    return this.#call('answer', { requestId, decision });
  }

  /**
   * Asks a plugin of the worker for what it offers pages. Where that may change the plugin's state it is refused during a turn
   * (`TurnRunning`), and resolves once the change is stored.
   *
   * @throws `PluginActionNotFound`, `PluginFailed`, `PluginStateRefused`, `NotData`
   */
  runAction(plugin: string, action: string, args: JsonValue = null): Promise<JsonValue> {
    return this.#call('runAction', { plugin, action, args });
  }

  /** Goes on with what nobody runs and what can go on, where the session was opened with `unfinishedTurns: 'ask'`. */
  resumeTurns(): Promise<void> {
    return this.#call('resumeTurns', {});
  }

  /** Moves the leaf to a node, and resolves with it once that is stored. @throws `NodeNotFound`, `TurnRunning` */
  branchToNode(nodeId: string | null): Promise<string | null> {
    return this.#call('branchToNode', { nodeId });
  }

  /** For each of these nodes that has siblings, all of them with their tips. @throws `NodeNotFound` */
  branches(nodeIds: readonly string[]): Promise<readonly BranchPoint[]> {
    return this.#call('branches', { nodeIds });
  }

  /** Any live node, on the active path or not. @throws `NodeNotFound` */
  getHistoricNode(nodeId: string): Promise<SessionNode> {
    return this.#call('getHistoricNode', { nodeId });
  }

  /** Appends the host's own nodes behind the leaf. @throws `StaleBranch`, `TurnRunning`, `CommitBudgetExceeded` */
  appendSessionNodes(request: AppendRequest): Promise<AppendResult> {
    return this.#call('appendSessionNodes', { ...request });
  }

  /** Nodes of the path that lie before depth `before`, newest part of it, with their branch points. */
  readView(request: { readonly before?: number; readonly limit?: number } = {}): Promise<ViewPage> {
    return this.#call('readView', request);
  }

  /**
   * Puts up to `limit` older nodes in front of what the view shows, and resolves with whether there are older ones still.
   * What the view holds is bounded (law RE2): the newest nodes go when it would be too much, until {@link showNewest}
   * or a change of the path brings them back.
   */
  async showOlder(limit = 50): Promise<boolean> {
    const { start } = this.#feed.view.window;
    if (start === 0) return false;
    const { window, branches } = await this.readView({ before: start, limit });
    if (this.#feed.show(prependOlder(this.#feed.view, window, branches))) this.#feed.notify();
    return this.#feed.view.window.start > 0;
  }

  /** Shows the newest nodes again, where older ones have pushed them out. */
  async showNewest(): Promise<void> {
    while (!endsWithLeaf(this.#feed.view)) {
      const { window, branches } = await this.readView();
      if (this.#feed.show(showNewest(this.#feed.view, window, branches))) this.#feed.notify();
    }
  }

  /** Changes what the session is run with from the next turn on. @throws `InvalidInput` */
  async setPolicy(patch: Partial<SessionPolicy>): Promise<SessionPolicy> {
    const policy = await this.#call('setPolicy', { patch });
    this.#feed.policy = policy;
    return policy;
  }

  /** Gives the session another title. */
  rename(title: string): Promise<void> {
    return this.#call('rename', { title });
  }

  /** Keeps a node and its ancestors from being orphans (law ST8). @throws `NodeNotFound` */
  pin(nodeId: string): Promise<void> {
    return this.#call('pin', { nodeId });
  }

  /** Takes that back. */
  unpin(nodeId: string): Promise<void> {
    return this.#call('unpin', { nodeId });
  }

  /**
   * Makes this tab the one that writes the session: at once if no other one does, after the other one let go, or, with
   * `force`, also if that one is in a turn, which then fails.
   *
   * @throws `SessionHeldElsewhere`, `StorageBlocked` (the other tab is frozen in the middle of a write)
   */
  takeOver(options: { readonly force?: boolean } = {}): Promise<void> {
    return this.#call('takeOver', { force: options.force === true });
  }

  /**
   * Closes the session and resolves with a handle of it: plain data under 1 KiB that `client.resume` takes, also after a
   * reload. Nothing is written that is not already. @throws `TurnRunning`, `SessionInUse`
   */
  async park(): Promise<ParkedSession> {
    const parked = await this.#call('park', {});
    this.#end();
    return parked;
  }

  /** The tokens that the session used, every branch included. */
  usage(): Promise<SessionUsage> {
    return this.#call('usage', {});
  }

  /**
   * Ends this handle. The last one of a session stops a running turn and closes the session, which stays stored. Closing
   * twice does nothing.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    const closed = this.#call('closeSession', {});
    this.#end();
    this.#feed.holders -= 1;
    await closed;
  }

  #end(): void {
    this.#closed = true;
    this.#feed.told?.('over');
  }

  async #runTurn(
    turnId: string,
    input: TurnInput,
    request: TurnRequest,
    signal: AbortSignal | undefined,
  ): Promise<TurnResult> {
    if (signal?.aborted === true) {
      const reason = reasonText(signal.reason);
      throw new LashError('Cancelled', `Stopped: ${reason}`, { reason });
    }
    return await this.#call('turn', { turnId, input, request });
  }

  #stop(turnId: string, reason: string | undefined): void {
    // Whether it worked shows in the turn's own result, which also rejects if the worker is lost.
    this.cancelTurn(turnId, reason).catch(() => undefined);
  }

  async #call<Name extends SessionCall>(
    name: Name,
    request: Omit<CallRequest<Name>, 'session'>,
  ): Promise<CallResult<Name>> {
    const { ended, session } = this.#feed;
    if (ended !== undefined) throw ended;
    if (this.#closed) throw sessionClosed(this.sessionId);
    return await this.#makeCall(name, { ...request, session });
  }
}

/** The error of a call on a session that was closed. */
export function sessionClosed(sessionId: string): LashError {
  return new LashError('SessionClosed', `The session ${sessionId} was closed`, { sessionId });
}

function endsWithLeaf({ window, head }: SessionView): boolean {
  return window.start + window.nodes.length === head.depth;
}
