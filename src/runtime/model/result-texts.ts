import type { AttachmentRef } from '../../core/attachment.ts';
import { cutText } from '../../core/cut-text.ts';
import { jsonBeginning } from '../../core/json-edge.ts';
import { utf8Length } from '../../core/json.ts';
import { outcomeText, type ToolOutcome } from '../../core/tool-call.ts';
import { wholeJson } from '../history/overflow.ts';
import type { SessionAttachmentStore } from '../portable/owned-attachments.ts';

/** How many beginnings of long results are kept, so that a step does not read again what the last one read. */
const KEPT = 16;

/** What a model reads of tools' results: the whole, up to a number of bytes. */
export class ResultTexts {
  readonly #store: SessionAttachmentStore;
  readonly #maxBytes: number;
  readonly #beginnings = new Map<string, string>();

  constructor(store: SessionAttachmentStore, maxBytes: number) {
    this.#store = store;
    this.#maxBytes = maxBytes;
  }

  /** @throws `AttachmentNotFound` when a long result is gone */
  async of(outcome: ToolOutcome): Promise<string> {
    if (outcome.status !== 'success') return outcomeText(outcome);
    const { overflow } = outcome;
    if (overflow === undefined) return this.#cut(outcomeText(outcome));
    if (overflow.byteLength > this.#maxBytes) return await this.#beginning(overflow);
    const value = await wholeJson(null, overflow, this.#store);
    return outcomeText({ status: 'success', value });
  }

  async #beginning({ id, byteLength }: AttachmentRef): Promise<string> {
    let text = this.#beginnings.get(id);
    if (text === undefined) {
      const blob = await this.#store.get(id);
      text = jsonBeginning(await blob.slice(0, this.#maxBytes).text());
      const [oldest] = this.#beginnings.keys();
      if (this.#beginnings.size >= KEPT && oldest !== undefined) this.#beginnings.delete(oldest);
      this.#beginnings.set(id, text);
    }
    return `${text}… (cut: this is the beginning of ${byteLength} bytes, which are attachment ${id})`;
  }

  /** What was kept whole, by whoever had another limit. */
  #cut(text: string): string {
    const bytes = utf8Length(text);
    if (bytes <= this.#maxBytes) return text;
    return `${cutText(text, this.#maxBytes)}… (cut: this is the beginning of ${bytes} bytes)`;
  }
}
