import type { AttachmentRef } from '../../core/attachment.ts';
import type { LashErrorCode } from '../../core/error.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ToolFailure, ToolOutcome } from '../../core/tool-call.ts';
import type { ToolFailureClass } from '../../core/tool-failure.ts';
import { given } from '../given.ts';
import { VALUE_TAG } from '../outcome-record.ts';
import { readAttachment, readOverflow } from './attachment-reader.ts';
import { isObject } from './hostile-json.ts';
import { ImportFields } from './import-fields.ts';

const CLASSES = [
  'invalid_request',
  'unavailable',
  'permission_denied',
  'timeout',
  'execution',
  'external',
  'resource_limit',
  'internal',
] as const;

/** What `outcomeRecord` wrote, and what lies beside it. @throws `ImportInvalid` */
export function readOutcome(output: ImportFields): ToolOutcome {
  const outcome = output.fields('outcome');
  const status = outcome.oneOf('status', ['success', 'failure', 'cancelled']);
  switch (status) {
    case 'success': {
      const extras = output.optionalFields('lash_web');
      return { status, ...readValue(outcome, extras), ...readOverflow(extras) };
    }
    case 'failure':
      return { status, ...readFailure(outcome.fields('payload')) };
    case 'cancelled':
      return { status, message: outcome.fields('payload').text('message') };
  }
}

function readFailure(payload: ImportFields): Omit<ToolFailure, 'status'> {
  const retry = payload.fields('retry');
  const raw = payload.optionalJson('raw');
  return {
    class: payload.oneOf('class', CLASSES).replaceAll('_', '-') as ToolFailureClass,
    // Stored data may name a code that a later version has; readers of it expect that.
    code: payload.text('code') as LashErrorCode,
    message: payload.text('message'),
    retryable: retry.oneOf('type', ['never', 'safe', 'exhausted']) === 'safe',
    ...given('retryAfterMs', retry.optionalCount('after_ms')),
    ...given('data', raw === undefined ? undefined : unescaped(raw, payload)),
  };
}

function readValue(
  outcome: ImportFields,
  extras: ImportFields | undefined,
): { readonly value: JsonValue; readonly attachments?: readonly AttachmentRef[] } {
  const payload = outcome.json('payload');
  const count = extras?.optionalCount('attachments') ?? 0;
  if (count === 0) return { value: unescaped(payload, outcome) };
  if (!isList(payload) || payload.length !== count + 1)
    throw outcome.fault('payload', `is not a value with ${count} attachments`);
  const [value = null, ...refs] = payload;
  const attachments = refs.map((ref) => {
    const tagged = new ImportFields(ref, outcome.line, 'payload');
    tagged.oneOf(VALUE_TAG, ['attachment']);
    return readAttachment(tagged.fields('ref'));
  });
  return { value: unescaped(value, outcome), attachments };
}

function unescaped(value: JsonValue, record: ImportFields): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map((item) => unescaped(item, record));
  if (!Object.hasOwn(value, VALUE_TAG)) return unescapedEntries(value, record);
  const { entries } = value;
  if (value[VALUE_TAG] !== 'object' || !isObject(entries))
    throw record.fault('payload', `holds an unknown ${VALUE_TAG}`);
  return unescapedEntries(entries, record);
}

function unescapedEntries(object: JsonObject, record: ImportFields): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, item]) => [key, item === undefined ? item : unescaped(item, record)]),
  );
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
