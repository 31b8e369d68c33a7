import * as z from 'zod/mini';

import { LashError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';

/** The JSON Schema of what a model may pass to the tool `name`. @throws `InvalidInput` if there is none */
export function jsonSchemaOf(name: string, input: z.core.$ZodType): JsonObject {
  let schema: JsonObject;
  try {
    schema = JSON.parse(JSON.stringify(z.toJSONSchema(input, { io: 'input' }))) as JsonObject;
  } catch (cause) {
    throw invalid(name, 'its schema has no form as JSON Schema', { cause });
  }
  if (schema['type'] !== 'object') throw invalid(name, 'its schema must be an object', {});
  const { $schema: _dialect, ...rest } = schema;
  return rest;
}

function invalid(name: string, reason: string, options: { readonly cause?: unknown }): LashError {
  const message = `The tool ${name} cannot be used: ${reason}`;
  return new LashError('InvalidInput', message, { path: 'input', reason }, options);
}
