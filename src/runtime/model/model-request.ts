import type { AttachmentRef } from '../../core/attachment.ts';
import { type Message, type Part, type ToolCallPart, toolCallsOf } from '../../core/message.ts';
import type { PromptImage, PromptMessage, PromptPart } from '../../core/model-request.ts';
import type { NodeBody, SessionNode } from '../../core/node.ts';
import type { ToolInvocation } from '../../core/tool-call.ts';
import { wholeJson, wholeText } from '../history/overflow.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import type { ResultTexts } from './result-texts.ts';

/**
 * What a model reads for these nodes of a path: messages in order, the results of a step's tools as one message behind
 * the calls, attachments resolved. Plugin nodes and empty messages are left out.
 *
 * No provider takes a call without a result, nor a result without its call. A path can hold both, as a branch may begin
 * at any node: such a call is told to have an unknown outcome, and such a result is left out.
 *
 * @throws `AttachmentNotFound` when the bytes of an attachment are gone.
 */
export async function promptMessages(
  nodes: readonly SessionNode[],
  store: SessionAttachmentStore,
  texts: ResultTexts,
): Promise<readonly PromptMessage[]> {
  const messages: PromptMessage[] = [];
  const unanswered = new Map<string, ToolCallPart>();
  let results: PromptPart[] = [];
  const endStep = (): void => {
    results.push(...[...unanswered.values()].map(unknownResult));
    unanswered.clear();
    if (results.length > 0) messages.push({ role: 'tool', parts: results });
    results = [];
  };
  for (const { body } of nodes) {
    if (body.kind === 'tool') {
      const { invocation } = body;
      if (unanswered.delete(invocation.callId)) results.push(await toolResult(invocation, store, texts));
    } else if (body.kind === 'conversation') {
      endStep();
      const message = await promptMessage(body.message, store);
      if (message.parts.length > 0) messages.push(message);
      for (const call of toolCallsOf(body.message)) unanswered.set(call.callId, call);
    }
  }
  endStep();
  return messages;
}

/** How a model is told of a file that it can read with a tool. */
export function fileLine({ id, mime, byteLength, name }: AttachmentRef): string {
  return `[file "${name ?? 'unnamed'}" (${mime}, ${byteLength} bytes), attachment id ${id}]`;
}

/** The images and files in these nodes, and where long results lie, each once. */
export function attachmentsOf(nodes: readonly SessionNode[]): readonly AttachmentRef[] {
  const found = new Map<string, AttachmentRef>();
  for (const { body } of nodes) for (const ref of namedIn(body)) found.set(ref.id, ref);
  return [...found.values()];
}

/** The attachments of a node that a model knows by their ids. */
function namedIn(body: NodeBody): readonly AttachmentRef[] {
  if (body.kind === 'conversation') {
    return body.message.parts.flatMap((part) =>
      part.type === 'image' || part.type === 'file' ? [part.attachment] : [],
    );
  }
  if (body.kind === 'plugin' || body.invocation.outcome.status !== 'success') return [];
  const { overflow, attachments = [] } = body.invocation.outcome;
  return overflow === undefined ? attachments : [...attachments, overflow];
}

async function promptMessage(message: Message, store: SessionAttachmentStore): Promise<PromptMessage> {
  const { status = 'complete' } = message;
  const parts: PromptPart[] = [];
  for (const part of message.parts) {
    const resolved = await promptPart(part, store);
    if (resolved.type !== 'text' || resolved.text !== '')
      parts.push(status === 'complete' ? resolved : withoutReplay(resolved));
  }
  return { role: message.role === 'assistant' ? 'assistant' : 'user', parts };
}

/** What a provider wants back refers to a whole answer, which one that was stopped never became. */
function withoutReplay(part: PromptPart): PromptPart {
  return part.type === 'text' || part.type === 'reasoning' ? { type: part.type, text: part.text } : part;
}

async function promptPart(part: Part, store: SessionAttachmentStore): Promise<PromptPart> {
  switch (part.type) {
    case 'text':
    case 'reasoning': {
      const { type, replay } = part;
      const text = await wholeText(part, store);
      return { type, text, ...(replay === undefined ? {} : { replay }) };
    }
    case 'image':
      return { type: 'image', ...(await promptImage(part.attachment, store)) };
    case 'file':
      return { type: 'text', text: fileLine(part.attachment) };
    case 'tool-call': {
      const { callId, tool, replay } = part;
      const args = await wholeJson(part.args, part.overflow, store);
      return { type: 'tool-call', callId, tool, args, ...(replay === undefined ? {} : { replay }) };
    }
  }
}

async function promptImage({ id, mime }: AttachmentRef, store: SessionAttachmentStore): Promise<PromptImage> {
  const blob = await store.get(id);
  return { mime, data: new Uint8Array(await blob.arrayBuffer()) };
}

async function toolResult(
  { callId, tool, outcome }: ToolInvocation,
  store: SessionAttachmentStore,
  texts: ResultTexts,
): Promise<PromptPart> {
  const { status } = outcome;
  const returned = (status === 'success' ? outcome.attachments : undefined) ?? [];
  const lines = [await texts.of(outcome), ...returned.map(fileLine)];
  const images = await Promise.all(
    returned.filter(({ mime }) => mime.startsWith('image/')).map((ref) => promptImage(ref, store)),
  );
  const content = lines.join('\n');
  return { type: 'tool-result', callId, tool, status, content, ...(images.length > 0 ? { images } : {}) };
}

function unknownResult({ callId, tool }: ToolCallPart): PromptPart {
  const content = 'The outcome of this tool call is unknown.';
  return { type: 'tool-result', callId, tool, status: 'failure', content };
}
