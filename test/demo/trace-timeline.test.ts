import { describe, expect, test } from 'vitest';

import type { TraceEvent, TraceRecord } from '../../src/contract/trace.ts';
import { traceRows, traceTurns, type TraceRow } from '../../src/demo/app/trace-timeline.ts';

const START = Date.UTC(2026, 10, 22, 12);

function record(event: TraceEvent, atMs = 0, turnId: string | null = 't1', id = 'r'): TraceRecord {
  return {
    schema_version: 2,
    id,
    timestamp: new Date(START + atMs).toISOString(),
    context: turnId === null ? {} : { turn_id: turnId },
    ...event,
  };
}

const jsonl = (...records: readonly unknown[]): string =>
  records.map((line) => `${JSON.stringify(line)}\n`).join('');

function rowOf(event: TraceEvent): TraceRow | undefined {
  return traceRows(jsonl(record(event)))[0];
}

const request = { model: 'm', tool_choice: 'auto', stream: true } as const;
const hello = { role: 'user', blocks: [{ kind: 'text', text: 'hello' }] } as const;
const stream = {
  first_visible_token_latency_ms: 1,
  stream_duration_ms: 9,
  text_delta_count: 1,
  visible_chunk_count: 1,
  avg_visible_chunk_chars: 1,
  max_visible_chunk_chars: 1,
};

describe('a row of the timeline', () => {
  const rows: readonly { readonly event: TraceEvent; readonly row: Partial<TraceRow> }[] = [
    { event: { type: 'turn_started' }, row: { depth: 0, label: 'turn started', summary: '', tone: 'plain' } },
    {
      event: { type: 'turn_completed', status: 'completed', done_reason: 'assistant_message' },
      row: { depth: 0, label: 'turn ended', summary: 'assistant message', tone: 'good' },
    },
    {
      event: { type: 'turn_completed', status: 'failed', done_reason: 'provider_error' },
      row: { depth: 0, label: 'turn ended', summary: 'provider error', tone: 'bad' },
    },
    {
      event: { type: 'turn_completed', status: 'failed', done_reason: 'cancelled' },
      row: { depth: 0, label: 'turn ended', summary: 'cancelled', tone: 'plain' },
    },
    {
      event: { type: 'prompt_built', prompt_hash: 'h', prompt_chars: 790, components: [] },
      row: { depth: 1, label: 'prompt', summary: '790 characters', tone: 'plain' },
    },
    {
      event: { type: 'llm_call_started', request: { ...request, messages: [hello] } },
      row: { depth: 1, label: 'model call', summary: 'm, 1 message, 1 new', tone: 'plain' },
    },
    {
      event: {
        type: 'llm_call_started',
        request: { ...request, messages: [hello, hello], messages_omitted: 5 },
      },
      row: { summary: 'm, 7 messages, 2 new' },
    },
    {
      event: {
        type: 'llm_call_completed',
        response: { text: 'hi', duration_ms: 12, terminal_reason: 'stop' },
      },
      row: { depth: 1, label: 'model answered', summary: 'stop', tone: 'good', durationMs: 12 },
    },
    {
      event: {
        type: 'llm_call_completed',
        response: { text: 'hi', duration_ms: 12, terminal_reason: 'stop' },
        usage: { input_tokens: 1, output_tokens: 7, cached_input_tokens: 0, reasoning_tokens: 0 },
      },
      row: { summary: 'stop, 7 tokens', durationMs: 12 },
    },
    {
      event: {
        type: 'llm_call_failed',
        error: { message: 'no', retryable: true, code: 'ProviderUnavailable' },
        stream_summary: stream,
      },
      row: {
        depth: 1,
        label: 'model call failed',
        summary: 'ProviderUnavailable',
        tone: 'bad',
        durationMs: 9,
      },
    },
    {
      event: { type: 'llm_call_failed', error: { message: 'no', retryable: false } },
      row: { label: 'model call failed', summary: 'no', tone: 'bad' },
    },
    {
      event: {
        type: 'llm_call_failed',
        error: { message: 'stopped', retryable: false, terminal_reason: 'cancelled' },
        stream_summary: { ...stream, stream_duration_ms: null },
      },
      row: { label: 'model call stopped', tone: 'plain' },
    },
    {
      event: { type: 'tool_call_started', call_id: 'c', name: 'saw', args: { teeth: 3 } },
      row: { depth: 1, label: 'saw called', summary: '{"teeth":3}', tone: 'plain' },
    },
    ...(
      [
        ['success', 'saw returned', 'good'],
        ['failure', 'saw ended', 'bad'],
        ['cancelled', 'saw ended', 'plain'],
      ] as const
    ).map(([status, label, tone]) => ({
      event: {
        type: 'tool_call_completed',
        call_id: 'c',
        name: 'saw',
        args: {},
        output: { outcome: { status, payload: 1 } },
        duration_ms: 3,
      } as const,
      row: { depth: 1, label, summary: status, tone, durationMs: 3 } as const,
    })),
    {
      event: {
        type: 'runtime_stream_event',
        event: { sequence: 0, elapsed_ms: 1, event_name: 'text_delta', raw_text: 'h' },
      },
      row: { depth: 1, label: 'stream', summary: 'text_delta', tone: 'plain' },
    },
    ...(
      [
        [
          'llm_call_not_made',
          { error: { code: 'ContextOverflow', message: 'too long' } },
          { depth: 1, label: 'model not asked', summary: 'ContextOverflow', tone: 'bad' },
        ],
        [
          'llm_call_not_made',
          { error: { code: 'Cancelled', message: 'stopped' } },
          { depth: 1, label: 'model not asked', summary: 'Cancelled', tone: 'plain' },
        ],
        [
          'plugin_failed',
          { message: 'it threw' },
          { depth: 1, label: 'extension failed', summary: 'it threw', tone: 'bad' },
        ],
        [
          'provider_failed_after_end',
          { message: 'it threw' },
          { depth: 1, label: 'provider failed after the answer', summary: 'it threw', tone: 'plain' },
        ],
        [
          'turn_not_resumed',
          { code: 'StorageFull', message: 'no space' },
          { depth: 0, label: 'turn not gone on with', summary: 'StorageFull', tone: 'bad' },
        ],
        [
          'tasks_damaged',
          { message: 'a record is odd' },
          { depth: 0, label: 'tasks cannot be read', summary: 'a record is odd', tone: 'bad' },
        ],
        [
          'trace_dropped',
          { records: 2, bytes: 2048 },
          { depth: 0, label: 'part of the trace is missing', summary: '2 records, 2.0 KB', tone: 'plain' },
        ],
        [
          'trace_dropped',
          { records: 1, bytes: 10 },
          { depth: 0, label: 'part of the trace is missing', summary: '1 record, 10 bytes', tone: 'plain' },
        ],
        ['brand_new', { left: 2 }, { depth: 0, label: 'brand new', summary: '{"left":2}', tone: 'plain' }],
      ] as const
    ).map(([name, payload, row]) => ({ event: { type: 'custom', name, payload } as const, row })),
    ...(
      [
        [{ state: 'cancel_requested' }, 'cancel requested', 'plain'],
        [{ state: 'completed' }, 'completed', 'good'],
        [{ state: 'failed' }, 'failed', 'bad'],
        [{ state: 'running', moved_to: 'p' }, 'moved to another session', 'plain'],
      ] as const
    ).map(([payload, step, tone]) => ({
      event: { type: 'custom', name: 'task_changed', payload: { ...payload, title: 'Counts' } } as const,
      row: { depth: 0, label: `task ${step}`, summary: 'Counts', tone } as const,
    })),
  ];

  test.each(rows)('says what happened: $event.type, "$row.summary"', ({ event, row }) => {
    const shown = rowOf(event);
    expect(shown).toMatchObject({ id: 'r', type: event.type, at: START, turnId: 't1', ...row });
    expect(shown?.durationMs).toBe(row.durationMs);
  });

  test('is there for a type that is not known yet', () => {
    const [row] = traceRows(jsonl({ ...record({ type: 'turn_started' }), type: 'brand_new' }));
    expect(row).toMatchObject({ type: 'brand_new', label: 'brand new', tone: 'plain' });
  });
});

describe('lines of JSONL', () => {
  test('become rows in their order', () => {
    const lines = ['a', 'b', 'c'].map((id, index) => record({ type: 'turn_started' }, index, 't', id));
    expect(traceRows(jsonl(...lines)).map(({ id, at }) => [id, at - START])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(traceRows('')).toEqual([]);
  });

  test('that are no records are left out', () => {
    const [row, ...others] = traceRows(
      `\n${jsonl(null, 5, 'text', [], {}, { timestamp: 'soon' }, record({ type: 'turn_started' }))}`,
    );
    expect([row?.label, others]).toEqual(['turn started', []]);
  });

  test('with fields of other kinds are shown as far as they go', () => {
    const timestamp = new Date(START).toISOString();
    const types = [
      'llm_call_started',
      'llm_call_completed',
      'llm_call_failed',
      'tool_call_completed',
      'custom',
    ];
    const rows = traceRows(
      jsonl(
        ...types.map((type) => ({ type, timestamp, context: null, response: 7, output: 'x', request: [] })),
      ),
    );
    expect(rows.map(({ type, turnId }) => [type, turnId])).toEqual(types.map((type) => [type, '']));
  });

  test('that are no JSON are refused', () => {
    expect(() => traceRows('{"id":')).toThrow(SyntaxError);
  });
});

describe('the turns of the timeline', () => {
  test('begin in order, keep their rows together, and span all that took time in them', () => {
    const call: TraceEvent = {
      type: 'llm_call_completed',
      response: { text: '', duration_ms: 500, terminal_reason: 'stop' },
    };
    const rows = traceRows(
      jsonl(
        record({ type: 'turn_started' }, 100, 't2'),
        record({ type: 'custom', name: 'n', payload: null }, 150, null),
        record({ type: 'turn_started' }, 200, 't1'),
        record(call, 400, 't2'),
      ),
    );
    expect(
      traceTurns(rows).map((turn) => [turn.turnId, turn.from - START, turn.to - START, turn.rows.length]),
    ).toEqual([
      ['t2', -100, 400, 2],
      ['', 150, 150, 1],
      ['t1', 200, 200, 1],
    ]);
    expect(traceTurns([])).toEqual([]);
  });

  test('show what two tabs recorded in the order in which it happened', () => {
    const rows = traceRows(
      jsonl(
        record({ type: 'turn_started' }, 100, 't2', 'other turn'),
        record({ type: 'turn_started' }, 0, 't1', 'begun here'),
        record({ type: 'turn_started' }, 20, 't1', 'gone on with there'),
        record({ type: 'custom', name: 'n', payload: null }, 20, 't1', 'at the same moment'),
        record({ type: 'custom', name: 'n', payload: null }, 10, 't1', 'told late by the first tab'),
      ),
    );
    expect(traceTurns(rows).map((turn) => turn.rows.map(({ id }) => id))).toEqual([
      ['begun here', 'told late by the first tab', 'gone on with there', 'at the same moment'],
      ['other turn'],
    ]);
  });

  test('know whether their last record is there', () => {
    const rows = traceRows(
      jsonl(
        record({ type: 'turn_started' }, 0, 't1'),
        record({ type: 'turn_started' }, 0, 't2'),
        record({ type: 'turn_completed', status: 'failed', done_reason: 'cancelled' }, 0, 't2'),
      ),
    );
    expect(traceTurns(rows).map(({ ended }) => ended)).toEqual([false, true]);
  });
});
