import type { AttachmentRef } from './attachment.ts';
import type { JsonValue } from './json.ts';

/** What a tool returns that has attachments besides its data. {@link toolResult} makes one. */
export class ToolResult {
  /** Marks results across copies of the package. */
  readonly lash = 'tool-result';
  readonly value: JsonValue;
  readonly attachments: readonly AttachmentRef[];

  constructor(value: JsonValue, attachments: readonly AttachmentRef[]) {
    this.value = value;
    this.attachments = attachments;
  }
}

/**
 * A tool's result with attachments: images are shown to the model, other files are named to it. They are references to what
 * the tool has put: with `context.attachmentStore.put` in the worker, `session.attachments.put` on the page.
 */
export function toolResult(
  value: JsonValue,
  { attachments }: { readonly attachments: readonly AttachmentRef[] },
): ToolResult {
  return new ToolResult(value, attachments);
}

/** Whether a tool returned a {@link ToolResult}. Data never is one: its objects have no class. */
export function isToolResult(value: unknown): value is ToolResult {
  if (typeof value !== 'object' || value === null || !('lash' in value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null && value.lash === 'tool-result';
}
