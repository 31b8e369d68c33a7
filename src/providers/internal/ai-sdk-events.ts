import type { LanguageModelV3StreamPart, LanguageModelV4StreamPart } from '@ai-sdk/provider';

import type { FinishReason, ModelEvent } from '../../contract/provider.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';

/** A part of a model's stream, of either specification. */
export type StreamPart = LanguageModelV3StreamPart | LanguageModelV4StreamPart;

type FinishPart = Extract<StreamPart, { type: 'finish' }>;

/** Turns the parts of one stream into events. Tools that the provider ran itself are its own affair and left out. */
export class EventMapper {
  /** What the provider wants back with a block of reasoning, by the block's id; the last word counts. */
  readonly #replays = new Map<string, JsonObject>();

  /** The event of `part`, or none. Parts of type `error` and `finish` are the caller's. */
  map(part: Exclude<StreamPart, { type: 'error' | 'finish' }>): ModelEvent | undefined {
    switch (part.type) {
      case 'text-delta':
        return part.delta === '' ? undefined : { type: 'text-delta', text: part.delta };
      case 'reasoning-start':
        this.#remember(part);
        return undefined;
      case 'reasoning-delta':
        this.#remember(part);
        return part.delta === '' ? undefined : { type: 'reasoning-delta', text: part.delta };
      case 'reasoning-end': {
        this.#remember(part);
        const replay = this.#replays.get(part.id);
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

  #remember({ id, providerMetadata }: { readonly id: string; readonly providerMetadata?: object }): void {
    if (providerMetadata !== undefined) this.#replays.set(id, providerMetadata as JsonObject);
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
