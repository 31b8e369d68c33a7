import type { AttachmentRef } from './attachment.ts';
import type { JsonObject, JsonValue } from './json.ts';

/** Who speaks. Results of tools are nodes of their own and have no role. */
export type Role = 'user' | 'assistant' | 'system';

/**
 * What every part with long content may carry: `overflow` is set when the content was too long for a commit and lies
 * in an attachment (law ST13). The part's own field then holds a preview: the first {@link PREVIEW_LENGTH} characters
 * of a text, `null` for data.
 */
export interface Overflowing {
  readonly overflow?: AttachmentRef;
}

/** How many characters of a long text stay in its part once the whole lies in an attachment. */
export const PREVIEW_LENGTH = 1024;

/** Prose. An answer's may have a `replay`, as reasoning has. */
export interface TextPart extends Overflowing {
  readonly type: 'text';
  readonly text: string;
  readonly replay?: JsonObject;
}

/** What a model showed of its thinking. `replay` is the provider's own and is given back to it unread. */
export interface ReasoningPart extends Overflowing {
  readonly type: 'reasoning';
  readonly text: string;
  readonly replay?: JsonObject;
}

/** An image that the model sees. */
export interface ImagePart {
  readonly type: 'image';
  readonly attachment: AttachmentRef;
}

/** A file that the model knows by name and reads with a tool. */
export interface FilePart {
  readonly type: 'file';
  readonly attachment: AttachmentRef;
}

/** The model's wish to run a tool. `args` is a string when the model wrote something that is not JSON. */
export interface ToolCallPart extends Overflowing {
  readonly type: 'tool-call';
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly replay?: JsonObject;
}

/** A piece of a message. */
export type Part = TextPart | ReasoningPart | ImagePart | FilePart | ToolCallPart;

/**
 * One message of the conversation. An assistant's `status` is `cancelled` when the answer was stopped and the parts
 * are what had arrived by then (law TU5), and `incomplete` when the model hit its output limit.
 */
export interface Message {
  readonly role: Role;
  readonly parts: readonly Part[];
  readonly status?: 'complete' | 'cancelled' | 'incomplete';
}

/** The parts that a user's message may have. */
export type UserPart = TextPart | ImagePart | FilePart;

/** The prose of a message: its text parts, a blank line between them. */
export function messageText(message: Message): string {
  const texts: string[] = [];
  for (const part of message.parts) if (part.type === 'text') texts.push(part.text);
  return texts.join('\n\n');
}

/** The tool calls of a message, in the order in which the model made them. */
export function toolCallsOf(message: Message): readonly ToolCallPart[] {
  return message.parts.filter((part) => part.type === 'tool-call');
}
