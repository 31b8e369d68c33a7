import { definePlugin, type Plugin } from '../contract/plugin.ts';
import { LashError } from '../core/error.ts';
import type { JsonValue } from '../core/json.ts';
import { serverFailure } from './internal/mcp-failure.ts';
import { McpLink, type McpServerStatus } from './internal/mcp-link.ts';
import { refuseSamePrefix } from './internal/mcp-names.ts';
import { type McpClientInfo, type McpServer, serverSettings } from './internal/mcp-server.ts';
import { orAborted } from './internal/mcp-wait.ts';

export type { McpProblemCode } from './internal/mcp-failure.ts';
export type { McpServerStatus } from './internal/mcp-link.ts';
export type { LeftOutTool } from './internal/mcp-listing.ts';
export type { McpCall, McpClientInfo, McpHeaders, McpServer } from './internal/mcp-server.ts';

/** Options of {@link mcpServers}. */
export interface McpOptions {
  /** The servers that are attached from the beginning, by name. */
  readonly servers?: Readonly<Record<string, McpServer>>;
  /** Who the servers are told is calling. Default: `lash-web`. */
  readonly client?: McpClientInfo;
  /** Is told of each change of a server's status; what it throws is dropped. */
  readonly onStatus?: (status: McpServerStatus) => void;
}

/**
 * Servers of the Model Context Protocol, and the plugin that brings their tools into the sessions of an environment.
 *
 * - MC1 All sessions share one connection to each server. It is made when the first model call of a session needs it, to all
 *   servers at the same time, and ends with the last session. A model call waits for a server of which nothing is known yet; not for
 *   one that failed: that is tried again with a later model call, after 1 second and then after twice as long, up to a minute.
 * - MC2 A server that is absent, slow, or does not speak the protocol has no tools and harms no other: the turns go on, and
 *   `status` says why. So it is without the package `@modelcontextprotocol/client` (`ModuleLoadFailed`).
 * - MC3 The tool `Look-Up` of the server `docs` is `mcp__docs__look_up`: in lower case, with one `_` for all between letters and
 *   digits, at most 64 characters. Names that would be the same end in `_2`, `_3` and so on, in the server's order.
 * - MC4 A model is told the server's schema as it is; a call's arguments are checked against it before it runs. A tool whose
 *   schema cannot be used is left out, and `status` says so. Long descriptions are cut.
 * - MC5 A result is the server's structured content, or else its text. Images and other bytes become attachments; an image of a
 *   type that models are not shown, or that is none, is an attachment of bytes.
 * - MC6 A call that fails is `ToolFailed`, with `{ server, tool, code }` as its data: {@link McpProblemCode}. What may have
 *   happened is `retryable` for tools alone whose `replay` is safe.
 * - MC7 An answer is cut off, while it comes, at `maxResultBytes`. A turn that is stopped, and a server that is detached, end what is
 *   under way.
 * - MC8 What is attached, detached, or changed by a server that tells of it holds from the next model call on, also in sessions
 *   that are open.
 */
export interface McpServers {
  /** For the environment's `PluginHost`. Its action `status` answers pages with what {@link McpServers.status} does. */
  readonly plugin: Plugin;
  /**
   * Attaches a further server. Where a session is open it is connected to at once: resolves with how that went. @throws
   * `InvalidInput` for a name that is taken or cannot be one, and an address or limit that cannot be used
   */
  attach(name: string, server: McpServer): Promise<McpServerStatus>;
  /** Detaches a server, if there is one of this name. Resolves when its connection has ended. */
  detach(name: string): Promise<void>;
  /** How each server is doing, in the order in which they were attached. */
  status(): readonly McpServerStatus[];
}

/** Longer than any server may take to start: the hook that waits for them does not run out of time. */
const HOOK_MS = 120_000;

/**
 * A plugin that brings the tools of MCP servers, over streamable HTTP, through the official client: the optional peer dependency
 * `@modelcontextprotocol/client`, which is loaded with the first connection.
 *
 * @throws `InvalidInput`, as `attach`
 */
export function mcpServers(options: McpOptions = {}): McpServers {
  const { servers = {}, client = { name: 'lash-web', version: '0' }, onStatus } = options;
  const links = new Map<string, McpLink>();
  let sessions = 0;
  const tell = (status: McpServerStatus): void => {
    try {
      onStatus?.(status);
    } catch {
      // It is the host's, and nobody waits for it.
    }
  };
  const add = (name: string, server: McpServer): McpLink => {
    const settings = serverSettings(name, server);
    refuseSamePrefix(name, [...links.keys()]);
    const link = new McpLink(settings, { client, tell });
    links.set(name, link);
    return link;
  };
  const status = (): readonly McpServerStatus[] => [...links.values()].map((link) => link.status);
  for (const [name, server] of Object.entries(servers)) add(name, server);
  const plugin = definePlugin({
    id: 'mcp',
    version: 0,
    timeoutMs: HOOK_MS,
    build: () => {
      sessions += 1;
      return {
        tools: () => [...links.values()].flatMap(({ tools }) => tools),
        prepareTools: async ({ signal }) => {
          await orAborted(Promise.all([...links.values()].map(async (link) => await link.ready())), signal);
        },
        // It is data, whatever an interface is to the compiler.
        actions: { status: { run: () => status() as unknown as JsonValue } },
        dispose: () => {
          sessions -= 1;
          if (sessions > 0) return;
          const reason = new LashError('Cancelled', 'The last session was closed', { reason: 'closed' });
          for (const link of links.values()) void link.close(reason);
        },
      };
    },
  });
  return Object.freeze({
    plugin,
    attach: async (name: string, server: McpServer) => {
      const link = add(name, server);
      if (sessions > 0) await link.ready();
      return link.status;
    },
    detach: async (name: string) => {
      const link = links.get(name);
      links.delete(name);
      await link?.detach(serverFailure(name, 'mcp_gone', 'was detached', { class: 'unavailable' }));
    },
    status,
  });
}
