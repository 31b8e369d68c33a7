import type { AttachmentRef } from '../core/attachment.ts';
import type { BranchPoint } from '../core/branch-point.ts';
import type { PathWindow } from '../core/event.ts';
import type { JsonValue } from '../core/json.ts';
import type {
  GcReport,
  HousekeepingReport,
  SessionInventory,
  TombstoneReport,
  VacuumReport,
} from '../core/maintenance.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { NodeBody, SessionNode } from '../core/node.ts';
import type { ParkedSession } from '../core/parked-session.ts';
import type { PendingTurn } from '../core/pending-turn.ts';
import type { ActionRequest } from '../core/plugin-action.ts';
import type { Page, SessionPolicy, SessionSummary } from '../core/policy.ts';
import type { BackgroundTaskKind, BackgroundTaskRecord } from '../core/task.ts';
import type { ToolSpec } from '../core/tool-spec.ts';
import type { TurnInput, TurnRequest } from '../core/turn-input.ts';
import type { TurnResult } from '../core/turn-result.ts';
import type { ApprovalDecision } from '../core/turn-wait.ts';
import type { TokenUsage, UsageEntry } from '../core/usage.ts';
import type { Outcome } from './wire.ts';

/** Raised with every change of what page and worker say to each other; they must be of the same version. */
export const PROTOCOL_VERSION = 5;

/** How a session is opened: `openOrCreate` makes one where there is none; `readOnly` refuses every write. */
export type SessionOpenMode = 'create' | 'open' | 'openOrCreate' | 'readOnly';

/** Which session to open, and how. Without an id, `create` makes one. A policy replaces the stored one. */
export interface OpenSessionRequest {
  readonly sessionId?: string | undefined;
  readonly mode: SessionOpenMode;
  readonly title?: string | undefined;
  readonly policy?: SessionPolicy | undefined;
  /** With mode `readOnly`: `showSound` shows a damaged path up to its last sound node (law ST6). */
  readonly damaged?: 'refuse' | 'showSound';
  /**
   * What becomes of a turn that nobody runs any more, after a reload or a crash: `go-on` (default) by itself, `ask` when
   * `resumeTurns` is called. One that waits goes on when what it waits for is brought, either way.
   */
  readonly unfinishedTurns?: 'go-on' | 'ask';
}

/** An open session. `session` is its number on this connection; its view came before, on the event channel. */
export interface OpenedSession {
  readonly session: number;
  readonly sessionId: string;
  readonly policy: SessionPolicy;
}

/** Every call within a session says which one. */
export interface InSession {
  readonly session: number;
}

/** A parked session, and how it is opened. */
export interface ResumeSessionRequest extends Pick<OpenSessionRequest, 'unfinishedTurns'> {
  readonly parked: ParkedSession;
}

/** What a page offers, in the place of what it offered before. Calls name the `offer` that they are for. */
export interface ToolOffer {
  readonly offer: number;
  readonly tools: readonly PageToolSpec[];
}

/** What a page's tool returned. */
export interface PageToolAnswer {
  readonly value: JsonValue;
  readonly attachments?: readonly AttachmentRef[];
}

/** A tool as a page offers it. */
export interface PageToolSpec extends ToolSpec {
  /**
   * What may be done about a call whose outcome nobody knows, since the page that ran it is gone: `safe` runs it again, on
   * a page that offers the tool; `never` (default) tells the model that its outcome is unknown (law TU3).
   */
  readonly replay?: 'safe' | 'never';
  /** `serial`: no other call of the step runs at the same time. Default: `parallel`. */
  readonly mode?: 'parallel' | 'serial';
  /** How long a call may take, in milliseconds; no limit where it is absent. */
  readonly timeoutMs?: number;
  /** Whether somebody has to approve each call before it runs: `session.answer`. */
  readonly approval?: boolean;
}

/** What a worker is told of a provider that a page offers. */
export interface PageProviderSpec {
  /** The model's name, as usage and trace show it. */
  readonly model: string;
  /** How many tokens a request may hold, if the provider knows. */
  readonly maxContextTokens?: number;
}

/** The next events of a model's answer. With `end`, they are the last ones, and it says how the call ended. */
export interface PageModelEvents {
  readonly call: number;
  readonly events: readonly ModelEvent[];
  readonly end?: Outcome<null>;
}

/** A page of a path and the branch points on it. */
export interface ViewPage {
  readonly window: PathWindow;
  readonly branches: readonly BranchPoint[];
}

/** Nodes that a host adds behind the leaf. With `requires`, that node must be on the active path. */
export interface AppendRequest {
  readonly requires?: string;
  readonly nodes: readonly NodeBody[];
}

/** The ids of appended nodes, and the leaf after them. */
export interface AppendResult {
  readonly nodeIds: readonly string[];
  readonly leaf: string | null;
}

/** Tokens of a session, all branches together: the sum, and by source and model. */
export interface SessionUsage {
  readonly total: TokenUsage;
  readonly ledger: readonly UsageEntry[];
}

/** Bytes on their way to the attachment store. */
export interface AttachmentUpload {
  readonly blob: Blob;
  readonly mime: string;
  readonly name?: string | undefined;
  readonly width?: number;
  readonly height?: number;
}

/** Which lines of a trace to read: about `maxBytes` of JSONL from behind `cursor`, of one session or of all. */
export interface TraceReadRequest {
  /** The trace's name; default: the one that the environment writes. */
  readonly name?: string;
  readonly sessionId?: string;
  readonly cursor?: string;
  /** Default 256 KiB. */
  readonly maxBytes?: number;
}

/** Some lines of the trace `name`. `cursor` stands behind the last one; `done`: there were no more at that time. */
export interface TraceLines {
  readonly name: string;
  /** `<name>.jsonl`, as any file system takes it. */
  readonly fileName: string;
  readonly text: string;
  readonly cursor: string;
  readonly done: boolean;
}

/** Which session to export; `attachments` says whether the file holds the bytes of its attachments. */
export interface ExportRequest {
  readonly sessionId: string;
  readonly attachments: boolean;
  /** `showSound`: of a damaged session, the active path up to its last sound node (law ST6). */
  readonly damaged?: 'refuse' | 'showSound' | undefined;
}

/** An export that waits to be read. `transfer` is its number on this connection. */
export interface ExportBegun {
  readonly transfer: number;
  /** `<title>.jsonl`, as any file system takes it. */
  readonly fileName: string;
}

/** The next bytes of an export. `done`: they were the last ones. */
export interface ExportChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly done: boolean;
}

/** A file to import. Default: a new id, and the policy of the file. */
export interface ImportRequest {
  readonly blob: Blob;
  readonly sessionId?: string | undefined;
  readonly policy?: SessionPolicy | undefined;
}

/** A session that was imported. */
export interface ImportedSession {
  readonly sessionId: string;
  readonly nodes: number;
  readonly attachments: number;
}

/**
 * Bytes that are stored. The origin's figures are the browser's estimate for everything it keeps for this origin;
 * they are absent where the browser does not tell.
 */
export interface StorageReport {
  readonly sessionBytes: number;
  readonly attachmentBytes: number;
  readonly originUsage?: number;
  readonly originQuota?: number;
  /** Whether the browser promised not to evict the origin's data by itself. */
  readonly persisted?: boolean;
  /**
   * What the browser may evict by itself when it needs room: it takes an origin's data whole, sessions, attachments and
   * traces, or not at all. `unknown` where it does not say whether it promised.
   */
  readonly evictable: 'everything' | 'nothing' | 'unknown';
}

/** A page of a session's orphans; `writtenBefore` (Unix milliseconds) leaves out what is newer. */
export interface OrphanRequest {
  readonly sessionId: string;
  readonly after?: string;
  readonly limit?: number;
  readonly writtenBefore?: number;
}

/** What housekeeping leaves alone: branches that were written to within this time. */
export interface KeepRule {
  readonly youngerThanMs: number;
}

/** A page of sessions: the children of `parent`, or, where that is absent, the sessions that are no children of others. */
export interface ListRequest {
  readonly after?: string;
  readonly limit?: number;
  readonly parent?: string;
}

/** Which background tasks are listed: default, all that have not ended. */
export interface TaskListRequest {
  readonly kind?: BackgroundTaskKind;
  /** Also those that ended and are still kept. */
  readonly ended?: boolean;
}

/** All that a page can ask of the worker. One argument each, plain data but for the Blob of an attachment. */
export interface RuntimeCalls {
  /** Resolves when the environment is there; rejects with what building it threw. */
  hello(request: null): void;
  /** Answered at once, whatever else is under way: the worker is alive and not stuck (law WB2). */
  ping(request: null): void;
  openSession(request: OpenSessionRequest): OpenedSession;
  /** Takes back one `openSession`; the last one closes the session. */
  closeSession(request: InSession): void;
  listSessions(request: ListRequest): Page<SessionSummary>;
  renameSession(request: { readonly sessionId: string; readonly title: string }): void;
  deleteSession(request: { readonly sessionId: string }): void;
  setCredentials(request: { readonly name: string; readonly secret: string }): void;
  /** Replaces the tools that this page offers. */
  offerTools(request: ToolOffer): void;
  answerTool(request: { readonly call: number; readonly answer: Outcome<PageToolAnswer> }): void;
  /** Offers a provider under this id, in place of the one that was offered before; `null` takes that back. */
  offerProvider(request: { readonly id: string; readonly provider: PageProviderSpec | null }): void;
  /** Resolves when they were taken, with whether more of the answer is wanted. */
  modelEvents(request: PageModelEvents): boolean;
  readTrace(request: TraceReadRequest): TraceLines;
  storage(request: null): StorageReport;
  exportSession(request: ExportRequest): ExportBegun;
  readExport(request: { readonly transfer: number }): ExportChunk;
  cancelExport(request: { readonly transfer: number }): void;
  importSession(request: ImportRequest): ImportedSession;
  orphanedNodeIds(request: OrphanRequest): Page<string>;
  tombstoneNodes(request: {
    readonly sessionId: string;
    readonly nodeIds: readonly string[];
  }): TombstoneReport;
  vacuum(request: { readonly sessionId: string }): VacuumReport;
  gcUnreachable(request: { readonly sessionId: string; readonly keepYoungerThanMs?: number }): GcReport;
  inventory(request: { readonly sessionId: string }): SessionInventory;
  runHousekeeping(request: { readonly keep?: KeepRule | undefined }): HousekeepingReport;
  resumeSession(request: ResumeSessionRequest): OpenedSession;
  /**
   * `true`: the page is shown again after it was hidden, frozen or kept in the back-forward cache: look again at what is
   * stored. `false`: it is about to be: give up what other tabs could wait for.
   */
  pageShown(request: { readonly shown: boolean }): void;
  /** Closes every session of this connection. */
  disconnect(request: null): void;

  /** Resolves when the turn has ended, however; rejects if its input was not accepted. */
  turn(
    request: InSession & {
      readonly turnId: string;
      readonly input: TurnInput;
      readonly request: TurnRequest;
    },
  ): TurnResult;
  /** Stops a turn, whoever began it, or takes it out of the queue. Nothing happens if it is over. */
  cancelTurn(request: InSession & { readonly turnId: string; readonly reason?: string | undefined }): void;
  pendingTurns(request: InSession): readonly PendingTurn[];
  /** The first answer stands, and is what this resolves with. */
  answer(
    request: InSession & { readonly requestId: string; readonly decision: ApprovalDecision },
  ): ApprovalDecision;
  moveQueued(request: InSession & { readonly turnId: string; readonly before: string | null }): void;
  runAction(request: InSession & ActionRequest): JsonValue;
  resumeTurns(request: InSession): void;
  listTasks(request: InSession & TaskListRequest): readonly BackgroundTaskRecord[];
  cancelTask(
    request: InSession & { readonly taskId: string; readonly reason?: string | undefined },
  ): BackgroundTaskRecord;
  branchToNode(request: InSession & { readonly nodeId: string | null }): string | null;
  branches(request: InSession & { readonly nodeIds: readonly string[] }): readonly BranchPoint[];
  getHistoricNode(request: InSession & { readonly nodeId: string }): SessionNode;
  appendSessionNodes(request: InSession & AppendRequest): AppendResult;
  readView(request: InSession & { readonly before?: number; readonly limit?: number }): ViewPage;
  setPolicy(request: InSession & { readonly patch: Partial<SessionPolicy> }): SessionPolicy;
  rename(request: InSession & { readonly title: string }): void;
  usage(request: InSession): SessionUsage;
  /** Closes the session, whoever of this page holds it. */
  park(request: InSession): ParkedSession;
  pin(request: InSession & { readonly nodeId: string }): void;
  unpin(request: InSession & { readonly nodeId: string }): void;
  takeOver(request: InSession & { readonly force: boolean }): void;
  putAttachment(request: InSession & AttachmentUpload): AttachmentRef;
  getAttachment(request: InSession & { readonly attachmentId: string }): Blob;
}

/** The name of a call. */
export type CallName = keyof RuntimeCalls;

/** What a call takes. */
export type CallRequest<Name extends CallName> = Parameters<RuntimeCalls[Name]>[0];

/** What a call resolves with. */
export type CallResult<Name extends CallName> = ReturnType<RuntimeCalls[Name]>;
