import type { ModelEvent, ModelRequest } from '../contract/provider.ts';
import type {
  TraceBlock,
  TraceMessage,
  TraceRequest,
  TraceStreamSummary,
  TraceUsage,
} from '../contract/trace.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import type { JsonObject } from '../core/json.ts';
import type { Part } from '../core/message.ts';
import type { SessionNode } from '../core/node.ts';
import { outcomeText } from '../core/tool-call.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { ModelAnswer } from '../turn/state.ts';

/**
 * The record of a request: the messages of `added`, which are the nodes that no earlier record of the session shows,
 * and the number of the others (law TR1). `system` is `null` when the system prompt was shown before.
 */
export function traceRequest(
  request: ModelRequest,
  model: string,
  system: string | null,
  added: readonly SessionNode[],
): TraceRequest {
  const attachments: AttachmentRef[] = [];
  const messages: TraceMessage[] = added.flatMap((node) => traceMessage(node, attachments));
  const omitted = request.messages.length + 1 - countMessages(added) - (system === null ? 0 : 1);
  if (system !== null) messages.unshift({ role: 'system', blocks: [{ kind: 'text', text: system }] });
  return {
    model,
    messages,
    ...(omitted > 0 ? { messages_omitted: omitted } : {}),
    ...(attachments.length > 0 ? { attachments: attachments.map(traceAttachment) } : {}),
    ...(request.tools.length > 0 ? { tools: request.tools.map(traceTool) } : {}),
    tool_choice: request.tools.length > 0 ? 'auto' : 'none',
    stream: true,
  };
}

/** The parts of an answer as lash's response record lists them. */
export function traceParts(answer: ModelAnswer): readonly JsonObject[] {
  return answer.parts.flatMap((part): JsonObject[] => {
    switch (part.type) {
      case 'text':
        return [{ type: 'text', text: part.text }];
      case 'reasoning':
        return [
          { type: 'reasoning', id: null, summary: [], text: part.text, has_encrypted: false, redacted: false },
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
export function streamEventName(event: ModelEvent): string {
  const names = {
    'text-delta': 'delta',
    'reasoning-delta': 'reasoning_delta',
    'reasoning-end': 'reasoning_part',
    'tool-call': 'tool_call_part',
    finish: 'usage',
  } as const;
  return names[event.type];
}

/** Consecutive results of tools are one message of a request. */
function countMessages(nodes: readonly SessionNode[]): number {
  let count = 0;
  let inResults = false;
  for (const { body } of nodes) {
    if (body.kind === 'plugin') continue;
    if (body.kind === 'conversation' || !inResults) count++;
    inResults = body.kind === 'tool';
  }
  return count;
}

function traceMessage(node: SessionNode, attachments: AttachmentRef[]): TraceMessage[] {
  if (node.body.kind === 'plugin') return [];
  if (node.body.kind === 'tool') {
    const { callId, tool, outcome } = node.body.invocation;
    const content = outcomeText(outcome);
    return [{ role: 'user', blocks: [{ kind: 'tool_result', call_id: callId, tool_name: tool, content }] }];
  }
  const { role, parts } = node.body.message;
  return [{ role, blocks: parts.map((part) => traceBlock(part, attachments)) }];
}

function traceBlock(part: Part, attachments: AttachmentRef[]): TraceBlock {
  switch (part.type) {
    case 'text':
      return { kind: 'text', text: part.text };
    case 'reasoning':
      return { kind: 'reasoning', text: part.text, summary: [], has_encrypted: false, redacted: false };
    case 'image':
    case 'file':
      attachments.push(part.attachment);
      return { kind: 'image', attachment_idx: attachments.length - 1 };
    case 'tool-call': {
      const { callId, tool, args } = part;
      const signed = part.replay !== undefined;
      return { kind: 'tool_call', call_id: callId, tool_name: tool, input_json: args, has_signature: signed };
    }
  }
}

function traceAttachment(ref: AttachmentRef): NonNullable<TraceRequest['attachments']>[number] {
  return { mime: ref.mime, bytes_sha256: ref.id, bytes_len: ref.byteLength };
}

function traceTool(tool: ModelRequest['tools'][number]): NonNullable<TraceRequest['tools']>[number] {
  const { name, description, inputSchema } = tool;
  return { name, description, input_schema: inputSchema, output_schema: null };
}
