import { LashError, type LashErrorCode } from './error.ts';
import type { JsonValue } from './json.ts';

/**
 * Whose fault a failed call is, in lash's words: the arguments (`invalid-request`), a tool that is not to be had now
 * (`unavailable`), somebody who forbids it, its time, the tool itself (`execution`), what the tool relies on (`external`), a
 * limit, or the runtime.
 */
export type ToolFailureClass =
  | 'invalid-request'
  | 'unavailable'
  | 'permission-denied'
  | 'timeout'
  | 'execution'
  | 'external'
  | 'resource-limit'
  | 'internal';

/** What a tool can say of its failure besides the message. */
export interface ToolFailureOptions {
  /** Default: `execution`. */
  readonly class?: ToolFailureClass;
  /** Whether the same call may succeed when it is made again; the model is told so. Default: no. */
  readonly retryable?: boolean;
  /** When it may, in milliseconds from now. */
  readonly retryAfterMs?: number;
  /** JSON data for the model and the host, such as what would be possible; up to 4 KiB. */
  readonly data?: JsonValue;
  readonly cause?: unknown;
}

/** An error for a tool to throw: the model is told `message`, and what the options say. */
export function toolFailure(message: string, options: ToolFailureOptions = {}): LashError<'ToolFailed'> {
  const { retryable = false, cause, ...data } = options;
  return new LashError('ToolFailed', message, data, { retryable, cause });
}

const CLASSES: Partial<Record<LashErrorCode, ToolFailureClass>> = {
  InvalidToolArguments: 'invalid-request',
  ToolNotFound: 'unavailable',
  ToolUnavailable: 'unavailable',
  ToolDenied: 'permission-denied',
  ToolTimeout: 'timeout',
  ToolOutcomeUnknown: 'internal',
  ModuleLoadFailed: 'internal',
  Internal: 'internal',
  AttachmentTooLarge: 'resource-limit',
  StorageFull: 'resource-limit',
};

/** The class of a failure of which nothing but the code is known. */
export function failureClassOf(code: LashErrorCode): ToolFailureClass {
  return CLASSES[code] ?? (code.startsWith('Provider') ? 'external' : 'execution');
}
