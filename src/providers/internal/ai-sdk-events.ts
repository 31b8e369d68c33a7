import type { LanguageModelV3StreamPart, LanguageModelV4StreamPart } from '@ai-sdk/provider';

import type { JsonObject } from '../../core/json.ts';
import type { FinishReason, ModelEvent } from '../../core/model-event.ts';
import type { TokenUsage } from '../../core/usage.ts';

/** A part of a model's stream, of either specification. */
export type StreamPart = LanguageModelV3StreamPart | LanguageModelV4StreamPart;

type FinishPart = Extract<StreamPart, { type: 'finish' }>;

type Block = { readonly id: string; readonly providerMetadata?: object };
type ToolCall = Extract<ModelEvent, { type: 'tool-call' }>;

/** Turns the parts of one stream into events. Tools that the provider ran itself are its own affair and left out. */
export class EventMapper {
  /** What the provider wants back with a block of text or reasoning, by the block's id; the last word counts. */
  readonly #replays = new Map<string, JsonObject>();
  /**
   * Tool calls at the end of what came. Some adapters make calls of whatever they have when a stream breaks off, so
   * that only what follows tells a call from the half of one.
   */
  readonly #calls: ToolCall[] = [];
  #empty = true;

  /** Whether the stream held nothing yet. */
  get empty(): boolean {
    return this.#empty;
  }

  /** What `part` lets be told. Parts of type `error` and `finish` are the caller's. */
  map(part: Exclude<StreamPart, { type: 'error' | 'finish' }>): readonly ModelEvent[] {
    const event = this.#eventOf(part);
    if (event === undefined) return [];
    this.#empty = false;
    if (event.type !== 'tool-call') return [...this.#calls.splice(0), event];
    this.#calls.push(event);
    return [];
  }

  /** The calls that were not told yet; of an answer that broke off only those whose arguments are whole. */
  rest(finished: boolean): readonly ModelEvent[] {
    return finished ? this.#calls : this.#calls.filter(({ args }) => isJson(args));
  }

  #eventOf(part: Exclude<StreamPart, { type: 'error' | 'finish' }>): ModelEvent | undefined {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start':
        this.#remember(part);
        return undefined;
      case 'text-delta':
      case 'reasoning-delta':
        this.#remember(part);
        return part.delta === '' ? undefined : { type: part.type, text: part.delta };
      case 'text-end': {
        const replay = this.#taken(part);
        return replay === undefined ? undefined : { type: 'text-end', replay };
      }
      case 'reasoning-end': {
        const replay = this.#taken(part);
        return { type: 'reasoning-end', ...(replay === undefined ? {} : { replay }) };
      }
      case 'tool-call': {
        if (part.providerExecuted === true) return undefined;
        const replay =
          part.providerMetadata === undefined ? {} : { replay: part.providerMetadata as JsonObject };
        return {
          type: 'tool-call',
          callId: part.toolCallId,
          tool: part.toolName,
          args: part.input,
          ...replay,
        };
      }
      default:
        return undefined;
    }
  }

  /** What was remembered of the block that ends with `part`; another one may use its id again. */
  #taken(part: Block): JsonObject | undefined {
    this.#remember(part);
    const replay = this.#replays.get(part.id);
    this.#replays.delete(part.id);
    return replay;
  }

  #remember({ id, providerMetadata }: Block): void {
    if (providerMetadata !== undefined) this.#replays.set(id, providerMetadata as JsonObject);
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Why the model stopped: `interrupted` when the provider says that the stream broke off, `error` when it says that
 * something failed. Early releases of specification v3 gave the reason as plain text.
 */
export function finishReasonOf(part: FinishPart): FinishReason | 'interrupted' | 'error' {
  const reason = part.finishReason as FinishPart['finishReason'] | string;
  const unified = typeof reason === 'string' ? reason : reason.unified;
  switch (unified) {
    case 'stop':
    case 'length':
    case 'content-filter':
    case 'tool-calls':
    case 'interrupted':
    case 'error':
      return unified;
    default:
      return 'other';
  }
}

/** Token counts; what the provider did not count is 0. */
export function usageOf(part: FinishPart): TokenUsage {
  const { inputTokens, outputTokens } = part.usage;
  return {
    inputTokens: inputTokens.total ?? 0,
    outputTokens: outputTokens.total ?? 0,
    cachedInputTokens: inputTokens.cacheRead ?? 0,
    reasoningTokens: outputTokens.reasoning ?? 0,
  };
}
