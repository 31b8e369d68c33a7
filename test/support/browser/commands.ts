import { commands } from 'vitest/browser';

import type { McpKind } from '../../plugins/mcp-kinds.ts';
import type { WireFault } from '../../providers/wires.ts';

declare module 'vitest/internal/browser' {
  interface BrowserCommands {
    backEnds(): Promise<string[]>;
    mcpServerUrl(kind: McpKind): Promise<string>;
    modelServerUrl(fault?: WireFault): Promise<string>;
    stopMcpServers(): Promise<void>;
    stopModelServer(): Promise<void>;
  }
}

/** What the browser's profile keeps databases in: `leveldb`, `sqlite`; empty where there is no profile to look into. */
export const backEnds = (): Promise<string[]> => commands.backEnds();

/** The address of a model server of its own, and what is wrong with its first answer. */
export const modelServerUrl = (fault?: WireFault): Promise<string> => commands.modelServerUrl(fault);

/** Stops all of them. */
export const stopModelServer = (): Promise<void> => commands.stopModelServer();

/** The address of an MCP server of its own. */
export const mcpServerUrl = (kind: McpKind): Promise<string> => commands.mcpServerUrl(kind);

/** Stops all of them. */
export const stopMcpServers = (): Promise<void> => commands.stopMcpServers();
