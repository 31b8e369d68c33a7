import { loadModule } from '../../contract/load-module.ts';
import { LashError, reasonText } from '../../core/error.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import type { TurnInputEvent } from '../../turn/input.ts';
import type { ModelAnswer } from '../../turn/state.ts';

/** An answer that did not fit, and why: the model is shown both. */
export interface Misfit {
  readonly text: string;
  readonly reason: string;
}

/** The answer that a failed attempt brought, if it failed since that is not what the turn asked for. */
export function misfitIn({
  error,
  answer,
}: Extract<TurnInputEvent, { readonly type: 'model-failed' }>): Misfit | null {
  const { reason } = error.data;
  if (error.code !== 'AnswerInvalid' || answer === undefined || typeof reason !== 'string') return null;
  return { text: answerText(answer), reason };
}

/** What a model is told where a turn asked for data, whether or not its provider can enforce it. */
export function answerInstruction(schema: JsonObject): string {
  return `Your final answer must be JSON alone, without any other text, that fits this JSON Schema:\n${JSON.stringify(schema)}`;
}

/** The text of an answer. */
export function answerText({ parts }: ModelAnswer): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/**
 * What a final answer says, as data that the schema takes. A fence of Markdown around it is no part of it. The validator is
 * loaded with the first one.
 *
 * @throws `AnswerInvalid`; `InvalidInput` for a schema that cannot be used; `ModuleLoadFailed`
 */
export async function readAnswer(text: string, schema: JsonObject): Promise<JsonValue> {
  const value = parse(text);
  const { Validator } = await loadModule('json-schema', import('@cfworker/json-schema'));
  const draft = JSON.stringify(schema['$schema'] ?? '').includes('draft-07') ? '7' : '2020-12';
  let result: ReturnType<InstanceType<typeof Validator>['validate']>;
  try {
    result = new Validator(schema, draft).validate(value);
  } catch (cause) {
    const reason = 'is not a JSON Schema that can be used';
    throw new LashError(
      'InvalidInput',
      `answer.schema ${reason}`,
      { path: 'answer.schema', reason },
      { cause },
    );
  }
  if (result.valid) return value;
  const error = result.errors.at(-1);
  throw invalid(error?.instanceLocation ?? '#', error?.error ?? 'it does not fit the schema');
}

function parse(text: string): JsonValue {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/u.exec(text);
  try {
    return JSON.parse(fenced?.[1] ?? text) as JsonValue;
  } catch (error) {
    throw invalid('#', `it is not JSON: ${reasonText(error)}`);
  }
}

function invalid(path: string, reason: string): LashError<'AnswerInvalid'> {
  return new LashError('AnswerInvalid', `The answer is not what was asked for: ${reason}`, { path, reason });
}

/** The request that shows the model an answer that did not fit. */
export function withMisfit(request: ModelRequest, { text, reason }: Misfit): ModelRequest {
  const said = { role: 'assistant', parts: [{ type: 'text', text }] } as const;
  const hint = `That is not the JSON that was asked for: ${reason}. Answer with the corrected JSON alone.`;
  const asked = { role: 'user', parts: [{ type: 'text', text: hint }] } as const;
  return { ...request, messages: [...request.messages, said, asked] };
}
