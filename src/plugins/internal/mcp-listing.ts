import { schemaCheck } from '../../contract/schema-check.ts';
import type { Tool } from '../../contract/tool.ts';
import { cutText } from '../../core/cut-text.ts';
import { isLashError, reasonText } from '../../core/error.ts';
import { findNonJson, type JsonObject } from '../../core/json.ts';
import { serverFailure } from './mcp-failure.ts';
import type { ServerSettings } from './mcp-server.ts';

/** A tool as a server lists it. */
export interface ListedTool {
  /** As the server calls it. */
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly check: Tool['check'];
  /** What the server says of it. */
  readonly readOnly: boolean;
  readonly idempotent: boolean;
}

/** A tool that is not used, and why. */
export interface LeftOutTool {
  readonly tool: string;
  readonly reason: string;
}

/** What a server lists, as far as it can be used. */
export interface Listing {
  readonly tools: readonly ListedTool[];
  readonly leftOut: readonly LeftOutTool[];
}

const MAX_TOOLS = 1000;
const MAX_PAGES = 100;
const MAX_NAME = 256;
const MAX_DESCRIPTION = 8192;
/** Of a schema, as JSON: the model is told all of it with each call. */
const MAX_SCHEMA = 65_536;

/**
 * All that a server lists. A tool that cannot be used is left out: its arguments could not be checked, and a provider may refuse
 * a request for one schema.
 *
 * @throws `ToolFailed`, which names the server; what `page` throws
 */
export async function readListing(
  { name: server, tools: wanted }: ServerSettings,
  page: (cursor: string | undefined) => Promise<unknown>,
): Promise<Listing> {
  const tools: ListedTool[] = [];
  const leftOut: LeftOutTool[] = [];
  const names = new Set<string>();
  let cursor: string | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const answer = await page(cursor);
    if (!isFields(answer) || !Array.isArray(answer['tools']))
      throw serverFailure(server, 'mcp_protocol_error', 'listed no tools', { class: 'external' });
    for (const listed of answer['tools'] as readonly unknown[]) {
      if (names.size === MAX_TOOLS) return { tools, leftOut: [...leftOut, tooMany()] };
      const tool = nameOf(listed);
      if (names.has(tool) || wanted?.includes(tool) === false) continue;
      names.add(tool);
      const read = await readTool(tool, listed);
      if (typeof read === 'string') leftOut.push({ tool: cutText(tool, MAX_NAME), reason: read });
      else tools.push(read);
    }
    const next = answer['nextCursor'];
    if (typeof next !== 'string' || next === '') {
      const missing = wanted?.filter((tool) => !names.has(tool)) ?? [];
      const reason = 'the server does not have it';
      return { tools, leftOut: [...leftOut, ...missing.map((tool) => ({ tool, reason }))] };
    }
    cursor = next;
  }
  return { tools, leftOut: [...leftOut, tooMany()] };
}

function tooMany(): LeftOutTool {
  return { tool: '*', reason: `only ${MAX_TOOLS} tools, on ${MAX_PAGES} pages, are read` };
}

function nameOf(listed: unknown): string {
  return isFields(listed) && typeof listed['name'] === 'string' ? listed['name'] : '';
}

/** The tool, or why it is left out. */
async function readTool(name: string, listed: unknown): Promise<ListedTool | string> {
  if (!isFields(listed) || name === '') return 'it has no name';
  if (name.length > MAX_NAME) return `its name has more than ${MAX_NAME} characters`;
  const { description, title, inputSchema, annotations } = listed;
  if (!isSchema(inputSchema)) return 'its schema is not that of an object';
  if (JSON.stringify(inputSchema).length > MAX_SCHEMA)
    return `its schema has more than ${MAX_SCHEMA} characters`;
  const hints = isFields(annotations) ? annotations : {};
  const said = [description, title].find((text) => typeof text === 'string' && text !== '');
  try {
    return {
      name,
      description: cutText(typeof said === 'string' ? said : name, MAX_DESCRIPTION),
      inputSchema,
      check: await schemaCheck(inputSchema, `${name}.inputSchema`),
      readOnly: hints['readOnlyHint'] === true,
      idempotent: hints['idempotentHint'] === true,
    };
  } catch (error) {
    if (isLashError(error, 'InvalidInput')) return `its schema cannot be used: ${reasonText(error.cause)}`;
    throw error;
  }
}

function isSchema(value: unknown): value is JsonObject {
  return isFields(value) && value['type'] === 'object' && findNonJson(value) === undefined;
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
