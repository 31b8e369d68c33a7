import type { JsonObject } from '../../core/json.ts';

/** What the browser says of its model: it is there, has to be downloaded first, is being downloaded, or will not be there. */
export type ChromeAvailability = 'unavailable' | 'downloadable' | 'downloading' | 'available';

/** A piece of what the model reads. */
export type ChromeContent =
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'image'; readonly value: Uint8Array<ArrayBuffer> };

/** A message that the model reads; with `prefix`, the model goes on with its text. */
export interface ChromeMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly ChromeContent[];
  readonly prefix?: boolean;
}

/** What a model is to be able to do. */
export interface ChromeCoreOptions {
  readonly expectedInputs: readonly ChromeExpected[];
  readonly expectedOutputs: readonly ChromeExpected[];
}

interface ChromeExpected {
  readonly type: 'text' | 'image';
  readonly languages?: readonly string[];
}

interface ChromePromptOptions {
  readonly signal?: AbortSignal;
  readonly responseConstraint?: JsonObject;
}

/** A conversation with the model, as far as it is used here. */
export interface ChromeSession {
  /** How many tokens the conversation takes. */
  readonly contextUsage?: number;
  promptStreaming(input: readonly ChromeMessage[], options: ChromePromptOptions): ReadableStream<string>;
  measureContextUsage?(input: readonly ChromeMessage[]): Promise<number>;
  destroy(): void;
}

/** The browser's `LanguageModel` (Prompt API), as far as it is used here: what may stand in for it. */
export interface ChromeLanguageModel {
  availability(options: ChromeCoreOptions): Promise<ChromeAvailability>;
  create(
    options: ChromeCoreOptions & {
      readonly signal: AbortSignal;
      readonly initialPrompts?: readonly ChromeMessage[];
    },
  ): Promise<ChromeSession>;
}
