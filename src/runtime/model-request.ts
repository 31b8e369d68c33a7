import type { AttachmentStore } from '../contract/attachments.ts';
import type { PromptMessage, PromptPart } from '../contract/provider.ts';
import type { AttachmentRef } from '../core/attachment.ts';
import type { Message, Part } from '../core/message.ts';
import type { SessionNode } from '../core/node.ts';
import { outcomeText, type ToolInvocation, type ToolOutcome } from '../core/tool-call.ts';
import { wholeJson, wholeText } from './overflow.ts';

/**
 * What a model reads for these nodes of a path: messages in order, the results of a step's tools as one message behind
 * the calls, attachments resolved. Plugin nodes and empty messages are left out.
 *
 * @throws `AttachmentNotFound` when the bytes of an attachment are gone.
 */
export async function promptMessages(
  nodes: readonly SessionNode[],
  store: AttachmentStore,
): Promise<readonly PromptMessage[]> {
  const messages: PromptMessage[] = [];
  let results: PromptPart[] = [];
  for (const { body } of nodes) {
    if (body.kind === 'tool') {
      if (results.length === 0) messages.push({ role: 'tool', parts: results });
      results.push(await toolResult(body.invocation, store));
    } else if (body.kind === 'conversation') {
      results = [];
      const message = await promptMessage(body.message, store);
      if (message.parts.length > 0) messages.push(message);
    }
  }
  return messages;
}

/** How a model is told of a file that it can read with a tool. */
export function fileLine({ id, mime, byteLength, name }: AttachmentRef): string {
  return `[file "${name ?? 'unnamed'}" (${mime}, ${byteLength} bytes), attachment id ${id}]`;
}

async function promptMessage(message: Message, store: AttachmentStore): Promise<PromptMessage> {
  const parts: PromptPart[] = [];
  for (const part of message.parts) {
    const resolved = await promptPart(part, store);
    if (resolved.type !== 'text' || resolved.text !== '') parts.push(resolved);
  }
  return { role: message.role === 'assistant' ? 'assistant' : 'user', parts };
}

async function promptPart(part: Part, store: AttachmentStore): Promise<PromptPart> {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: await wholeText(part, store) };
    case 'reasoning': {
      const text = await wholeText(part, store);
      return { type: 'reasoning', text, ...(part.replay === undefined ? {} : { replay: part.replay }) };
    }
    case 'image': {
      const blob = await store.get(part.attachment.id);
      return { type: 'image', mime: part.attachment.mime, data: new Uint8Array(await blob.arrayBuffer()) };
    }
    case 'file':
      return { type: 'text', text: fileLine(part.attachment) };
    case 'tool-call': {
      const { callId, tool, replay } = part;
      const args = await wholeJson(part.args, part.overflow, store);
      return { type: 'tool-call', callId, tool, args, ...(replay === undefined ? {} : { replay }) };
    }
  }
}

async function toolResult(invocation: ToolInvocation, store: AttachmentStore): Promise<PromptPart> {
  const { callId, tool } = invocation;
  const outcome = await wholeOutcome(invocation.outcome, store);
  return { type: 'tool-result', callId, tool, status: outcome.status, content: outcomeText(outcome) };
}

async function wholeOutcome(outcome: ToolOutcome, store: AttachmentStore): Promise<ToolOutcome> {
  if (outcome.status !== 'success' || outcome.overflow === undefined) return outcome;
  return { status: 'success', value: await wholeJson(outcome.value, outcome.overflow, store) };
}
