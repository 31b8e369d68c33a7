import type { TraceStreamSummary, TraceUsage } from '../../contract/trace.ts';
import type { JsonObject } from '../../core/json.ts';
import type { ModelEvent } from '../../core/model-event.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { ModelAnswer } from '../../turn/state.ts';

/** The parts of an answer as lash's response record lists them. */
export function traceParts(answer: ModelAnswer): readonly JsonObject[] {
  return answer.parts.flatMap((part): JsonObject[] => {
    switch (part.type) {
      case 'text':
        return [{ type: 'text', text: part.text }];
      case 'reasoning':
        return [
          {
            type: 'reasoning',
            id: null,
            summary: [],
            text: part.text,
            has_encrypted: false,
            redacted: false,
          },
        ];
      case 'tool-call': {
        const { callId, tool, args } = part;
        return [
          {
            type: 'tool_call',
            call_id: callId,
            tool_name: tool,
            input_json: JSON.stringify(args),
            id: null,
            has_opaque: part.replay !== undefined,
          },
        ];
      }
      default:
        return [];
    }
  });
}

/** Token counts in lash's wire names. */
export function traceUsage(usage: TokenUsage): TraceUsage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    reasoning_tokens: usage.reasoningTokens,
  };
}

/** Measures one stream. Times are milliseconds of the clock that the caller reads. */
export class StreamMeter {
  readonly #startedAt: number;
  #firstAt: number | null = null;
  #deltas = 0;
  #chars = 0;
  #longest = 0;
  #sequence = 0;

  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  /** Counts text that a reader sees. */
  visible(text: string, at: number): void {
    this.#firstAt ??= at;
    this.#deltas++;
    this.#chars += text.length;
    this.#longest = Math.max(this.#longest, text.length);
  }

  /** The number of the next stream event, from 0, and how long the call has lasted. */
  next(at: number): { readonly sequence: number; readonly elapsed_ms: number } {
    return { sequence: this.#sequence++, elapsed_ms: at - this.#startedAt };
  }

  summary(at: number): TraceStreamSummary {
    const streamed = this.#firstAt !== null;
    return {
      first_visible_token_latency_ms: this.#firstAt === null ? null : this.#firstAt - this.#startedAt,
      stream_duration_ms: streamed ? at - this.#startedAt : null,
      text_delta_count: this.#deltas,
      visible_chunk_count: this.#deltas,
      avg_visible_chunk_chars: streamed ? this.#chars / this.#deltas : null,
      max_visible_chunk_chars: streamed ? this.#longest : null,
    };
  }
}

/** The name that an extended trace gives to a stream event. */
export function streamEventName(type: ModelEvent['type']): string {
  const names = {
    'text-delta': 'delta',
    'reasoning-delta': 'reasoning_delta',
    'text-end': 'text_part',
    'reasoning-end': 'reasoning_part',
    'tool-call': 'tool_call_part',
    finish: 'usage',
  } as const;
  return names[type];
}
