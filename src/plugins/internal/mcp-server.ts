import { LashError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';

/** Who the servers are told is calling. */
export interface McpClientInfo {
  readonly name: string;
  readonly version: string;
}

/** Headers of HTTP by name. */
export type McpHeaders = Readonly<Record<string, string>>;

/** A call that somebody may have to approve. */
export interface McpCall {
  /** The tool, as the server calls it. */
  readonly tool: string;
  readonly args: JsonObject;
  /** Whether the server says that the tool changes nothing. It may lie. */
  readonly readOnly: boolean;
}

/** A server of the Model Context Protocol, and how far it is trusted. Times are milliseconds. */
export interface McpServer {
  /** Where it speaks streamable HTTP: an absolute address, `http` or `https`, without a name and a password. */
  readonly url: string;
  /** Sent with each request. A function is asked before each one, so that a new secret is used at once. */
  readonly headers?: McpHeaders | (() => McpHeaders | Promise<McpHeaders>);
  /** How long it may take to connect and to list the tools. Default 10,000, at most 60,000. */
  readonly startupTimeoutMs?: number;
  /** How long a call may take. Default 60,000. */
  readonly callTimeoutMs?: number;
  /** How long one answer may be, in bytes: what is longer is cut off while it comes. Default 8 MiB. */
  readonly maxResultBytes?: number;
  /** The tools that are used, as the server calls them. Default: all. */
  readonly tools?: readonly string[];
  /** Whether a call needs somebody's approval. Default: no. A function that throws asks. */
  readonly approval?: boolean | ((call: McpCall) => boolean | Promise<boolean>);
  /**
   * What may be done about calls whose outcome is unknown after a crash. Default: `safe` for tools of which the server says that
   * they only read, or do the same when they are called again; `never` for all others.
   */
  readonly replay?: 'safe' | 'never';
}

/** A server with all that was left to the defaults. */
export interface ServerSettings extends McpServer {
  readonly name: string;
  readonly startupTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly maxResultBytes: number;
}

const MAX_STARTUP_MS = 60_000;
/** What a timer takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A server under its name, checked. @throws `InvalidInput` */
export function serverSettings(name: string, server: McpServer): ServerSettings {
  const { url, startupTimeoutMs = 10_000, callTimeoutMs = 60_000, maxResultBytes = 8 * 2 ** 20 } = server;
  const refuse = (field: string, reason: string): never => {
    const path = `servers.${name}${field}`;
    throw new LashError('InvalidInput', `The MCP server ${JSON.stringify(name)} ${reason}`, { path, reason });
  };
  if (name === '' || name.includes('__')) refuse('', 'needs a name that is not empty and has no __');
  const { protocol, username, password } = parsed(url) ?? {};
  if (protocol !== 'http:' && protocol !== 'https:')
    refuse('.url', 'needs an absolute address, http or https');
  if (username !== '' || password !== '')
    refuse('.url', 'has a name or a password in its address: send a header');
  if (!isWhole(startupTimeoutMs, MAX_STARTUP_MS)) refuse('.startupTimeoutMs', 'starts in 1 to 60,000 ms');
  if (!isWhole(callTimeoutMs, MAX_TIMER_MS)) refuse('.callTimeoutMs', 'has a time that no timer takes');
  if (!isWhole(maxResultBytes, Number.MAX_SAFE_INTEGER))
    refuse('.maxResultBytes', 'needs a whole number of bytes');
  return Object.freeze({ ...server, name, startupTimeoutMs, callTimeoutMs, maxResultBytes });
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function isWhole(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= max;
}
