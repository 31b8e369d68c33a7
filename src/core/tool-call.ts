import type { AttachmentRef } from './attachment.ts';
import type { LashErrorCode } from './error.ts';
import type { JsonValue } from './json.ts';
import type { Overflowing } from './message.ts';
import type { ToolFailureClass } from './tool-failure.ts';

/** How a tool call ended. A failure is told to the model; it does not end the turn. */
export type ToolOutcome =
  | {
      readonly status: 'success';
      readonly value: JsonValue;
      /** Set when the value was too long for a node; it then lies there as JSON and `value` is `null`. */
      readonly overflow?: AttachmentRef;
      /** What the tool returned besides its value. The model sees images, and reads the names of other files. */
      readonly attachments?: readonly AttachmentRef[];
    }
  | ToolFailure
  | { readonly status: 'cancelled'; readonly message: string };

/** Why a tool call failed. */
export interface ToolFailure {
  readonly status: 'failure';
  readonly class: ToolFailureClass;
  readonly code: LashErrorCode;
  readonly message: string;
  /** Whether the same call may succeed when it is made again. Nobody makes it again but the model. */
  readonly retryable: boolean;
  /** When it may, in milliseconds from the failure, where the tool says so. */
  readonly retryAfterMs?: number;
  /** What the tool told besides the message. */
  readonly data?: JsonValue;
}

/** The record of one tool call: what was asked, what came back, and how long it took in milliseconds. */
export interface ToolInvocation extends Overflowing {
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly outcome: ToolOutcome;
  readonly durationMs: number;
}

/** What the model reads of an outcome: a string as it is, other data as JSON, a failure in words. */
export function outcomeText(outcome: ToolOutcome): string {
  switch (outcome.status) {
    case 'success':
      return typeof outcome.value === 'string' ? outcome.value : JSON.stringify(outcome.value);
    case 'failure':
      return failureText(outcome);
    case 'cancelled':
      return `The tool call was cancelled: ${outcome.message}`;
  }
}

function failureText({ code, message, retryable, retryAfterMs, data }: ToolFailure): string {
  const lines = [`The tool call failed (${code}): ${message}`];
  if (data !== undefined) lines.push(JSON.stringify(data));
  if (retryable) {
    const when = retryAfterMs === undefined ? 'when it is made again' : `in ${retryAfterMs} ms`;
    lines.push(`The same call may succeed ${when}.`);
  }
  return lines.join('\n');
}
