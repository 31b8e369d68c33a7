import type { TraceBlock, TraceMessage, TraceRequest } from '../../contract/trace.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import type { Part } from '../../core/message.ts';
import type { ModelRequest } from '../../core/model-request.ts';
import type { SessionNode } from '../../core/node.ts';
import { outcomeText, type ToolInvocation } from '../../core/tool-call.ts';

/**
 * The records of a session's requests. Each holds the messages that no earlier one shows, and the number of the others,
 * so that a trace grows with the turn and not with the path (law TR1).
 */
export class RequestTrace {
  #system: string | null = null;
  #leaf: string | null = null;

  /** The record of `request`, which shows the model these nodes of the path. */
  next(request: ModelRequest, model: string, nodes: readonly SessionNode[], turnId: string): TraceRequest {
    const attachments: AttachmentRef[] = [];
    const messages = traceMessages(untraced(nodes, this.#leaf, turnId), attachments);
    if (request.system !== this.#system) {
      messages.unshift({ role: 'system', blocks: [{ kind: 'text', text: request.system }] });
    }
    this.#system = request.system;
    this.#leaf = nodes.at(-1)?.id ?? null;
    const omitted = request.messages.length + 1 - messages.length;
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
}

/** Nodes that no earlier record shows. After a reload those are the turn's own, and at least the newest one. */
function untraced(
  nodes: readonly SessionNode[],
  tracedLeaf: string | null,
  turnId: string,
): readonly SessionNode[] {
  const last = nodes.findLastIndex(({ id }) => id === tracedLeaf);
  if (last >= 0) return nodes.slice(last + 1);
  const own = nodes.findIndex(({ body }) => body.kind !== 'plugin' && body.turnId === turnId);
  return nodes.slice(own >= 0 ? own : -1);
}

/** The results of a step are one message, as they are in the request. */
function traceMessages(nodes: readonly SessionNode[], attachments: AttachmentRef[]): TraceMessage[] {
  const messages: TraceMessage[] = [];
  let results: TraceBlock[] = [];
  for (const { body } of nodes) {
    if (body.kind === 'tool') {
      if (results.length === 0) messages.push({ role: 'user', blocks: results });
      results.push(traceResult(body.invocation));
      results.push(...traceImages(body.invocation, attachments));
    } else if (body.kind === 'conversation') {
      results = [];
      const { role, parts } = body.message;
      if (parts.length > 0)
        messages.push({ role, blocks: parts.map((part) => traceBlock(part, attachments)) });
    }
  }
  return messages;
}

function traceResult({ callId, tool, outcome }: ToolInvocation): TraceBlock {
  const overflow = outcome.status === 'success' ? outcome.overflow : undefined;
  const content = overflow === undefined ? outcomeText(outcome) : elsewhere(overflow);
  return { kind: 'tool_result', call_id: callId, tool_name: tool, content };
}

/** Images that a tool returned stand behind its result, as lash has them. */
function traceImages({ outcome }: ToolInvocation, attachments: AttachmentRef[]): TraceBlock[] {
  const returned = (outcome.status === 'success' ? outcome.attachments : undefined) ?? [];
  return returned.map((ref) => {
    attachments.push(ref);
    return { kind: 'image', attachment_idx: attachments.length - 1 };
  });
}

function traceBlock(part: Part, attachments: AttachmentRef[]): TraceBlock {
  switch (part.type) {
    case 'text':
      return { kind: 'text', text: shownText(part) };
    case 'reasoning':
      return {
        kind: 'reasoning',
        text: shownText(part),
        summary: [],
        has_encrypted: false,
        redacted: false,
      };
    case 'image':
    case 'file':
      attachments.push(part.attachment);
      return { kind: 'image', attachment_idx: attachments.length - 1 };
    case 'tool-call': {
      const { callId, tool, args, overflow } = part;
      const input = overflow === undefined ? args : elsewhere(overflow);
      const signed = part.replay !== undefined;
      return {
        kind: 'tool_call',
        call_id: callId,
        tool_name: tool,
        input_json: input,
        has_signature: signed,
      };
    }
  }
}

function shownText({ text, overflow }: { readonly text: string; readonly overflow?: AttachmentRef }): string {
  return overflow === undefined ? text : `${text}… ${elsewhere(overflow)}`;
}

function elsewhere({ id, byteLength }: AttachmentRef): string {
  return `[whole in attachment ${id}, ${byteLength} bytes]`;
}

function traceAttachment(ref: AttachmentRef): NonNullable<TraceRequest['attachments']>[number] {
  return { mime: ref.mime, bytes_sha256: ref.id, bytes_len: ref.byteLength };
}

function traceTool(tool: ModelRequest['tools'][number]): NonNullable<TraceRequest['tools']>[number] {
  const { name, description, inputSchema } = tool;
  return { name, description, input_schema: inputSchema, output_schema: null };
}
