import type { JsonObject } from './json.ts';

/** A tool as a model sees it, and as a page offers it. `inputSchema` is JSON Schema (draft 2020-12 or 7). */
export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}
