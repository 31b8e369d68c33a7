import { byteCount } from './format.ts';

/** A trace record in the shape that the timeline needs; the rest of it is dropped once read. */
export interface TraceRow {
  readonly id: string;
  readonly type: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly turnId: string;
  readonly depth: 0 | 1;
  readonly label: string;
  readonly summary: string;
  readonly tone: 'plain' | 'good' | 'bad';
  /** What took time, and ended at `at`. */
  readonly durationMs?: number;
}

/** The rows of one turn, and the stretch of time that its bars are drawn in. */
export interface TraceTurn {
  readonly turnId: string;
  readonly from: number;
  readonly to: number;
  /** Whether its last record is there. */
  readonly ended: boolean;
  readonly rows: readonly TraceRow[];
}

interface LooseRecord {
  readonly id?: unknown;
  readonly type?: unknown;
  readonly timestamp?: unknown;
  readonly context?: { readonly turn_id?: unknown };
  readonly [field: string]: unknown;
}

/** The rows of some lines of JSONL. Lines that are no records are left out. @throws `SyntaxError` for what is not JSON. */
export function traceRows(jsonl: string): readonly TraceRow[] {
  const rows: TraceRow[] = [];
  for (const line of jsonl.split('\n')) {
    const row = line === '' ? undefined : rowOf(object(JSON.parse(line)));
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/**
 * Rows in groups of one turn each, in the order in which the turns began. Each tab stores its records when it comes to it,
 * so that those of two tabs lie in another order than they happened in; those of the same moment stay as they lie.
 */
export function traceTurns(rows: readonly TraceRow[]): readonly TraceTurn[] {
  const turns = new Map<string, TraceRow[]>();
  for (const row of rows.toSorted((a, b) => a.at - b.at)) {
    const group = turns.get(row.turnId);
    if (group === undefined) turns.set(row.turnId, [row]);
    else group.push(row);
  }
  return [...turns].map(([turnId, group]) => ({
    turnId,
    from: Math.min(...group.map((row) => row.at - (row.durationMs ?? 0))),
    to: Math.max(...group.map((row) => row.at)),
    ended: group.some(({ type }) => type === 'turn_completed'),
    rows: group,
  }));
}

function rowOf(record: LooseRecord): TraceRow | undefined {
  const at = Date.parse(text(record.timestamp));
  if (Number.isNaN(at)) return undefined;
  const type = text(record.type);
  return {
    id: text(record.id),
    type,
    at,
    turnId: text(record.context?.turn_id),
    ...describe(type, record),
  };
}

type Description = Pick<TraceRow, 'depth' | 'label' | 'summary' | 'tone' | 'durationMs'>;

function describe(type: string, record: LooseRecord): Description {
  switch (type) {
    case 'turn_started':
      return plain(0, 'turn started');
    case 'turn_completed':
      return {
        depth: 0,
        label: 'turn ended',
        summary: text(record['done_reason']).replaceAll('_', ' '),
        tone: toneOf(record['status'] === 'completed', record['done_reason'] === 'cancelled'),
      };
    case 'prompt_built':
      return plain(1, 'prompt', `${text(record['prompt_chars'])} characters`);
    case 'llm_call_started': {
      const request = object(record['request']);
      const fresh = Array.isArray(request['messages']) ? request['messages'].length : 0;
      const omitted = typeof request['messages_omitted'] === 'number' ? request['messages_omitted'] : 0;
      const all = fresh + omitted;
      const messages = all === 1 ? '1 message' : `${all} messages`;
      return plain(1, 'model call', `${text(request['model'])}, ${messages}, ${fresh} new`);
    }
    case 'llm_call_completed': {
      const response = object(record['response']);
      const usage = object(record['usage']);
      const tokens =
        usage['output_tokens'] === undefined
          ? ''
          : `, ${text(usage['output_tokens'])} ${usage['output_tokens'] === 1 ? 'token' : 'tokens'}`;
      return {
        depth: 1,
        label: 'model answered',
        summary: `${text(response['terminal_reason'])}${tokens}`,
        tone: 'good',
        ...took(response['duration_ms']),
      };
    }
    case 'llm_call_failed': {
      const error = object(record['error']);
      const stopped = error['terminal_reason'] === 'cancelled';
      return {
        depth: 1,
        label: stopped ? 'model call stopped' : 'model call failed',
        summary: text(error['code'] ?? error['message']),
        tone: toneOf(false, stopped),
        ...took(object(record['stream_summary'])['stream_duration_ms']),
      };
    }
    case 'tool_call_started':
      return plain(1, `${text(record['name'])} called`, JSON.stringify(record['args'] ?? null));
    case 'tool_call_completed': {
      const outcome = object(object(record['output'])['outcome']);
      return {
        depth: 1,
        label: `${text(record['name'])} ${outcome['status'] === 'success' ? 'returned' : 'ended'}`,
        summary: text(outcome['status']),
        tone: toneOf(outcome['status'] === 'success', outcome['status'] === 'cancelled'),
        ...took(record['duration_ms']),
      };
    }
    case 'runtime_stream_event':
      return plain(1, 'stream', text(object(record['event'])['event_name']));
    case 'custom':
      return ofRuntime(text(record['name']), record['payload']);
    default:
      return plain(0, type.replaceAll('_', ' '));
  }
}

/** What the runtime says of itself, and of a name that is not known yet, as it stands there. */
function ofRuntime(name: string, payload: unknown): Description {
  const { code, message, error, records, bytes } = object(payload);
  switch (name) {
    case 'llm_call_not_made': {
      const cause = object(error);
      const summary = text(cause['code'] ?? cause['message']);
      const tone = toneOf(false, cause['code'] === 'Cancelled');
      return { depth: 1, label: 'model not asked', summary, tone };
    }
    case 'plugin_failed':
      return bad(1, 'extension failed', text(message));
    case 'provider_failed_after_end':
      return plain(1, 'provider failed after the answer', text(message));
    case 'turn_not_resumed':
      return bad(0, 'turn not gone on with', text(code ?? message));
    case 'tasks_damaged':
      return bad(0, 'tasks cannot be read', text(message));
    case 'trace_dropped': {
      const lost = `${text(records)} ${records === 1 ? 'record' : 'records'}, ${byteCount(Number(bytes))}`;
      return plain(0, 'part of the trace is missing', lost);
    }
    case 'task_changed':
      return ofTask(object(payload));
    default:
      return plain(0, name.replaceAll('_', ' '), JSON.stringify(payload ?? null));
  }
}

function ofTask({ title, state, moved_to: movedTo }: Readonly<Record<string, unknown>>): Description {
  const step = movedTo === undefined ? text(state).replaceAll('_', ' ') : 'moved to another session';
  const tone = state === 'completed' ? 'good' : state === 'failed' ? 'bad' : 'plain';
  return { depth: 0, label: `task ${step}`, summary: text(title), tone };
}

function plain(depth: 0 | 1, label: string, summary = ''): Description {
  return { depth, label, summary, tone: 'plain' };
}

function bad(depth: 0 | 1, label: string, summary: string): Description {
  return { depth, label, summary, tone: 'bad' };
}

function toneOf(good: boolean, stopped: boolean): TraceRow['tone'] {
  if (good) return 'good';
  return stopped ? 'plain' : 'bad';
}

function took(value: unknown): { readonly durationMs?: number } {
  return typeof value === 'number' ? { durationMs: value } : {};
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : '';
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
