import { cutText } from '../../core/cut-text.ts';
import { isLashError, type LashErrorCode, reasonText } from '../../core/error.ts';
import { findNonJson, type JsonValue, utf8Length } from '../../core/json.ts';
import type { ToolFailure } from '../../core/tool-call.ts';
import { failureClassOf, type ToolFailureClass } from '../../core/tool-failure.ts';

/** How much of an error's message a model is told, in characters, and of its data, in bytes: a failure must fit a commit (law ST13). */
const MAX_FAILURE_LENGTH = 4096;

/** A failure as the model is told it. */
export function failure(code: LashErrorCode, message: string): ToolFailure {
  return { status: 'failure', class: failureClassOf(code), code, message, retryable: false };
}

/** What was thrown as a failure: an error of this package keeps its code, anything else is `ToolFailed`. */
export function failureOf(thrown: unknown): ToolFailure {
  const message = reasonText(thrown);
  if (!isLashError(thrown)) return failure('ToolFailed', message);
  const plain = { ...failure(thrown.code, message), retryable: thrown.retryable };
  if (!isLashError(thrown, 'ToolFailed')) return plain;
  const { class: kind, retryAfterMs, data } = thrown.data;
  return {
    ...plain,
    ...(isClass(kind) ? { class: kind } : {}),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
    ...(data === undefined ? {} : { data: findNonJson(data) === undefined ? data : 'not plain data' }),
  };
}

/** Whoever reads a message or data that was cut is told so. */
export function boundedFailure<T extends { readonly message: string; readonly data?: JsonValue }>(
  told: T,
): T {
  const { message, data } = told;
  const bytes = data === undefined ? 0 : utf8Length(JSON.stringify(data));
  return {
    ...told,
    ...(message.length > MAX_FAILURE_LENGTH
      ? { message: `${cutText(message, MAX_FAILURE_LENGTH)}… (cut, ${message.length} characters)` }
      : {}),
    ...(bytes > MAX_FAILURE_LENGTH ? { data: `left out: it has ${bytes} bytes` } : {}),
  };
}

const CLASSES: ReadonlySet<string | undefined> = new Set<ToolFailureClass>([
  'invalid-request',
  'unavailable',
  'permission-denied',
  'timeout',
  'execution',
  'external',
  'resource-limit',
  'internal',
]);

function isClass(kind: string | undefined): kind is ToolFailureClass {
  return CLASSES.has(kind);
}
