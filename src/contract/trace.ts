import type { JsonObject, JsonValue } from '../core/json.ts';

/** How much is traced: `standard` for calls and turns, `extended` for every stream event too. */
export type TraceLevel = 'standard' | 'extended';

/** The two levels by name. */
export const TraceLevel: { readonly Standard: 'standard'; readonly Extended: 'extended' } = Object.freeze({
  Standard: 'standard',
  Extended: 'extended',
});

/** Where a record belongs. The names are lash's wire format (schema version 2). */
export interface TraceContext {
  readonly run_id?: string;
  readonly experiment_id?: string;
  readonly candidate_id?: string;
  readonly candidate_parent_id?: string;
  readonly example_id?: string;
  readonly split?: string;
  readonly session_id?: string;
  readonly turn_id?: string;
  readonly graph_node_id?: string;
  readonly parent_graph_node_id?: string;
  readonly turn_index?: number;
  readonly mode_iteration?: number;
  readonly effect_id?: string;
  readonly llm_call_id?: string;
  readonly originating_tool_call_id?: string;
  readonly metadata?: JsonObject;
}

/** `base` with the set fields of `over` on top; metadata is merged key by key. */
export function mergeTraceContext(base: TraceContext, over: TraceContext): TraceContext {
  const metadata =
    base.metadata !== undefined || over.metadata !== undefined
      ? { metadata: { ...base.metadata, ...over.metadata } }
      : {};
  return { ...base, ...over, ...metadata };
}

/** A block of a traced message. Bytes and encrypted payloads are never traced, only that they are there. */
export type TraceBlock =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'image'; readonly attachment_idx: number }
  | {
      readonly kind: 'tool_call';
      readonly call_id: string;
      readonly tool_name: string;
      readonly input_json: JsonValue;
      readonly has_signature: boolean;
    }
  | {
      readonly kind: 'tool_result';
      readonly call_id: string;
      readonly tool_name: string;
      readonly content: string;
    }
  | {
      readonly kind: 'reasoning';
      readonly text: string;
      readonly summary: readonly string[];
      readonly has_encrypted: boolean;
      readonly redacted: boolean;
    };

/** A message of a traced request. */
export interface TraceMessage {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: readonly TraceBlock[];
}

/** Token counts as lash's tools read them. */
export interface TraceUsage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_input_tokens: number;
  readonly reasoning_tokens: number;
}

/** What a model call was asked. `messages` are those that are new since the last call of the session (law TR1). */
export interface TraceRequest {
  readonly model: string;
  readonly messages: readonly TraceMessage[];
  /** How many messages of the request are left out here because an earlier record shows them; absent when 0. */
  readonly messages_omitted?: number;
  readonly attachments?: readonly {
    readonly mime: string;
    readonly bytes_sha256?: string;
    readonly bytes_len?: number;
  }[];
  readonly tools?: readonly {
    readonly name: string;
    readonly description: string;
    readonly input_schema: JsonObject;
    readonly output_schema: null;
  }[];
  readonly tool_choice: 'auto' | 'none';
  readonly stream: true;
}

/** How a stream went. Times are milliseconds; `null` where nothing streamed. */
export interface TraceStreamSummary {
  readonly first_visible_token_latency_ms: number | null;
  readonly stream_duration_ms: number | null;
  readonly text_delta_count: number;
  readonly visible_chunk_count: number;
  readonly avg_visible_chunk_chars: number | null;
  readonly max_visible_chunk_chars: number | null;
}

/** What happened. */
export type TraceEvent =
  | { readonly type: 'turn_started'; readonly metadata?: JsonObject }
  | {
      readonly type: 'prompt_built';
      /** SHA-256 hex of the system prompt. */
      readonly prompt_hash: string;
      /** Length in code points. */
      readonly prompt_chars: number;
      readonly components: readonly {
        readonly id: string;
        readonly kind: string;
        readonly hash: string;
        readonly chars?: number;
      }[];
    }
  | { readonly type: 'llm_call_started'; readonly request: TraceRequest }
  | {
      readonly type: 'llm_call_completed';
      readonly response: {
        readonly text: string;
        readonly duration_ms: number;
        readonly terminal_reason: string;
        readonly parts?: readonly JsonObject[];
      };
      readonly usage?: TraceUsage;
      readonly stream_summary?: TraceStreamSummary;
    }
  | {
      readonly type: 'llm_call_failed';
      readonly error: {
        readonly message: string;
        readonly retryable: boolean;
        readonly terminal_reason?: string;
        readonly code?: string;
        readonly raw?: string;
      };
      readonly stream_summary?: TraceStreamSummary;
    }
  | {
      readonly type: 'runtime_stream_event';
      readonly event: {
        readonly sequence: number;
        readonly elapsed_ms: number;
        readonly event_name: string;
        readonly raw_text?: string;
        readonly visible_text?: string;
        readonly call_id?: string;
        readonly tool_name?: string;
        readonly input_json?: JsonValue;
        readonly usage?: TraceUsage;
      };
    }
  | {
      readonly type: 'tool_call_started';
      readonly call_id: string | null;
      readonly name: string;
      readonly args: JsonValue;
    }
  | {
      readonly type: 'tool_call_completed';
      readonly call_id: string | null;
      readonly name: string;
      readonly args: JsonValue;
      readonly output: {
        readonly outcome: {
          readonly status: 'success' | 'failure' | 'cancelled';
          readonly payload: JsonValue;
        };
      };
      readonly duration_ms: number;
    }
  | {
      readonly type: 'turn_completed';
      readonly status: 'completed' | 'failed';
      readonly done_reason: string;
    }
  /**
   * The runtime's own: `llm_call_not_made` (a call that failed before anything was asked), `plugin_failed` (a hook that nobody
   * waits for), `provider_failed_after_end`, `turn_not_resumed` (storage or a plugin refused), `task_changed` (rule BH10),
   * `tasks_damaged` (records that cannot be read: the session has no tasks), and `trace_dropped`.
   */
  | { readonly type: 'custom'; readonly name: string; readonly payload: JsonValue };

/** One line of a trace: lash's record, schema version 2. `timestamp` is RFC 3339 in UTC. */
export type TraceRecord = {
  readonly schema_version: 2;
  readonly id: string;
  readonly timestamp: string;
  readonly context: TraceContext;
} & TraceEvent;

/**
 * Where records go.
 *
 * - TS1 `append` returns at once and does not throw; the runtime counts and survives one that does (law TR2).
 * - TS2 `flush` resolves when what was appended before it is where it belongs, or was counted as dropped.
 */
export interface TraceSink {
  append(record: TraceRecord): void;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Removes what the sink keeps of a session, for good; a sink that keeps nothing has it not (law ST12). */
  deleteSession?(sessionId: string): Promise<void>;
}

/** A sink whose records can be read back, in the order in which they were appended. */
export interface ReadableTrace extends TraceSink {
  /** The trace's name: a download is called `<name>.jsonl`. */
  readonly name: string;
  /**
   * Lines of the trace, oldest first, as JSONL text: about `maxBytes` of them at most, starting behind `cursor` (absent:
   * at the beginning), of one session or of all.
   */
  readLines(request: {
    readonly sessionId?: string;
    readonly cursor?: string;
    readonly maxBytes: number;
  }): Promise<TraceChunk>;
}

/** Some lines of a trace. `cursor` stands behind the last one; `done` says that there were no more at that time. */
export interface TraceChunk {
  readonly text: string;
  readonly cursor: string;
  readonly done: boolean;
}
