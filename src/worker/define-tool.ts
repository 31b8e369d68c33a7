import * as z from 'zod/mini';

import { loadModule } from '../contract/load-module.ts';
import type { ArgumentCheck, Tool, ToolContext, ToolReturn } from '../contract/tool.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { present } from './present.ts';
import { checkToolName } from './tool-name.ts';

/** A tool as a host writes it down. */
export interface ToolDefinition<Schema extends z.core.$ZodType> {
  /** 1 to 64 letters, digits, `_` and `-`: what every model provider takes. */
  readonly name: string;
  /** Tells the model what the tool does and when to use it. */
  readonly description: string;
  /**
   * An object schema of `zod` or `zod/mini`. (A schema of the full `zod` looks whether it may use `eval` unless
   * `z.config({ jitless: true })` came first; under a content security policy that look is reported.)
   */
  readonly input: Schema;
  /**
   * What may be done about a call that was started and whose outcome nobody knows, after a crash: `safe` runs it again,
   * `never` (default) tells the model that its outcome is unknown (law TU3).
   */
  readonly replay?: 'safe' | 'never';
  /** `serial`: no other call of the step runs at the same time. Default: `parallel`. */
  readonly mode?: 'parallel' | 'serial';
  /** How long a call may take, in milliseconds; no limit where it is absent. */
  readonly timeoutMs?: number;
  /** Whether somebody has to approve a call before it runs: `session.answer`. Default: no. A function that throws asks. */
  readonly approval?: boolean | ((args: z.output<Schema>) => boolean | Promise<boolean>);
  /**
   * Runs the tool. It must resolve with JSON data, or with that and attachments: `toolResult`. What it throws is told to the
   * model (rule TL2); `toolFailure` makes an error that says more than a message.
   */
  execute(args: z.output<Schema>, context: ToolContext): ToolReturn | Promise<ToolReturn>;
}

/**
 * A tool whose arguments are checked by its schema before it runs (law TU9): `execute` gets what the schema makes of
 * them, with defaults and transformations.
 *
 * @throws `InvalidInput` for a name that providers do not take. A schema that is not an object or has no JSON Schema is
 *   `InvalidInput` when the worker is connected to, or else at the first model call.
 */
export function defineTool<Schema extends z.core.$ZodType>(definition: ToolDefinition<Schema>): Tool {
  const { name, description, input, replay, mode, timeoutMs, approval } = definition;
  let schema: JsonObject | undefined;
  return Object.freeze({
    name: checkToolName(name, 'name'),
    description,
    ...present({ replay, mode, timeoutMs }),
    ...(approval === undefined ? {} : { approval: approval as NonNullable<Tool['approval']> }),
    inputSchema: async () => (schema ??= await loadJsonSchema(name, input)),
    check: async (args: JsonValue): Promise<ArgumentCheck> => {
      const parsed = await z.safeParseAsync(input, args);
      if (parsed.success) return { ok: true, value: parsed.data };
      const { firstProblem } = await loadModule('problem', import('./problem.ts'));
      return { ok: false, ...firstProblem(parsed.error) };
    },
    execute: (args: unknown, context: ToolContext) => definition.execute(args as z.output<Schema>, context),
  });
}

async function loadJsonSchema(name: string, input: z.core.$ZodType): Promise<JsonObject> {
  const { jsonSchemaOf } = await loadModule('zod-json-schema', import('./zod-json-schema.ts'));
  return jsonSchemaOf(name, input);
}
