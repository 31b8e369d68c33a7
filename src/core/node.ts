import type { AttachmentRef } from './attachment.ts';
import type { JsonValue } from './json.ts';
import type { Message, Part } from './message.ts';
import type { ToolInvocation } from './tool-call.ts';
import type { TokenUsage } from './usage.ts';

/**
 * A message. An assistant's message names the model that wrote it and the tokens of the call that produced it; `turnId`
 * is the turn that added the node. `turnIndex` numbers the user's messages of a path from 1 on.
 */
export interface ConversationBody {
  readonly kind: 'conversation';
  readonly message: Message;
  readonly turnId?: string;
  readonly turnIndex?: number;
  readonly model?: string;
  readonly usage?: TokenUsage;
}

/** One tool call with its outcome. It follows the assistant message that asked for it. */
export interface ToolBody {
  readonly kind: 'tool';
  readonly invocation: ToolInvocation;
  readonly turnId?: string;
}

/** Data of a plugin or of the host. The model does not see it. */
export interface PluginBody {
  readonly kind: 'plugin';
  readonly pluginType: string;
  readonly data: JsonValue;
}

/** What a node holds. */
export type NodeBody = ConversationBody | ToolBody | PluginBody;

/** A node before it has an id: the store derives ids from the operation (law ST4). `createdAt` is Unix milliseconds. */
export interface NodeDraft {
  readonly createdAt: number;
  readonly body: NodeBody;
}

/** An immutable element of a session's graph. `parentId` is `null` at a root. */
export interface SessionNode extends NodeDraft {
  readonly id: string;
  readonly parentId: string | null;
}

/** The message of a node, if it holds one of that role. */
export function messageOf(node: SessionNode, role: Message['role']): Message | undefined {
  return node.body.kind === 'conversation' && node.body.message.role === role ? node.body.message : undefined;
}

/** The attachments that a node refers to: images, files, what tools returned, and where long content went. */
export function attachmentsOfBody(body: NodeBody): readonly AttachmentRef[] {
  return refsOf(body).filter((ref) => ref !== undefined);
}

function refsOf(body: NodeBody): readonly (AttachmentRef | undefined)[] {
  if (body.kind === 'conversation') return body.message.parts.map(refOf);
  if (body.kind === 'plugin') return [];
  const { overflow, outcome } = body.invocation;
  if (outcome.status !== 'success') return [overflow];
  return [overflow, outcome.overflow, ...(outcome.attachments ?? [])];
}

function refOf(part: Part): AttachmentRef | undefined {
  return part.type === 'image' || part.type === 'file' ? part.attachment : part.overflow;
}
