import type { AttachmentRef } from '../core/attachment.ts';
import type { LashErrorCode } from '../core/error.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { ToolFailure, ToolOutcome } from '../core/tool-call.ts';

/** The key by which lash tells what is no data within a tool's value. */
export const VALUE_TAG = '$lash_tool_value';

/** How lash writes the outcome of a tool call, in a trace and in a file. */
export interface OutcomeRecord {
  readonly status: ToolOutcome['status'];
  readonly payload: JsonValue;
}

/**
 * `outcome` as lash writes it. Attachments that a tool returned lie behind its value, in one list; whoever is to tell that
 * from a list is told how many there are.
 */
export function outcomeRecord(outcome: ToolOutcome): OutcomeRecord {
  const { status } = outcome;
  switch (outcome.status) {
    case 'success': {
      const value = escaped(outcome.value);
      const { attachments = [] } = outcome;
      const payload = attachments.length === 0 ? value : [value, ...attachments.map(taggedRecord)];
      return { status, payload };
    }
    case 'failure':
      return { status, payload: failureRecord(outcome) };
    case 'cancelled':
      return { status, payload: { message: outcome.message, source: 'cancellation' } };
  }
}

/** The fields of an attachment's reference. */
export function attachmentRecord({ id, mime, byteLength, name, width, height }: AttachmentRef): JsonObject {
  return { id, mime, byte_len: byteLength, width, height, label: name };
}

function failureRecord({
  class: kind,
  code,
  message,
  retryable,
  retryAfterMs,
  data,
}: ToolFailure): JsonObject {
  return {
    class: kind.replaceAll('-', '_'),
    code,
    message,
    source: sourceOf(code),
    retry: retryable ? { type: 'safe', after_ms: retryAfterMs } : { type: 'never' },
    raw: data === undefined ? undefined : escaped(data),
  };
}

const RUNTIME_CODES: ReadonlySet<LashErrorCode> = new Set<LashErrorCode>([
  'InvalidToolArguments',
  'ToolNotFound',
  'ToolUnavailable',
  'ToolTimeout',
  'ToolOutcomeUnknown',
]);

function sourceOf(code: LashErrorCode): string {
  if (code === 'ToolDenied') return 'policy';
  return RUNTIME_CODES.has(code) ? 'runtime' : 'tool';
}

function taggedRecord(ref: AttachmentRef): JsonObject {
  return { [VALUE_TAG]: 'attachment', ref: attachmentRecord(ref) };
}

/** Data that looks like a tag is written as an object of entries. */
function escaped(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(escaped);
  const entries = Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, item === undefined ? item : escaped(item)]),
  );
  return Object.hasOwn(value, VALUE_TAG) ? { [VALUE_TAG]: 'object', entries } : entries;
}

function isList(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
