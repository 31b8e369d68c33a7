import type { AttachmentRef } from '../../core/attachment.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Part } from '../../core/message.ts';
import type { NodeBody, SessionNode } from '../../core/node.ts';
import type { ToolInvocation, ToolOutcome } from '../../core/tool-call.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { attachmentRecord, outcomeRecord } from '../outcome-record.ts';

/** The last moment that RFC 3339 can name. */
const LAST_TEXT_TIME = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const ROLES = { user: 'User', assistant: 'Assistant', system: 'System' } as const;

/** The `node` line of a node: lash's record of it. `pinned` says that the host keeps it reachable. */
export function nodeRecord({ id, parentId, createdAt, body }: SessionNode, pinned: boolean): JsonObject {
  return {
    type: 'node',
    node_id: id,
    parent_node_id: parentId ?? undefined,
    timestamp: toTimestamp(createdAt),
    ...bodyRecord(id, body),
    lash_web: someOf({ ...extrasOf(body), pinned: pinned ? true : undefined }),
  };
}

/** RFC 3339 in UTC; a time after the year 9999 stays the number that it is. */
export function toTimestamp(unixMs: number): string | number {
  return unixMs <= LAST_TEXT_TIME ? new Date(unixMs).toISOString() : unixMs;
}

/** What {@link toTimestamp} was given, or `undefined` if `timestamp` does not come from it. */
export function fromTimestamp(timestamp: JsonValue | undefined): number | undefined {
  const unixMs = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp;
  if (typeof unixMs !== 'number' || !Number.isSafeInteger(unixMs) || unixMs < 0) return undefined;
  return toTimestamp(unixMs) === timestamp ? unixMs : undefined;
}

function bodyRecord(id: string, body: NodeBody): JsonObject {
  if (body.kind === 'plugin') return { kind: 'plugin', plugin_type: body.pluginType, body: body.data };
  if (body.kind === 'tool')
    return { kind: 'event', event: { Tool: { Invocation: callRecord(body.invocation) } } };
  const { role, parts } = body.message;
  return {
    kind: 'event',
    event: { Conversation: { id, role: ROLES[role], parts: parts.map(partRecord) } },
  };
}

function extrasOf(body: NodeBody): JsonObject {
  if (body.kind === 'plugin') return {};
  if (body.kind === 'tool') return { turn_id: body.turnId };
  const { turnId, model, usage, message } = body;
  return {
    turn_id: turnId,
    model,
    usage: usage === undefined ? undefined : usageRecord(usage),
    status: message.status,
  };
}

function partRecord(part: Part, index: number): JsonObject {
  const id = `p${index}`;
  switch (part.type) {
    case 'text':
    case 'reasoning': {
      const kind = part.type === 'text' ? 'Text' : 'Reasoning';
      const extras = someOf({ ...overflowOf(part.overflow), replay: part.replay });
      return { id, kind, content: part.text, prune_state: 'Intact', lash_web: extras };
    }
    case 'image':
    case 'file': {
      const kind = part.type === 'image' ? 'Image' : 'Text';
      const attachment = { reference: attachmentRecord(part.attachment) };
      return { id, kind, content: '', attachment, prune_state: 'Intact' };
    }
    case 'tool-call': {
      const { callId, tool, args, overflow, replay } = part;
      return {
        id,
        kind: 'ToolCall',
        content: JSON.stringify(args),
        tool_call_id: callId,
        tool_name: tool,
        prune_state: 'Intact',
        lash_web: someOf({ ...overflowOf(overflow), replay }),
      };
    }
  }
}

function callRecord({ callId, tool, args, overflow, outcome, durationMs }: ToolInvocation): JsonObject {
  return {
    stable_key: callId,
    record: {
      call_id: callId,
      tool,
      args,
      output: { outcome: { ...outcomeRecord(outcome) }, ...outcomeExtras(outcome) },
      duration_ms: durationMs,
      lash_web: overflowOf(overflow),
    },
  };
}

function outcomeExtras(outcome: ToolOutcome): JsonObject {
  if (outcome.status !== 'success') return {};
  const { overflow, attachments } = outcome;
  return { lash_web: someOf({ ...overflowOf(overflow), attachments: attachments?.length }) };
}

function overflowOf(overflow: AttachmentRef | undefined): JsonObject | undefined {
  return overflow === undefined ? undefined : { overflow: attachmentRecord(overflow) };
}

function usageRecord(usage: TokenUsage): JsonObject {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    reasoning_tokens: usage.reasoningTokens,
  };
}

/** `fields`, or `undefined` if all of them are absent. */
function someOf(fields: JsonObject): JsonObject | undefined {
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}
