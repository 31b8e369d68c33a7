import { type JsonValue, MAX_JSON_DEPTH } from '../../core/json.ts';
import type { Message, Part } from '../../core/message.ts';
import type { ConversationBody, NodeBody, NodeDraft, ToolBody } from '../../core/node.ts';
import type { ToolInvocation } from '../../core/tool-call.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { given } from '../given.ts';
import { readAttachment, readOverflow } from './attachment-reader.ts';
import { parseHostile } from './hostile-json.ts';
import type { ImportFields } from './import-fields.ts';
import { fromTimestamp } from './node-record.ts';
import { readOutcome } from './outcome-reader.ts';

/** A node as a file has it: its ids are the file's own. */
export interface ImportedNode {
  readonly id: string;
  readonly parentId: string | null;
  readonly pinned: boolean;
  readonly draft: NodeDraft;
}

const ROLES = { User: 'user', Assistant: 'assistant', System: 'system' } as const;
const STATUSES = ['complete', 'cancelled', 'incomplete'] as const;
const PART_KINDS = ['Text', 'Reasoning', 'Image', 'ToolCall'] as const;

/** What `nodeRecord` wrote. Takes the fields that it knows into new objects. @throws `ImportInvalid` */
export function readNodeRecord(record: ImportFields): ImportedNode {
  const createdAt = readTimestamp(record, 'timestamp');
  const extras = record.optionalFields('lash_web');
  return {
    id: record.text('node_id'),
    parentId: record.optionalText('parent_node_id') ?? null,
    pinned: extras?.optionalJson('pinned') === true,
    draft: { createdAt, body: readBody(record, extras) },
  };
}

/** What `toTimestamp` wrote. @throws `ImportInvalid` */
export function readTimestamp(record: ImportFields, name: string): number {
  const unixMs = fromTimestamp(record.json(name));
  if (unixMs === undefined)
    throw record.fault(name, 'is not a time from 1970 on, in UTC and with milliseconds');
  return unixMs;
}

function readBody(record: ImportFields, extras: ImportFields | undefined): NodeBody {
  if (record.oneOf('kind', ['event', 'plugin']) === 'plugin') {
    return { kind: 'plugin', pluginType: record.text('plugin_type'), data: record.json('body') };
  }
  const event = record.fields('event');
  const call = event.optionalFields('Tool');
  return call === undefined
    ? readConversation(event.fields('Conversation'), extras)
    : readTool(call.fields('Invocation').fields('record'), extras);
}

function readConversation(record: ImportFields, extras: ImportFields | undefined): ConversationBody {
  const status = extras?.optionalText('status');
  const usage = extras?.optionalFields('usage');
  const role = ROLES[record.oneOf('role', ['User', 'Assistant', 'System'])];
  const message: Message = {
    role,
    parts: record.list('parts').map(readPart),
    ...(extras === undefined || status === undefined ? {} : { status: extras.oneOf('status', STATUSES) }),
  };
  return {
    kind: 'conversation',
    message,
    ...given('turnId', extras?.optionalText('turn_id')),
    ...given('model', extras?.optionalText('model')),
    ...given('usage', usage && readUsage(usage)),
  };
}

function readTool(record: ImportFields, extras: ImportFields | undefined): ToolBody {
  const invocation: ToolInvocation = {
    callId: record.text('call_id'),
    tool: record.text('tool'),
    args: record.json('args'),
    outcome: readOutcome(record.fields('output')),
    durationMs: record.number('duration_ms'),
    ...readOverflow(record.optionalFields('lash_web')),
  };
  return { kind: 'tool', invocation, ...given('turnId', extras?.optionalText('turn_id')) };
}

function readPart(part: ImportFields): Part {
  const kind = part.oneOf('kind', PART_KINDS);
  const attachment = part.optionalFields('attachment');
  const extras = part.optionalFields('lash_web');
  const replay = extras?.optionalObject('replay');
  switch (kind) {
    case 'Image':
      return { type: 'image', attachment: readAttachment(part.fields('attachment').fields('reference')) };
    case 'Text':
      return attachment === undefined
        ? { type: 'text', text: part.text('content'), ...given('replay', replay), ...readOverflow(extras) }
        : { type: 'file', attachment: readAttachment(attachment.fields('reference')) };
    case 'Reasoning':
      return {
        type: 'reasoning',
        text: part.text('content'),
        ...given('replay', replay),
        ...readOverflow(extras),
      };
    case 'ToolCall':
      return {
        type: 'tool-call',
        callId: part.text('tool_call_id'),
        tool: part.text('tool_name'),
        args: readArguments(part),
        ...given('replay', replay),
        ...readOverflow(extras),
      };
  }
}

/** As lash has it, a model's arguments are JSON text within the line. */
function readArguments(part: ImportFields): JsonValue {
  return parseHostile(part.text('content'), part.line, MAX_JSON_DEPTH);
}

function readUsage(usage: ImportFields): TokenUsage {
  return {
    inputTokens: usage.count('input_tokens'),
    outputTokens: usage.count('output_tokens'),
    cachedInputTokens: usage.count('cached_input_tokens'),
    reasoningTokens: usage.count('reasoning_tokens'),
  };
}
