import type { AttachmentRef } from '../../core/attachment.ts';
import type { Part } from '../../core/message.ts';
import type { SessionNode } from '../../core/node.ts';
import { outcomeText, type ToolOutcome } from '../../core/tool-call.ts';
import { cutOutput } from './cut-output.ts';

/**
 * Nodes that take less of a model's context than the ones they stand for. What a tool could read by its attachment id, it
 * still can.
 */

/** A node whose tool result the model is told to be gone; any other node as it is. */
export function cleared(node: SessionNode): SessionNode {
  return changedOutcome(node, (outcome, tool) => {
    const { files } = attachmentsOf(outcome);
    return { status: 'success', value: `[cleared: the result of ${tool}]`, ...filesIn(files) };
  });
}

/** A node with at most `maxBytes` of its tool's result; of one that lies in an attachment nothing but that. */
export function shortened(node: SessionNode, maxBytes: number): SessionNode {
  return changedOutcome(node, (outcome) => {
    if (outcome.status === 'success' && outcome.overflow !== undefined) return null;
    const value = cutOutput(outcomeText(outcome), { maxBytes, maxLines: Infinity, keep: 'head' });
    return value === undefined
      ? outcome
      : { status: 'success', value, ...filesIn(attachmentsOf(outcome).files) };
  });
}

/** A node with a line in the place of each image. */
export function withoutImages(node: SessionNode): SessionNode {
  const { body } = node;
  if (body.kind === 'conversation') {
    const { message } = body;
    if (!message.parts.some(({ type }) => type === 'image')) return node;
    const parts = message.parts.map((part): Part => (part.type === 'image' ? imageAsFile(part) : part));
    return { ...node, body: { ...body, message: { ...message, parts } } };
  }
  return changedOutcome(node, (outcome) => {
    const { images, files } = attachmentsOf(outcome);
    if (images.length === 0 || outcome.status !== 'success') return outcome;
    const lines = images.map(({ id, mime }) => `[image omitted: ${mime}, attachment id ${id}]`);
    if (outcome.overflow !== undefined) return { ...outcome, attachments: files };
    return { status: 'success', value: [outcomeText(outcome), ...lines].join('\n'), ...filesIn(files) };
  });
}

/** The model reads its name and id, and a tool can read the image. */
function imageAsFile({ attachment }: { readonly attachment: AttachmentRef }): Part {
  return { type: 'file', attachment };
}

interface Returned {
  readonly images: readonly AttachmentRef[];
  /** The other attachments, and where a long result lies. */
  readonly files: readonly AttachmentRef[];
}

function attachmentsOf(outcome: ToolOutcome): Returned {
  if (outcome.status !== 'success') return { images: [], files: [] };
  const { attachments = [], overflow } = outcome;
  const isImage = ({ mime }: AttachmentRef): boolean => mime.startsWith('image/');
  const files = attachments.filter((ref) => !isImage(ref));
  return {
    images: attachments.filter(isImage),
    files: overflow === undefined ? files : [...files, overflow],
  };
}

function filesIn(files: readonly AttachmentRef[]): { readonly attachments?: readonly AttachmentRef[] } {
  return files.length === 0 ? {} : { attachments: files };
}

/** A tool's node with another outcome; `null` clears it. */
function changedOutcome(
  node: SessionNode,
  change: (outcome: ToolOutcome, tool: string) => ToolOutcome | null,
): SessionNode {
  const { body } = node;
  if (body.kind !== 'tool') return node;
  const { invocation } = body;
  const outcome = change(invocation.outcome, invocation.tool);
  if (outcome === null) return cleared(node);
  if (outcome === invocation.outcome) return node;
  return { ...node, body: { ...body, invocation: { ...invocation, outcome } } };
}
