import type { BrowserCommand } from 'vitest/node';

import type { McpKind } from '../plugins/mcp-kinds.ts';
import type { McpTestServer } from '../plugins/mcp-test-server.ts';

/** By the engine whose tests they serve: several may run at a time. */
const servers = new Map<string, Set<Promise<McpTestServer>>>();

async function start(kind: McpKind): Promise<McpTestServer> {
  const { McpTestServer: Server } = await import('../plugins/mcp-test-server.ts');
  return await Server.start(kind);
}

/** For tests in a page: the address of an MCP server of its own. */
export const mcpServerUrl: BrowserCommand<[kind: McpKind]> = async ({ project }, kind): Promise<string> => {
  const server = start(kind);
  servers.set(project.name, (servers.get(project.name) ?? new Set()).add(server));
  return (await server).url;
};

/** For tests in a page: stops what serves them. */
export const stopMcpServers: BrowserCommand = async ({ project }): Promise<void> => {
  const started = [...(servers.get(project.name) ?? [])];
  servers.delete(project.name);
  await Promise.all(started.map(async (server) => await (await server).stop()));
};
