import { describe, expect, test } from 'vitest';

import { parseTraceRecord } from '../../src/contract/trace-schema.ts';
import type { TraceEvent, TraceRecord } from '../../src/contract/trace.ts';

const HASH = 'a'.repeat(64);
const usage = { input_tokens: 1, output_tokens: 2, cached_input_tokens: 0, reasoning_tokens: 0 };
const summary = {
  first_visible_token_latency_ms: 1.5,
  stream_duration_ms: 10,
  text_delta_count: 2,
  visible_chunk_count: 2,
  avg_visible_chunk_chars: 5.5,
  max_visible_chunk_chars: 6,
};

const record = (event: TraceEvent): TraceRecord => ({
  schema_version: 2,
  id: 'record-1',
  timestamp: '2026-11-22T12:00:00.123Z',
  context: { session_id: 's', turn_id: 't', turn_index: 0, metadata: { any: ['thing'] } },
  ...event,
});

const EVENTS: readonly TraceEvent[] = [
  { type: 'turn_started', metadata: { input_item_count: 1 } },
  {
    type: 'prompt_built',
    prompt_hash: HASH,
    prompt_chars: 3,
    components: [{ id: 'system_prompt', kind: 'rendered_prompt', hash: HASH, chars: 3 }],
  },
  {
    type: 'llm_call_started',
    request: {
      model: 'm',
      messages: [
        {
          role: 'user',
          blocks: [
            { kind: 'text', text: 'hi' },
            { kind: 'image', attachment_idx: 0 },
            { kind: 'tool_call', call_id: 'c', tool_name: 't', input_json: { a: 1 }, has_signature: false },
            { kind: 'tool_result', call_id: 'c', tool_name: 't', content: 'ok' },
            { kind: 'reasoning', text: '', summary: [], has_encrypted: false, redacted: false },
          ],
        },
      ],
      messages_omitted: 3,
      attachments: [{ mime: 'image/png', bytes_sha256: HASH, bytes_len: 10 }],
      tools: [{ name: 't', description: 'd', input_schema: { type: 'object' }, output_schema: null }],
      tool_choice: 'auto',
      stream: true,
    },
  },
  {
    type: 'llm_call_completed',
    response: { text: 'hello', duration_ms: 12, terminal_reason: 'stop', parts: [{ kind: 'text' }] },
    usage,
    stream_summary: summary,
  },
  {
    type: 'llm_call_failed',
    error: { message: 'no', retryable: true, code: 'ProviderUnavailable', raw: '{}' },
    stream_summary: { ...summary, first_visible_token_latency_ms: null },
  },
  {
    type: 'runtime_stream_event',
    event: { sequence: 0, elapsed_ms: 1, event_name: 'delta', raw_text: 'x', visible_text: 'x' },
  },
  { type: 'tool_call_started', call_id: null, name: 't', args: null },
  {
    type: 'tool_call_completed',
    call_id: 'c',
    name: 't',
    args: {},
    output: { outcome: { status: 'success', payload: [1] } },
    duration_ms: 2,
  },
  { type: 'turn_completed', status: 'completed', done_reason: 'assistant_message' },
  { type: 'custom', name: 'trace_dropped', payload: { records: 1, bytes: 2 } },
];

describe('the record schema', () => {
  test.each(EVENTS)('[TR1] accepts a record of type $type', (event) => {
    const line: unknown = JSON.parse(JSON.stringify(record(event)));
    expect(parseTraceRecord(line)).toEqual(record(event));
  });

  test.each(EVENTS)('[TR1] refuses a record of type $type with a field too many, at any depth', (event) => {
    expect(() => parseTraceRecord({ ...record(event), extra: 1 })).toThrow('extra');
    expect(() => parseTraceRecord({ ...record(event), context: { extra: 1 } })).toThrow('extra');
  });

  test.each([
    ['no object', null],
    ['another version', { ...record(EVENTS[0]!), schema_version: 1 }],
    ['a time that is none', { ...record(EVENTS[0]!), timestamp: 'yesterday' }],
    ['an unknown type', { ...record(EVENTS[0]!), type: 'other' }],
    ['a hash that is none', { ...record(EVENTS[1]!), prompt_hash: 'abc' }],
    ['a missing field', { ...record(EVENTS[8]!), done_reason: undefined }],
  ])('[TR1] refuses %s', (_, value) => {
    expect(() => parseTraceRecord(value)).toThrow(/invalid/i);
  });
});
