import { cutText } from '../../core/cut-text.ts';
import { isLashError, type LashError, reasonText } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { toolFailure, type ToolFailureClass } from '../../core/tool-failure.ts';

/** What went wrong with a server, as a stable name: `data.code` of a failed call. */
export type McpProblemCode =
  /** The tool ran and says that it failed. */
  | 'mcp_tool_error'
  /** There was no answer: no network, no server, or one that does not allow this page (CORS). */
  | 'mcp_unreachable'
  | 'mcp_timeout'
  /** The server refused the request; `data.status` is that of HTTP. */
  | 'mcp_http_error'
  /** The server refused the call, or said something that is not the protocol. */
  | 'mcp_protocol_error'
  | 'mcp_result_too_large'
  /** The host's own function of headers failed. */
  | 'mcp_headers_failed'
  /** The server was detached, or has the tool no more. */
  | 'mcp_gone';

interface FailureOptions {
  readonly class: ToolFailureClass;
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** More of `data`. */
  readonly more?: JsonObject;
}

/** How much of what a server says of an error is passed on, in characters. */
const MAX_WORDS = 2000;

/** A failure that names the server, as calls throw it. */
export function serverFailure(
  server: string,
  code: McpProblemCode,
  words: string,
  { class: kind, retryable = false, cause, more = {} }: FailureOptions,
): LashError<'ToolFailed'> {
  return toolFailure(`The MCP server ${server} ${words}`, {
    class: kind,
    retryable,
    ...(cause === undefined ? {} : { cause }),
    data: { server, code, ...more },
  });
}

/** The server did not do in time what it was asked to. */
export function lateFailure(server: string, what: string, ms: number): LashError<'ToolFailed'> {
  return serverFailure(server, 'mcp_timeout', `did not ${what} within ${ms} ms`, { class: 'timeout' });
}

/** The failure of a call of `tool`. `retryable` says whether the same call may be made again where nobody knows what it did. */
export function ofTool(error: LashError, tool: string, retryable: boolean): LashError {
  if (!isLashError(error, 'ToolFailed')) return error;
  const { class: kind, data } = error.data;
  const unknown = kind === 'timeout' || isUnreached(error);
  return toolFailure(error.message, {
    ...(kind === undefined ? {} : { class: kind as ToolFailureClass }),
    retryable: unknown ? retryable : error.retryable,
    data: { ...(data as JsonObject), tool },
    cause: error.cause,
  });
}

/** The code of a problem: of this plugin, or of the package. */
export function problemCode(error: LashError): string {
  const data = isLashError(error, 'ToolFailed') ? (error.data.data as JsonObject | undefined) : undefined;
  return typeof data?.['code'] === 'string' ? data['code'] : error.code;
}

/** Whether nobody answered. */
export function isUnreached(error: unknown): boolean {
  return isLashError(error) && problemCode(error) === 'mcp_unreachable';
}

/** The HTTP status that a request was refused with, if that is what went wrong. */
export function statusOf(error: unknown): number | undefined {
  for (const at of causesOf(error)) {
    const data = 'data' in at ? (at.data as { readonly status?: unknown } | undefined) : undefined;
    if (typeof data?.status === 'number') return data.status;
  }
  return undefined;
}

/** An error and what caused it, at most eight deep. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < 8; at = at.cause) causes.push(at);
  return causes;
}

/** What the official client, or `fetch`, threw as a failure that names the server. */
export function toServerFailure(thrown: unknown, server: string): LashError {
  // The official client wraps what is thrown within its requests.
  const own = causesOf(thrown).find((cause) => isLashError(cause));
  if (own !== undefined) return own;
  const status = statusOf(thrown);
  const said = cutText(reasonText(thrown), MAX_WORDS);
  if (status !== undefined) {
    const isDenied = status === 401 || status === 403;
    return serverFailure(server, 'mcp_http_error', `refused the request with HTTP ${status}: ${said}`, {
      class: isDenied ? 'permission-denied' : 'external',
      retryable: status === 429 || status >= 500,
      cause: thrown,
      more: { status },
    });
  }
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const isOfCall = typeof code === 'number';
  return serverFailure(
    server,
    'mcp_protocol_error',
    isOfCall ? `refused the call (${code}): ${said}` : `said something that cannot be used: ${said}`,
    {
      class: code === INVALID_PARAMS ? 'invalid-request' : 'external',
      cause: thrown,
      ...(isOfCall ? { more: { rpcCode: code } } : {}),
    },
  );
}

/** Nobody answered. A browser does not say why. */
export function unreachable(server: string, cause: unknown): LashError {
  const words =
    'did not answer: it is not there, this page is offline, or it does not allow this page (CORS)';
  return serverFailure(server, 'mcp_unreachable', words, { class: 'external', retryable: true, cause });
}

const INVALID_PARAMS = -32_602;
