import { LashError } from '../core/error.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { loadModule } from './load-module.ts';
import type { ArgumentCheck } from './tool.ts';

/**
 * A check of arguments against a JSON Schema, draft 2020-12 or 7, that is not made with `eval`. The validator is loaded with the
 * first one.
 *
 * @throws `InvalidInput`, which names `path`, for a schema that cannot be used; `ModuleLoadFailed`
 */
export async function schemaCheck(
  schema: JsonObject,
  path: string,
): Promise<(args: JsonValue) => ArgumentCheck> {
  const { Validator } = await loadModule('json-schema', import('@cfworker/json-schema'));
  const draft = JSON.stringify(schema['$schema'] ?? '').includes('draft-07') ? '7' : '2020-12';
  let validator: InstanceType<typeof Validator>;
  try {
    validator = new Validator(schema, draft);
    // A reference that leads nowhere shows only when something is validated.
    validator.validate({});
  } catch (cause) {
    const reason = 'it is not a JSON Schema that can be used';
    throw new LashError('InvalidInput', `The tool cannot be used: ${reason}`, { path, reason }, { cause });
  }
  return (args) => {
    const { valid, errors } = validator.validate(args);
    if (valid) return { ok: true, value: args };
    // The last one is about the place itself, those before it are about what contains it.
    const error = errors.at(-1);
    return {
      ok: false,
      path: pathText(error?.instanceLocation ?? '#'),
      reason: error?.error ?? 'is not valid',
    };
  };
}

/** `#/list/0` as `$.list[0]`. */
function pathText(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .reduce((text, key) => (/^\d+$/.test(key) ? `${text}[${key}]` : `${text}.${key}`), '$');
}
