import type { JsonObject, JsonValue } from './json.ts';
import type { ToolSpec } from './tool-spec.ts';

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
