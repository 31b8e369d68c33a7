import type { AttachmentRef } from './attachment.ts';
import type { LashErrorCode } from './error.ts';
import type { JsonValue } from './json.ts';
import type { Overflowing } from './message.ts';

/** How a tool call ended. A failure is told to the model; it does not end the turn. */
export type ToolOutcome =
  | {
      readonly status: 'success';
      readonly value: JsonValue;
      /** Set when the value was too long for a commit; it then lies there as JSON and `value` is `null`. */
      readonly overflow?: AttachmentRef;
    }
  | { readonly status: 'failure'; readonly code: LashErrorCode; readonly message: string }
  | { readonly status: 'cancelled'; readonly message: string };

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
      return `The tool call failed (${outcome.code}): ${outcome.message}`;
    case 'cancelled':
      return `The tool call was cancelled: ${outcome.message}`;
  }
}
