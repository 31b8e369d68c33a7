import type { CommitBudget } from '../../contract/store.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { cutText } from '../../core/cut-text.ts';
import { type JsonValue, utf8Length } from '../../core/json.ts';
import { type Part, PREVIEW_LENGTH } from '../../core/message.ts';
import type { NodeDraft } from '../../core/node.ts';
import type { ToolInvocation } from '../../core/tool-call.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';
import { jsonBytes, MAX_PART_BYTES } from './draft-size.ts';

/** A part of less than this stays: its preview and the reference would take as much. */
const MIN_MOVED_BYTES = 4096;

/** What a preview and a reference take at most, more or less. */
const LEFT_BYTES = MIN_MOVED_BYTES + 512;

/** One piece of a draft that can move into an attachment. */
interface Movable {
  readonly draft: number;
  readonly bytes: number;
  readonly content: string;
  readonly mime: string;
  readonly place: (draft: NodeDraft, ref: AttachmentRef) => NodeDraft;
}

/**
 * The drafts with every part over {@link MAX_PART_BYTES} in an attachment, and then the largest ones until all drafts
 * together fit `budget.bytes` (law ST13).
 */
export async function moveOverflow(
  drafts: readonly NodeDraft[],
  store: SessionAttachmentStore,
  budget: CommitBudget,
): Promise<readonly NodeDraft[]> {
  let total = drafts.reduce((sum, draft) => sum + jsonBytes(draft), 0);
  const moved = [...drafts];
  const movables = drafts
    .flatMap(movablesOf)
    .filter(({ bytes }) => bytes >= MIN_MOVED_BYTES)
    .toSorted((a, b) => b.bytes - a.bytes);
  for (const { draft: index, bytes, content, mime, place } of movables) {
    const draft = moved[index];
    if (draft === undefined || (bytes <= MAX_PART_BYTES && total <= budget.bytes)) break;
    const ref = await store.put(new TextEncoder().encode(content), { mime });
    const smaller = place(draft, ref);
    total += jsonBytes(smaller) - jsonBytes(draft);
    moved[index] = smaller;
  }
  return moved;
}

/** How many bytes of the drafts go into attachments where that is needed, at least. */
export function movableBytes(drafts: readonly NodeDraft[]): number {
  return drafts.flatMap(movablesOf).reduce((sum, { bytes }) => sum + Math.max(0, bytes - LEFT_BYTES), 0);
}

function movablesOf(draft: NodeDraft, index: number): Movable[] {
  if (draft.body.kind === 'tool') return movablesOfInvocation(draft.body.invocation, index);
  if (draft.body.kind === 'plugin') return [];
  return draft.body.message.parts.flatMap((part, at) => {
    if ('overflow' in part) return [];
    if (part.type === 'text' || part.type === 'reasoning') {
      return [
        movable(index, part.text, 'text/plain', (to, overflow) =>
          withPart(to, at, previewed(part, overflow)),
        ),
      ];
    }
    if (part.type !== 'tool-call') return [];
    return [
      jsonMovable(index, part.args, (to, overflow) => withPart(to, at, { ...part, args: null, overflow })),
    ];
  });
}

function movablesOfInvocation(invocation: ToolInvocation, index: number): Movable[] {
  const found: Movable[] = [];
  if (!('overflow' in invocation)) {
    found.push(
      jsonMovable(index, invocation.args, (to, overflow) => withInvocation(to, { args: null, overflow })),
    );
  }
  const { outcome } = invocation;
  if (outcome.status === 'success' && !('overflow' in outcome)) {
    found.push(
      jsonMovable(index, outcome.value, (to, overflow) =>
        withInvocation(to, { outcome: { status: 'success', value: null, overflow } }),
      ),
    );
  }
  return found;
}

function movable(draft: number, content: string, mime: string, place: Movable['place']): Movable {
  return { draft, content, mime, bytes: utf8Length(content), place };
}

function jsonMovable(draft: number, value: JsonValue, place: Movable['place']): Movable {
  return movable(draft, JSON.stringify(value), 'application/json', place);
}

function previewed<P extends Part & { readonly text: string }>(part: P, overflow: AttachmentRef): P {
  return { ...part, text: cutText(part.text, PREVIEW_LENGTH), overflow };
}

function withPart(draft: NodeDraft, at: number, part: Part): NodeDraft {
  if (draft.body.kind !== 'conversation') return draft;
  const { message } = draft.body;
  return { ...draft, body: { ...draft.body, message: { ...message, parts: message.parts.with(at, part) } } };
}

function withInvocation(draft: NodeDraft, change: Partial<ToolInvocation>): NodeDraft {
  if (draft.body.kind !== 'tool') return draft;
  return { ...draft, body: { ...draft.body, invocation: { ...draft.body.invocation, ...change } } };
}
