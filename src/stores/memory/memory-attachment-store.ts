import type {
  AttachmentMeta,
  AttachmentOwner,
  AttachmentStore,
  StoredAttachment,
} from '../../contract/attachments.ts';
import { systemClock } from '../../contract/clock.ts';
import { loadModule } from '../../contract/load-module.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import type { Page } from '../../core/policy.ts';
import {
  type AttachmentOptions,
  type AttachmentPage,
  checkAttachmentPage,
  checkPut,
  DEFAULT_MAX_BYTES,
} from '../rules/attachment-check.ts';
import { invalid } from '../rules/refusal.ts';
import type { EpochOf, MemoryAttachments } from './memory-attachments.ts';

/**
 * Attachments that live as long as this object does. What holds them is loaded with the first one, since a worker that
 * stores its own in IndexedDB never needs it.
 */
export class InMemoryAttachmentStore implements AttachmentStore {
  readonly persistent = false;
  readonly database = null;
  readonly maxBytes: number;
  readonly #options: AttachmentOptions;
  #attachments: MemoryAttachments | undefined;
  #epochOf: EpochOf | undefined;

  constructor(options: AttachmentOptions = {}) {
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#options = options;
  }

  /** Makes this the store whose attachments the sessions of one factory adopt. @throws `InvalidInput` the second time */
  link(epochOf: EpochOf): void {
    if (this.#epochOf !== undefined) throw invalid('attachments', 'belong to another factory already');
    this.#epochOf = epochOf;
  }

  /** What it holds, for the sessions that adopt and release it and for tests that break it. @throws `ModuleLoadFailed` */
  async attachments(): Promise<MemoryAttachments> {
    const { MemoryAttachments: Attachments } = await loadModule(
      'memory-attachments',
      import('./memory-attachments.ts'),
    );
    const { clock = systemClock } = this.#options;
    return (this.#attachments ??= new Attachments(clock, (sessionId) => this.#epochOf?.(sessionId)));
  }

  async put(
    bytes: Blob | Uint8Array<ArrayBuffer>,
    meta: AttachmentMeta,
    owner?: AttachmentOwner,
  ): Promise<AttachmentRef> {
    const checked = checkPut(bytes, meta, this.maxBytes);
    return await (await this.attachments()).put(checked, owner);
  }

  async get(id: string): Promise<Blob> {
    return (await this.attachments()).get(id);
  }

  async find(id: string): Promise<AttachmentRef | null> {
    return (await this.attachments()).find(id);
  }

  async list(page: AttachmentPage = {}): Promise<Page<StoredAttachment>> {
    const checked = checkAttachmentPage(page);
    return (await this.attachments()).list(checked);
  }

  async totalBytes(): Promise<number> {
    return (await this.attachments()).totalBytes();
  }
}
