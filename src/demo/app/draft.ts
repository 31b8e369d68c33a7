import { messageText, type AttachmentRef, type Message, type Part, type UserPart } from 'lash-web';

/** A user's message that is being written again: the new one becomes its sibling, after the same `from`. */
export interface Editing {
  readonly nodeId: string;
  readonly from: string | null;
  /** What stood in the composer before, to be put back when the edit is given up. */
  readonly before: { readonly text: string; readonly attachments: readonly AttachmentRef[] };
}

/** What stands in the composer. Attachments are stored already; sending only refers to them. */
export class Draft {
  text = '';
  attachments: readonly AttachmentRef[] = [];
  /** How many files are on their way into the store. */
  storing = 0;
  editing: Editing | null = null;

  get sendable(): boolean {
    return this.storing === 0 && (this.text.trim() !== '' || this.attachments.length > 0);
  }

  /** Whether nothing stands there, and nothing is on its way. */
  get empty(): boolean {
    return this.text.trim() === '' && this.attachments.length === 0 && this.storing === 0 && !this.editing;
  }

  add(ref: AttachmentRef): void {
    if (!this.attachments.some(({ id }) => id === ref.id)) this.attachments = [...this.attachments, ref];
  }

  remove(id: string): void {
    this.attachments = this.attachments.filter((ref) => ref.id !== id);
  }

  /** Takes in the message of `nodeId`, to be written again after the node `from`. */
  edit(message: Message, nodeId: string, from: string | null): void {
    const { text, attachments } = this;
    this.editing = { nodeId, from, before: this.editing?.before ?? { text, attachments } };
    this.fill(message.parts);
  }

  /** Takes in what a message holds. */
  fill(parts: readonly Part[]): void {
    this.text = messageText({ role: 'user', parts });
    this.attachments = parts.flatMap((part) =>
      part.type === 'image' || part.type === 'file' ? [part.attachment] : [],
    );
  }

  cancelEdit(): void {
    const before = this.editing?.before;
    this.clear();
    if (before === undefined) return;
    this.text = before.text;
    this.attachments = before.attachments;
  }

  clear(): void {
    this.text = '';
    this.attachments = [];
    this.editing = null;
  }

  /** Takes out what was sent; what was typed or attached since then stays. */
  takeOut(text: string, attachments: readonly AttachmentRef[]): void {
    if (this.text.startsWith(text)) this.text = this.text.slice(text.length).trimStart();
    this.attachments = this.attachments.filter((ref) => !attachments.includes(ref));
    this.editing = null;
  }

  /** The message that this draft is. */
  parts(): readonly UserPart[] {
    const text = this.text.trim();
    return [
      ...this.attachments.map((attachment): UserPart => ({
        type: isImage(attachment) ? 'image' : 'file',
        attachment,
      })),
      ...(text === '' ? [] : [{ type: 'text', text } as const]),
    ];
  }
}

/** Whether an attachment is shown as a picture. */
export function isImage(ref: AttachmentRef): boolean {
  return ref.mime.startsWith('image/') && ref.mime !== 'image/svg+xml';
}
