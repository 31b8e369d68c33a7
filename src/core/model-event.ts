import type { JsonObject } from './json.ts';
import type { TokenUsage } from './usage.ts';

/** Why a model stopped. `tool-calls` needs no trust: the runtime looks at the calls themselves. */
export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'other';

/**
 * What a model's stream yields, in order. The grammar, checked by `providerConformance`:
 *
 * - PR1 Deltas and tool calls come in the order in which the model made them; a tool call comes whole.
 * - PR2 A stream that went well ends with exactly one `finish`, and nothing follows it.
 * - PR3 A failure is a rejection with a `LashError` whose code begins with `Provider`, or is `ContextOverflow`,
 *   `UnsupportedMedia` or `CredentialsRequired`; its `retryable` is to be trusted.
 * - PR4 An aborted signal ends the stream soon, by returning or by rejecting.
 */
export type ModelEvent =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  /** Ends a block of text with which the provider wants something back. */
  | { readonly type: 'text-end'; readonly replay: JsonObject }
  /** Ends a block of reasoning; `replay` is what the provider wants back with it. */
  | { readonly type: 'reasoning-end'; readonly replay?: JsonObject }
  | {
      readonly type: 'tool-call';
      readonly callId: string;
      readonly tool: string;
      /** The arguments as JSON text, as the model wrote them. */
      readonly args: string;
      readonly replay?: JsonObject;
    }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: TokenUsage };
