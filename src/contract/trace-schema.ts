import * as z from 'zod/mini';

import type { TraceRecord } from './trace.ts';

const text = z.string();
const count = z.number().check(z.int(), z.nonnegative());
const duration = z.number().check(z.nonnegative());
const hash = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const json = z.json();
const jsonObject = z.record(z.string(), json);

const optional = z.exactOptional;

const context = z.strictObject({
  run_id: optional(text),
  experiment_id: optional(text),
  candidate_id: optional(text),
  candidate_parent_id: optional(text),
  example_id: optional(text),
  split: optional(text),
  session_id: optional(text),
  turn_id: optional(text),
  graph_node_id: optional(text),
  parent_graph_node_id: optional(text),
  turn_index: optional(count),
  mode_iteration: optional(count),
  effect_id: optional(text),
  llm_call_id: optional(text),
  originating_tool_call_id: optional(text),
  metadata: optional(jsonObject),
});

const block = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('text'), text }),
  z.strictObject({ kind: z.literal('image'), attachment_idx: count }),
  z.strictObject({
    kind: z.literal('tool_call'),
    call_id: text,
    tool_name: text,
    input_json: json,
    has_signature: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('tool_result'), call_id: text, tool_name: text, content: text }),
  z.strictObject({
    kind: z.literal('reasoning'),
    text,
    summary: z.array(text),
    has_encrypted: z.boolean(),
    redacted: z.boolean(),
  }),
]);

const request = z.strictObject({
  model: text,
  messages: z.array(
    z.strictObject({ role: z.enum(['user', 'assistant', 'system']), blocks: z.array(block) }),
  ),
  messages_omitted: optional(count),
  attachments: optional(
    z.array(z.strictObject({ mime: text, bytes_sha256: optional(hash), bytes_len: optional(count) })),
  ),
  tools: optional(
    z.array(
      z.strictObject({ name: text, description: text, input_schema: jsonObject, output_schema: z.null() }),
    ),
  ),
  tool_choice: z.enum(['auto', 'none']),
  stream: z.literal(true),
});

const usage = z.strictObject({
  input_tokens: count,
  output_tokens: count,
  cached_input_tokens: count,
  reasoning_tokens: count,
});

const streamSummary = z.strictObject({
  first_visible_token_latency_ms: z.nullable(duration),
  stream_duration_ms: z.nullable(duration),
  text_delta_count: count,
  visible_chunk_count: count,
  avg_visible_chunk_chars: z.nullable(duration),
  max_visible_chunk_chars: z.nullable(count),
});

const base = {
  schema_version: z.literal(2),
  id: z.string().check(z.minLength(1)),
  timestamp: z.iso.datetime(),
  context,
};

const record: z.ZodMiniType<TraceRecord> = z.discriminatedUnion('type', [
  z.strictObject({ ...base, type: z.literal('turn_started'), metadata: optional(jsonObject) }),
  z.strictObject({
    ...base,
    type: z.literal('prompt_built'),
    prompt_hash: hash,
    prompt_chars: count,
    components: z.array(z.strictObject({ id: text, kind: text, hash, chars: optional(count) })),
  }),
  z.strictObject({ ...base, type: z.literal('llm_call_started'), request }),
  z.strictObject({
    ...base,
    type: z.literal('llm_call_completed'),
    response: z.strictObject({
      text,
      duration_ms: duration,
      terminal_reason: text,
      parts: optional(z.array(jsonObject)),
    }),
    usage: optional(usage),
    stream_summary: optional(streamSummary),
  }),
  z.strictObject({
    ...base,
    type: z.literal('llm_call_failed'),
    error: z.strictObject({
      message: text,
      retryable: z.boolean(),
      terminal_reason: optional(text),
      code: optional(text),
      raw: optional(text),
    }),
    stream_summary: optional(streamSummary),
  }),
  z.strictObject({
    ...base,
    type: z.literal('runtime_stream_event'),
    event: z.strictObject({
      sequence: count,
      elapsed_ms: duration,
      event_name: text,
      raw_text: optional(text),
      visible_text: optional(text),
      call_id: optional(text),
      tool_name: optional(text),
      input_json: optional(json),
      usage: optional(usage),
    }),
  }),
  z.strictObject({
    ...base,
    type: z.literal('tool_call_started'),
    call_id: z.nullable(text),
    name: text,
    args: json,
  }),
  z.strictObject({
    ...base,
    type: z.literal('tool_call_completed'),
    call_id: z.nullable(text),
    name: text,
    args: json,
    output: z.strictObject({
      outcome: z.strictObject({ status: z.enum(['success', 'failure', 'cancelled']), payload: json }),
    }),
    duration_ms: duration,
  }),
  z.strictObject({
    ...base,
    type: z.literal('turn_completed'),
    status: z.enum(['completed', 'failed']),
    done_reason: text,
  }),
  z.strictObject({ ...base, type: z.literal('custom'), name: text, payload: json }),
]);

/**
 * `value` as a record of a trace, checked field by field. Fields that this runtime does not write are refused.
 *
 * @throws a zod error that names each place where it is none
 */
export function parseTraceRecord(value: unknown): TraceRecord {
  return record.parse(value);
}
