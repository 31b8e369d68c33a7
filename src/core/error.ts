import type { JsonObject, JsonValue } from './json.ts';

/** The data of a code that has none. */
type NoData = Readonly<Record<string, never>>;

/**
 * What went wrong, as a stable name. The comment on each group says who can act on it; the fields are the `data`.
 *
 * A code is never renamed or given another meaning.
 */
export interface LashErrorData {
  /** The caller passed something that cannot be meant: fix the call. */
  readonly InvalidInput: { readonly path: string; readonly reason: string };
  /** The caller passed a function, a cycle or another thing that is not JSON data; `path` says where. */
  readonly NotData: { readonly path: string };
  /** An environment field is missing, contradicts another one, or is of a kind that cannot do what is asked. */
  readonly InvalidEnvironment: { readonly field: string; readonly reason: string };
  /** The request is understood, and this version of the runtime has no engine for it. */
  readonly Unsupported: { readonly feature: string };

  readonly SessionNotFound: { readonly sessionId: string };
  readonly SessionExists: { readonly sessionId: string };
  /** A deleted session's id is never used again (law ST12). */
  readonly SessionDeleted: { readonly sessionId: string };
  /** The session is open in this worker already; close the other runtime first. */
  readonly SessionInUse: { readonly sessionId: string };
  readonly SessionClosed: { readonly sessionId: string };
  readonly NodeNotFound: { readonly sessionId: string; readonly nodeId: string };
  /** A write on a runtime that was opened with mode `readOnly`. */
  readonly ReadOnly: { readonly sessionId: string };

  /** Another commit came first; nothing was written (law ST3). Load again, then retry. */
  readonly HeadRevisionConflict: { readonly expected: number; readonly actual: number };
  /** Another writer took the session's lease; nothing was written (law ST3). */
  readonly WriterFenced: { readonly expected: number; readonly actual: number };
  /** The node that an append required is not on the active path any more (law ST2). */
  readonly StaleBranch: { readonly leaf: string | null };
  /** The operation id was used before, with other content (law ST4). */
  readonly OperationConflict: { readonly operationId: string };
  /** The record of a background task has another version than the write stands on (rule TK1). Read it again, then retry. */
  readonly TaskConflict: {
    readonly sessionId: string;
    readonly taskId: string;
    readonly expected: number;
    readonly actual: number;
  };
  /** A checkpoint names a component that is not stored. */
  readonly ComponentNotFound: { readonly sessionId: string; readonly componentId: string };
  /** Another tab writes this session and is busy with the turn `turnId`, where it said so; `takeOver` takes it away. */
  readonly SessionHeldElsewhere: { readonly sessionId: string; readonly turnId: string | null };
  /** More rows or bytes than one commit may hold; refused before a transaction opened (law ST13). */
  readonly CommitBudgetExceeded: {
    readonly rows: number;
    readonly bytes: number;
    readonly maxRows: number;
    readonly maxBytes: number;
  };
  /** What is stored cannot be read as a whole path; nothing was changed and nothing was shortened (law ST6). */
  readonly StoredDataCorrupt: {
    readonly sessionId: string;
    readonly nodeId: string | null;
    readonly reason: string;
  };
  /** The browser's quota is used up; what was stored before is intact (law ST17). */
  readonly StorageFull: { readonly attemptedBytes?: number };
  /** The database could not be opened, or its connection was lost; trying again may help. */
  readonly StorageUnavailable: { readonly database: string; readonly reason: string };
  /** The database was deleted, by the user or the browser, since this page first used it; what was in it is gone (law ST16). */
  readonly StorageWiped: { readonly database: string };
  /** A session that was known here is not there any more, or is older than it was (law ST16). */
  readonly SessionLost: { readonly sessionId: string; readonly reason: string };
  /** Another page keeps the database from being used: frozen in a transaction, or on an older version of it. */
  readonly StorageBlocked: { readonly database: string; readonly reason: string };
  /** The database was written by a newer version of the runtime (law ST18). */
  readonly SchemaTooNew: { readonly database: string };

  /** A file that is to be imported is not one, at this line (counted from 1); nothing was imported (law SE2). */
  readonly ImportInvalid: { readonly line: number; readonly reason: string };

  readonly AttachmentNotFound: { readonly attachmentId: string };
  readonly AttachmentTooLarge: { readonly byteLength: number; readonly maxBytes: number };
  /** The provider cannot take an attachment of this type. */
  readonly UnsupportedMedia: { readonly mime: string };

  /** A turn is running; wait for it or cancel it. */
  readonly TurnRunning: { readonly sessionId: string; readonly turnId: string };
  /** The turn used up its model calls, its tokens or its time (milliseconds) and was not done. */
  readonly TurnLimitReached: { readonly limit: 'steps' | 'tokens' | 'time'; readonly max: number };
  /** No turn of this id was accepted, or it has ended. */
  readonly TurnNotFound: { readonly sessionId: string; readonly turnId: string };
  /** The input is not queued any more: its turn began, or ended, which `status` says. */
  readonly InputNotQueued: { readonly inputId: string; readonly status: string };
  readonly Cancelled: { readonly reason: string };

  readonly ToolNotFound: { readonly tool: string };
  /** The tool is there, and the model was not offered it when it made the call, or it was another one then. */
  readonly ToolUnavailable: { readonly tool: string };
  /** The model's arguments do not fit the tool's schema; the model sees this and may try again (law TU9). */
  readonly InvalidToolArguments: { readonly tool: string; readonly path: string; readonly reason: string };
  /** What a tool says of its own failure: `toolFailure` makes one. */
  readonly ToolFailed: {
    readonly class?: string;
    readonly retryAfterMs?: number;
    readonly data?: JsonValue;
  };
  /** The tool took longer than it may, and was aborted. */
  readonly ToolTimeout: { readonly tool: string };
  /** Somebody decided that the call must not run. */
  readonly ToolDenied: { readonly tool: string };
  /** The call was started, and whoever ran it is gone: it may have happened, wholly or in part (law TU3). */
  readonly ToolOutcomeUnknown: { readonly tool: string };

  /** A plugin's hook threw, took too long (`late`), or answered with what it must not (rule PL2). */
  readonly PluginFailed: {
    readonly plugin: string;
    readonly hook: string;
    readonly problem: 'threw' | 'late' | 'invalid';
  };
  /** A plugin ended the turn. */
  readonly TurnAborted: { readonly plugin: string; readonly reason: string };
  /** What is stored of a plugin's state is nothing that the plugin here can read; it stays as it is (rule PS3). */
  readonly PluginStateRefused: {
    readonly plugin: string;
    readonly stored: number;
    readonly version: number;
    readonly reason: string;
  };
  /** No plugin of this id is here, or it has no such action. */
  readonly PluginActionNotFound: { readonly plugin: string; readonly action: string };
  /** A plugin's state changes in a turn only, or in an action that writes. */
  readonly PluginStateReadOnly: { readonly plugin: string };

  /** A task of this id is kept in the session already, also if it ended. */
  readonly TaskExists: { readonly sessionId: string; readonly taskId: string };
  /** No task of this id is kept in the session, or it is one of another session now. */
  readonly TaskNotFound: { readonly sessionId: string; readonly taskId: string };
  /** The task ended before: `state` says how. */
  readonly TaskEnded: { readonly taskId: string; readonly state: string; readonly move: string };
  /** The task is in a state in which this cannot happen to it. */
  readonly InvalidTaskMove: { readonly taskId: string; readonly state: string; readonly move: string };
  /** No plugin here defines background tasks of this name. */
  readonly TaskNotDefined: { readonly name: string };
  /** Whoever ran the task is gone, and it was not to be begun again. */
  readonly TaskLost: { readonly taskId: string; readonly attempt: number };

  /** A child session would be too deep below the first one, or too many of one session would be open (rule CH4). */
  readonly ChildLimitReached: {
    readonly sessionId: string;
    readonly limit: 'depth' | 'open';
    readonly max: number;
  };

  readonly ProviderNotFound: { readonly providerId: string };
  /** The provider needs a secret that was not given; `setCredentials(name, secret)` brings it. */
  readonly CredentialsRequired: { readonly name: string };
  /** HTTP 401 or 403. */
  readonly ProviderUnauthorized: { readonly status: number };
  /** HTTP 429; `retryAfterMs` is the server's wish, where it named one. */
  readonly ProviderRateLimited: { readonly status: number; readonly retryAfterMs?: number };
  /** HTTP 408, 409, 425 or 5xx, or no answer at all: offline, CORS and a server that is not there look the same. */
  readonly ProviderUnavailable: { readonly status?: number; readonly retryAfterMs?: number };
  /** Any other refusal, such as HTTP 400 or an unknown model. */
  readonly ProviderRejected: { readonly status?: number };
  /** The stream ended before the model said that it was done. */
  readonly ProviderStreamInterrupted: NoData;
  /** The stream held something that is not the protocol. */
  readonly ProviderStreamInvalid: NoData;
  /** The model answered with neither text nor a tool call. */
  readonly ProviderEmptyResponse: NoData;
  /** The request is longer than the model's context. */
  readonly ContextOverflow: { readonly maxContextTokens?: number };
  /** The answer is not the JSON that the turn asked for; `path` says where (law of `TurnRequest.answer`). */
  readonly AnswerInvalid: { readonly path: string; readonly reason: string };
  /** The model's safety filter stopped the answer. */
  readonly ContentFiltered: NoData;
  /** The model stopped at its output limit. */
  readonly OutputLimitReached: NoData;

  /**
   * A part of the runtime that is loaded when it is needed could not be: the page is offline, or a deployment removed the
   * file. Trying again may help; where the browser keeps the failure (Firefox before 155), a new worker does.
   */
  readonly ModuleLoadFailed: { readonly module: string };
  /** The worker's script did not start; `causes` lists what usually is the matter. */
  readonly WorkerLoadFailed: { readonly causes: readonly string[] };
  /** The worker ended; a commit that was under way may or may not have happened (its receipt will tell). */
  readonly WorkerLost: NoData;
  /** The worker has not answered a ping for 10 seconds: it hangs, or something keeps it busy. It may go on later. */
  readonly WorkerUnresponsive: NoData;
  /** Page and worker were built from different versions of the package. */
  readonly ProtocolMismatch: { readonly page: number; readonly worker: number };
  /** `reconnect` needs the `() => Worker` form of `connectRuntime`. */
  readonly CannotReconnect: NoData;
  readonly ClientClosed: NoData;
  /** A defect of the runtime or of the host's code; the cause says more. */
  readonly Internal: NoData;
}

/** The union of all error codes. */
export type LashErrorCode = keyof LashErrorData;

/** An error as plain data: what crosses the worker boundary, and what a failed turn reports (law WB3). */
export interface WireError {
  readonly lash: 1;
  readonly code: LashErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly data: JsonObject;
  readonly stack?: string;
  readonly cause?: WireError | { readonly name: string; readonly message: string };
}

/** Options of a {@link LashError}. */
export interface LashErrorOptions {
  readonly cause?: unknown;
  /** Whether the same call may succeed when it is simply made again. Default: what is usual for the code. */
  readonly retryable?: boolean;
}

/** How deep causes are kept. */
const MAX_CAUSES = 8;

const RETRYABLE: ReadonlySet<LashErrorCode> = new Set<LashErrorCode>([
  'HeadRevisionConflict',
  'WriterFenced',
  'StorageFull',
  'StorageUnavailable',
  'StorageBlocked',
  'SessionHeldElsewhere',
  'TurnRunning',
  'ProviderRateLimited',
  'ProviderUnavailable',
  'ProviderStreamInterrupted',
  'ProviderStreamInvalid',
  'ProviderEmptyResponse',
  'WorkerLost',
  'WorkerUnresponsive',
]);

/**
 * The one error class of the package. Recognise it with {@link isLashError} and by its `code`, never by `instanceof`:
 * errors cross the worker boundary, and a page may hold two copies of the package.
 */
export class LashError<Code extends LashErrorCode = LashErrorCode> extends Error {
  override readonly name = 'LashError';
  /** Marks errors of this package across copies and threads. */
  readonly lash = 1;
  readonly code: Code;
  readonly data: LashErrorData[Code];
  /** Whether the same call may succeed when it is simply made again. */
  readonly retryable: boolean;

  constructor(code: Code, message: string, data: LashErrorData[Code], options: LashErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.data = data;
    this.retryable = options.retryable ?? RETRYABLE.has(code);
  }
}

/** Whether `value` is an error of this package, and of the given code if there is one. */
export function isLashError<Code extends LashErrorCode = LashErrorCode>(
  value: unknown,
  code?: Code,
): value is LashError<Code> {
  if (!(value instanceof Error) || !('lash' in value) || value.lash !== 1 || !('code' in value)) return false;
  return code === undefined || value.code === code;
}

/** `value` itself if it is an error of this package, else an `Internal` error with `value` as its cause. */
export function toLashError(value: unknown): LashError {
  if (isLashError(value)) return value;
  return new LashError('Internal', reasonText(value), {}, { cause: value });
}

/** What was thrown, or what a signal was aborted with, in words: anything at all may be. */
export function reasonText(reason: unknown): string {
  if (reason instanceof Error) return reason.message;
  return typeof reason === 'object' && reason !== null ? 'an object that is no error' : String(reason);
}

/** An error as plain data without a stack, for pure code whose results must be the same on every run. */
export function describeError<Code extends LashErrorCode>(
  code: Code,
  message: string,
  data: LashErrorData[Code],
): WireError {
  return { lash: 1, code, message, retryable: RETRYABLE.has(code), data };
}

/** `error` as plain data. Causes are kept, at most eight deep. */
export function toWireError(error: unknown): WireError {
  return encode(toLashError(error), MAX_CAUSES);
}

/** The error that `wire` describes, with its code, data and causes. */
export function fromWireError(wire: WireError): LashError {
  const cause = wire.cause === undefined ? undefined : decodeCause(wire.cause);
  const error = new LashError(wire.code, wire.message, wire.data, {
    retryable: wire.retryable,
    ...(cause === undefined ? {} : { cause }),
  });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function encode(error: LashError, causes: number): WireError {
  const cause = encodeCause(error.cause, causes);
  return {
    lash: 1,
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    data: error.data,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(cause === undefined ? {} : { cause }),
  };
}

function encodeCause(cause: unknown, causes: number): WireError['cause'] {
  if (cause === undefined || causes === 0) return undefined;
  if (isLashError(cause)) return encode(cause, causes - 1);
  if (cause instanceof Error) return { name: cause.name, message: cause.message };
  return { name: 'Error', message: reasonText(cause) };
}

function decodeCause(cause: NonNullable<WireError['cause']>): Error {
  if ('lash' in cause) return fromWireError(cause);
  const error = new Error(cause.message);
  error.name = cause.name;
  return error;
}

/** A module that is loaded when it is needed, and could not be: another attempt may load it. */
export function moduleLoadFailed(module: string, cause: unknown): LashError {
  const message = `The module ${module} could not be loaded: this page is offline, or a deployment removed the file. Try again; if that is of no use, in a new worker.`;
  return new LashError('ModuleLoadFailed', message, { module }, { cause, retryable: true });
}
