import type { Tool } from '../../contract/tool.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ListedTool } from './mcp-listing.ts';
import type { ServerSettings } from './mcp-server.ts';

/** A tool of a server as the engine sees tools. */
export function mcpTool(
  listed: ListedTool,
  { approval = false, replay }: ServerSettings,
  name: string,
  execute: Tool['execute'],
): Tool {
  const { name: tool, description, inputSchema, check, readOnly, idempotent } = listed;
  return Object.freeze({
    name,
    description,
    inputSchema,
    replay: replay ?? (readOnly || idempotent ? 'safe' : 'never'),
    approval:
      typeof approval === 'boolean'
        ? approval
        : (args: unknown) => approval({ tool, args: args as JsonObject, readOnly }),
    check,
    execute,
  });
}
