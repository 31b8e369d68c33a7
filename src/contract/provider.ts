import type { JsonObject, JsonValue } from '../core/json.ts';
import type { ToolSpec } from '../core/tool-spec.ts';
import type { TokenUsage } from '../core/usage.ts';

/** A part of what a model reads. Attachments are resolved: the bytes are here. */
export type PromptPart =
  | { readonly type: 'text'; readonly text: string; readonly replay?: JsonObject }
  | { readonly type: 'reasoning'; readonly text: string; readonly replay?: JsonObject }
  | { readonly type: 'image'; readonly mime: string; readonly data: Uint8Array<ArrayBuffer> }
  | {
      readonly type: 'tool-call';
      readonly callId: string;
      readonly tool: string;
      readonly args: JsonValue;
      readonly replay?: JsonObject;
    }
  | {
      readonly type: 'tool-result';
      readonly callId: string;
      readonly tool: string;
      readonly status: 'success' | 'failure' | 'cancelled';
      /** What the model reads: text as it is, other data as JSON text. */
      readonly content: string;
      /** What it sees besides. */
      readonly images?: readonly PromptImage[];
    };

/** An image that a model sees. */
export interface PromptImage {
  readonly mime: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** One message of a request. Results of tools come in messages of role `tool`, in call order. */
export interface PromptMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly parts: readonly PromptPart[];
}

/** One call of a model. */
export interface ModelRequest {
  /** Names the session to the provider, for caches that it keeps; no other meaning. */
  readonly sessionId: string;
  readonly system: string;
  readonly messages: readonly PromptMessage[];
  readonly tools: readonly ToolSpec[];
  /** The answer is to be JSON of this schema; a provider that can enforce it does. */
  readonly answerSchema?: JsonObject;
}

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

/** A model that can be called. It holds no session's state: any session may call it, also at the same time. */
export interface Provider {
  /** The model's name, as usage and trace show it. */
  readonly model: string;
  /** How many tokens a request may hold, if the provider knows. */
  readonly maxContextTokens?: number;
  /** Calls the model. */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

/** What a provider function is given: the session's choice, and a way to its secret. */
export interface ProviderContext {
  readonly model: string;
  readonly options: JsonObject;
  /** The secret that the policy's `credentials` names. @throws `CredentialsRequired` while it was not given. */
  readonly credential: () => Promise<string>;
}

/** A provider, or a function that makes one for a session's choice of model. */
export type ProviderSource = Provider | ((context: ProviderContext) => Provider | Promise<Provider>);

/** The providers of a worker, by the id that a session's policy names. */
export type Providers = Readonly<Record<string, ProviderSource>>;
