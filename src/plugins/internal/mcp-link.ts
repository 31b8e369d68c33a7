import type { Tool, ToolContext, ToolReturn } from '../../contract/tool.ts';
import { type LashError, toLashError } from '../../core/error.ts';
import type { JsonObject } from '../../core/json.ts';
import { type McpConnection, openConnection } from './mcp-connection.ts';
import { lateFailure, ofTool, problemCode, serverFailure, toServerFailure } from './mcp-failure.ts';
import { type LeftOutTool, type Listing, readListing } from './mcp-listing.ts';
import { toolNames } from './mcp-names.ts';
import { readResult } from './mcp-result.ts';
import type { McpClientInfo, ServerSettings } from './mcp-server.ts';
import { mcpTool } from './mcp-tool.ts';
import { orAborted, within } from './mcp-wait.ts';

/** How a server is doing. */
export interface McpServerStatus {
  readonly server: string;
  /** `idle`: no session has needed it yet, or none is open. */
  readonly state: 'idle' | 'connecting' | 'connected' | 'failed';
  /** The names under which its tools are offered now. */
  readonly tools: readonly string[];
  /** Tools that cannot be used, as the server calls them, and why. */
  readonly leftOut: readonly LeftOutTool[];
  /** Why it is not connected. `code` is as in `data.code` of a failed call, or an error code of the package. */
  readonly problem: { readonly code: string; readonly message: string } | null;
}

/** What a link stands on. */
export interface LinkHost {
  readonly client: McpClientInfo;
  /** Is told of each change. */
  readonly tell: (status: McpServerStatus) => void;
}

const NO_TOOLS: Listing = { tools: [], leftOut: [] };
const FIRST_WAIT_MS = 1000;
const MAX_WAIT_MS = 60_000;

/** One server: its connection, which is made anew when it was lost, and its tools. */
export class McpLink {
  readonly #settings: ServerSettings;
  readonly #host: LinkHost;
  #state: McpServerStatus['state'] = 'idle';
  #problem: LashError | null = null;
  #connection: McpConnection | null = null;
  /** An attempt to connect, or to list the tools again. Never rejects. */
  #work: Promise<void> | null = null;
  #isStale = false;
  /** Attempts that failed, since one did not. */
  #failures = 0;
  #retryAt = 0;
  #listing = NO_TOOLS;
  #tools: readonly Tool[] = [];
  /** Ends all that is under way. */
  #stop = new AbortController();
  #isDetached = false;

  constructor(settings: ServerSettings, host: LinkHost) {
    this.#settings = settings;
    this.#host = host;
  }

  get tools(): readonly Tool[] {
    return this.#tools;
  }

  get status(): McpServerStatus {
    const { message } = this.#problem ?? {};
    return {
      server: this.#settings.name,
      state: this.#state,
      tools: this.#tools.map(({ name }) => name),
      leftOut: this.#listing.leftOut,
      problem:
        this.#problem === null || message === undefined
          ? null
          : { code: problemCode(this.#problem), message },
    };
  }

  /** Resolves when its tools are known, or it is one that failed before: nobody waits for that again. Never rejects. */
  async ready(): Promise<void> {
    if (this.#isDetached) return;
    if (this.#connection === null && this.#work === null && Date.now() >= this.#retryAt)
      this.#begin(() => this.#connect());
    if (this.#failures === 0) await this.#work;
  }

  /** As {@link close}, for good: a call that was about to be made is not made. */
  async detach(reason: LashError): Promise<void> {
    this.#isDetached = true;
    await this.close(reason);
  }

  /** Ends the connection, and what is under way with `reason`. It may be used again. */
  async close(reason: LashError): Promise<void> {
    const connection = this.#connection;
    this.#stop.abort(reason);
    this.#stop = new AbortController();
    this.#connection = null;
    this.#work = null;
    this.#isStale = false;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#problem = null;
    this.#take(NO_TOOLS);
    this.#to('idle');
    await connection?.close();
  }

  /** Does one thing after the other. */
  #begin(work: () => Promise<void>): void {
    const begun = work().finally(() => {
      if (this.#work !== begun) return;
      this.#work = null;
      const connection = this.#connection;
      if (this.#isStale && connection !== null) this.#begin(() => this.#list(connection));
    });
    this.#work = begun;
  }

  async #connect(): Promise<void> {
    const { signal } = this.#stop;
    const { name } = this.#settings;
    let connection: McpConnection | undefined;
    const host = {
      client: this.#host.client,
      changed: () => {
        if (connection !== undefined) this.#changed(connection);
      },
      lost: (error: LashError) => {
        if (connection !== undefined) this.#lost(connection, error);
      },
    };
    this.#to('connecting');
    try {
      const listing = await this.#startup('connect', async (either) => {
        const opened = await openConnection(this.#settings, host, either);
        connection = opened;
        return await readListing(this.#settings, async (cursor) => await opened.list(cursor, either));
      });
      signal.throwIfAborted();
      this.#connection = connection ?? null;
      this.#failures = 0;
      this.#problem = null;
      this.#take(listing);
      this.#to('connected');
    } catch (error) {
      void connection?.close();
      // It was closed meanwhile.
      if (signal.aborted) return;
      this.#failures += 1;
      this.#retryAt = Date.now() + Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), MAX_WAIT_MS);
      this.#problem = toServerFailure(error, name);
      this.#take(NO_TOOLS);
      this.#to('failed');
    }
  }

  /** Lists the tools again. */
  async #list(connection: McpConnection): Promise<void> {
    this.#isStale = false;
    try {
      const listing = await this.#startup(
        'list its tools',
        async (signal) =>
          await readListing(this.#settings, async (cursor) => await connection.list(cursor, signal)),
      );
      if (this.#connection !== connection) return;
      this.#take(listing);
      this.#to('connected');
    } catch (error) {
      this.#lost(connection, toLashError(error));
    }
  }

  async #startup<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { name, startupTimeoutMs: ms } = this.#settings;
    return await within(ms, () => lateFailure(name, what, ms), this.#stop.signal, work);
  }

  #changed(connection: McpConnection): void {
    this.#isStale = true;
    if (this.#work === null && this.#connection === connection) this.#begin(() => this.#list(connection));
  }

  /** The next one who needs the server connects to it anew. Until then its tools are those that it had. */
  #lost(connection: McpConnection, error: LashError): void {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#isStale = false;
    this.#problem = error;
    this.#to('failed');
    void connection.close();
  }

  #take(listing: Listing): void {
    const names = toolNames(
      this.#settings.name,
      listing.tools.map(({ name }) => name),
    );
    this.#listing = listing;
    this.#tools = listing.tools.map((listed, index) => {
      const tool = mcpTool(listed, this.#settings, names[index] ?? listed.name, async (args, context) => {
        return await this.#call(listed.name, args as JsonObject, tool.replay === 'safe', context);
      });
      return tool;
    });
  }

  async #call(tool: string, args: JsonObject, isSafe: boolean, context: ToolContext): Promise<ToolReturn> {
    const { name, callTimeoutMs: ms } = this.#settings;
    const { signal: stopped, attachmentStore } = context;
    const late = (): LashError => lateFailure(name, `answer to ${tool}`, ms);
    try {
      const both = AbortSignal.any([stopped, this.#stop.signal]);
      const answer = await within(ms, late, both, async (signal) => await this.#answer(tool, args, signal));
      return await readResult(answer, name, tool, attachmentStore);
    } catch (error) {
      throw stopped.aborted ? stopped.reason : ofTool(toServerFailure(error, name), tool, isSafe);
    }
  }

  /** What the server answers; it is asked again where it had forgotten this connection. */
  async #answer(tool: string, args: JsonObject, signal: AbortSignal): Promise<unknown> {
    const connection = await this.#connected(tool, signal);
    try {
      return await connection.call(tool, args, signal);
    } catch (error) {
      if (signal.aborted || !connection.isForgotten(error)) throw error;
      this.#lost(connection, toLashError(error));
      return await (await this.#connected(tool, signal)).call(tool, args, signal);
    }
  }

  /** The connection, made now if there is none, to a server that has the tool. */
  async #connected(tool: string, signal: AbortSignal): Promise<McpConnection> {
    if (this.#connection === null) await orAborted(this.ready(), signal);
    const connection = this.#connection;
    const { name } = this.#settings;
    if (connection === null)
      throw this.#problem ?? serverFailure(name, 'mcp_gone', 'is not connected', { class: 'unavailable' });
    if (!this.#listing.tools.some((listed) => listed.name === tool))
      throw serverFailure(name, 'mcp_gone', `has no tool ${tool} any more`, { class: 'unavailable' });
    return connection;
  }

  #to(state: McpServerStatus['state']): void {
    this.#state = state;
    this.#host.tell(this.status);
  }
}
