import { expect, onTestFinished } from 'vitest';

import { systemClock } from '../../src/contract/clock.ts';
import { PluginHost } from '../../src/contract/plugin-host.ts';
import type { JsonValue } from '../../src/core/json.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import { type McpOptions, type McpServer, type McpServers, mcpServers } from '../../src/plugins/mcp.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { memoryEnvironment, openWith } from '../runtime/support.ts';
import type { McpKind } from './mcp-kinds.ts';
import { McpTestServer } from './mcp-test-server.ts';
import { obedient } from './obedient.ts';

/** A session whose tools are those of MCP servers. */
export class McpSession {
  readonly mcp: McpServers;
  readonly runtime: LashRuntime;
  readonly #requests: readonly ModelRequest[];

  private constructor(mcp: McpServers, runtime: LashRuntime, requests: readonly ModelRequest[]) {
    this.mcp = mcp;
    this.runtime = runtime;
    this.#requests = requests;
  }

  /** It is closed when the test is over. */
  static async open(
    options: McpOptions | McpServers,
    more: Partial<RuntimeOptions> = {},
  ): Promise<McpSession> {
    const mcp = 'plugin' in options ? options : mcpServers(options);
    const environment = memoryEnvironment((builder) => builder.withPluginHost(new PluginHost([mcp.plugin])));
    const provider = obedient();
    const { runtime } = await openWith(provider, { environment, clock: systemClock, ...more });
    onTestFinished(async () => await runtime.close());
    return new McpSession(mcp, runtime, provider.requests);
  }

  /** The tools that the model was offered last. */
  get offered(): readonly string[] {
    return (this.#requests.at(-1)?.tools ?? []).map(({ name }) => name);
  }

  /** The last request. */
  get request(): ModelRequest | undefined {
    return this.#requests.at(-1);
  }

  /** Runs a turn in which the model only talks, and gives back what it was offered. */
  async talk(): Promise<readonly string[]> {
    expect(await this.runtime.turn('null').result).toMatchObject({ status: 'completed' });
    return this.offered;
  }

  /** Runs a turn in which the model calls a tool and then answers, and gives back the outcome of the call. */
  async call(tool: string, args: JsonValue = {}): Promise<ToolOutcome> {
    expect(await this.begin(tool, args).result).toMatchObject({ status: 'completed' });
    return this.outcome();
  }

  /** Begins a turn in which the model calls a tool. */
  begin(tool: string, args: JsonValue = {}): ReturnType<LashRuntime['turn']> {
    return this.runtime.turn(JSON.stringify({ tool, args }));
  }

  /** The outcome of the last call. */
  outcome(): ToolOutcome {
    const outcomes = this.runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));
    const last = outcomes.at(-1);
    if (last === undefined) throw new Error('no tool was called');
    return last;
  }
}

/** A server that is stopped when the test is over. */
export async function startServer(kind: McpKind = 'whole', port = 0): Promise<McpTestServer> {
  const server = await McpTestServer.start(kind, port);
  onTestFinished(async () => await server.stop().catch(() => undefined));
  return server;
}

/** A session with one server of this kind, called `s`. */
export async function openServer(
  kind: McpKind = 'whole',
  more: Partial<McpServer> = {},
): Promise<{ readonly server: McpTestServer; readonly session: McpSession }> {
  const server = await startServer(kind);
  const session = await McpSession.open({ servers: { s: { url: server.url, ...more } } });
  return { server, session };
}

/** The server started again, at the same address, without what it knew. */
export async function restart(server: McpTestServer, kind: McpKind = 'whole'): Promise<McpTestServer> {
  await server.stop();
  const next = await startServer(kind, server.port);
  // A moment in which this side hears that its connections were closed: Node would send a request into one of them.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return next;
}
