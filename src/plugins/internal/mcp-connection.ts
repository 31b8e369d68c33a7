import type * as OfficialModule from '@modelcontextprotocol/client';
import type { Client, StandardSchemaV1, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

import { loadModule } from '../../contract/load-module.ts';
import { LashError, reasonText } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { isUnreached, serverFailure, statusOf, toServerFailure } from './mcp-failure.ts';
import { McpFetch } from './mcp-fetch.ts';
import type { McpClientInfo, ServerSettings } from './mcp-server.ts';
import { orAborted } from './mcp-wait.ts';

/** What a connection is opened for. */
export interface ConnectionHost {
  readonly client: McpClientInfo;
  /** The server says that its tools have changed. */
  changed(): void;
  /** The connection is of no use any more. */
  lost(error: LashError): void;
}

/** What is asked of a server. What it answers is not looked at here. */
interface Asked {
  readonly method: 'tools/list' | 'tools/call';
  readonly params: JsonObject;
}

/** How long a server is waited for that is told goodbye. */
const GOODBYE_MS = 2000;

/** A connection to one server, through the official client. Its methods throw failures that name the server. */
export class McpConnection {
  readonly #name: string;
  readonly #client: Client;
  readonly #transport: StreamableHTTPClientTransport;
  readonly #fetch: McpFetch;

  constructor(name: string, client: Client, transport: StreamableHTTPClientTransport, fetch: McpFetch) {
    this.#name = name;
    this.#client = client;
    this.#transport = transport;
    this.#fetch = fetch;
  }

  /** One page of the server's tools, as it says. */
  async list(cursor: string | undefined, signal: AbortSignal): Promise<unknown> {
    // What has no tools need not know the question.
    if (this.#client.getServerCapabilities()?.tools === undefined) return { tools: [] };
    return await this.#ask({ method: 'tools/list', params: cursor === undefined ? {} : { cursor } }, signal);
  }

  /** What the server answers to a call, as it says. */
  async call(tool: string, args: JsonObject, signal: AbortSignal): Promise<unknown> {
    return await this.#ask({ method: 'tools/call', params: { name: tool, arguments: args } }, signal);
  }

  /** Whether a request was refused since the server does not know this connection, as after a restart: it did nothing. */
  isForgotten(error: unknown): boolean {
    const status = statusOf(error);
    return this.#transport.sessionId !== undefined && (status === 404 || status === 400);
  }

  /** Ends it; the server is told so, if it listens. Never rejects. */
  async close(): Promise<void> {
    try {
      await orAborted(this.#transport.terminateSession(), AbortSignal.timeout(GOODBYE_MS));
    } catch {
      // It is gone, or does not care.
    }
    await this.#client.close().catch(() => undefined);
  }

  async #ask(asked: Asked, signal: AbortSignal): Promise<unknown> {
    try {
      return await this.#fetch.call(
        signal,
        // Times are kept here, and once.
        async (options) => await this.#client.request(asked, WHATEVER, { ...options, timeout: NEVER_MS }),
      );
    } catch (error) {
      throw signal.aborted ? signal.reason : toServerFailure(error, this.#name);
    }
  }
}

/**
 * Connects to a server; the official client is loaded with the first one.
 *
 * @throws `ModuleLoadFailed`; `ToolFailed`, which names the server; the signal's reason
 */
export async function openConnection(
  settings: ServerSettings,
  host: ConnectionHost,
  signal: AbortSignal,
): Promise<McpConnection> {
  const official = await loadClient();
  try {
    return await connect(official, 'auto', settings, host, signal);
  } catch (error) {
    if (signal.aborted || !isUnreached(error)) throw error;
    // An older server may allow a page only those headers that it knows, and a browser does not tell that from no answer.
    return await connect(official, 'legacy', settings, host, signal);
  }
}

type Official = typeof OfficialModule;

/** `auto` speaks the revision of July 2026 with a server that knows it; `legacy` does not ask. */
async function connect(
  official: Official,
  mode: 'auto' | 'legacy',
  settings: ServerSettings,
  host: ConnectionHost,
  signal: AbortSignal,
): Promise<McpConnection> {
  const over = new AbortController();
  let isOpen = false;
  let unreached: LashError | null = null;
  const fetch = new McpFetch(settings, {
    unreached: (error) => {
      unreached = error;
      if (isOpen) host.lost(error);
    },
    tooLong: (error) => {
      over.abort(error);
      if (isOpen) host.lost(error);
    },
  });
  const transport = new official.StreamableHTTPClientTransport(new URL(settings.url), { fetch: fetch.fetch });
  const client = new official.Client(host.client, {
    versionNegotiation: { mode },
    listChanged: { tools: { autoRefresh: false, onChanged: () => host.changed() } },
  });
  // Whoever made a request is told how it ends.
  client.onerror = () => undefined;
  const either = AbortSignal.any([signal, over.signal]);
  try {
    await orAborted(client.connect(transport, { signal: either, timeout: NEVER_MS }), either);
    either.throwIfAborted();
    isOpen = true;
    void client.autoOpenedSubscription?.closed.then((cause) => {
      if (cause !== 'local') host.lost(unheard(settings.name));
    });
    return new McpConnection(settings.name, client, transport, fetch);
  } catch (error) {
    await client.close().catch(() => undefined);
    if (either.aborted) throw either.reason;
    throw statusOf(error) === undefined && unreached !== null
      ? unreached
      : toServerFailure(error, settings.name);
  }
}

/** The stream ended on which a server of the revision of July 2026 tells that its tools have changed. */
function unheard(server: string): LashError {
  const words = 'ended the stream on which it tells of changes';
  return serverFailure(server, 'mcp_unreachable', words, { class: 'external', retryable: true });
}

/** Longer than anything takes. */
const NEVER_MS = 2 ** 31 - 1;

/** Takes what comes. The official client would refuse all tools where one of them is not as it should be. */
const WHATEVER: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'lash-web', validate: (value) => ({ value }) },
};

const CLIENT = '@modelcontextprotocol/client';

async function loadClient(): Promise<Official> {
  try {
    return await loadModule('mcp-client', import('@modelcontextprotocol/client'));
  } catch (cause) {
    const words = `MCP servers need the package ${CLIENT}, version 2: is it installed? ${reasonText(cause)}`;
    throw new LashError('ModuleLoadFailed', words, { module: CLIENT }, { cause, retryable: true });
  }
}
