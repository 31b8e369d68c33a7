import type {
  AttachmentMeta,
  AttachmentOwner,
  AttachmentStore,
  StoredAttachment,
} from '../../contract/attachments.ts';
import { type Clock, systemClock } from '../../contract/clock.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import type { MaintenanceStatus, SweepReport } from '../../core/maintenance.ts';
import type { Page } from '../../core/policy.ts';
import {
  attachmentNotFound,
  type AttachmentOptions,
  type AttachmentPage,
  checkAttachmentPage,
  checkPut,
  DEFAULT_MAX_BYTES,
  toRef,
} from '../rules/attachment.ts';
import { invalid } from '../rules/commit-plan.ts';

/** The epoch of a session, or `undefined` if it is deleted or was never there. */
export type EpochOf = (sessionId: string) => number | undefined;

/** How a sweep of attachments in memory goes about it. With `candidates`, which a deleted session left, only those. */
export interface MemorySweepOptions {
  readonly candidates?: readonly string[];
  readonly keepYoungerThanMs: number;
}

interface Held {
  readonly ref: AttachmentRef;
  readonly blob: Blob;
  putAt: number;
  /** Operations by session. */
  readonly references: Map<string, Set<string>>;
  /** Epochs by session. */
  readonly intents: Map<string, number>;
}

/** Attachments that live as long as this object does. Each step is atomic, since it runs without a pause. */
export class InMemoryAttachmentStore implements AttachmentStore {
  readonly persistent = false;
  readonly database = null;
  readonly maxBytes: number;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  #epochOf: EpochOf | undefined;

  constructor(options: AttachmentOptions = {}) {
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#clock = options.clock ?? systemClock;
  }

  /** Makes this the store whose attachments the sessions of one factory adopt. @throws `InvalidInput` the second time */
  link(epochOf: EpochOf): void {
    if (this.#epochOf !== undefined) throw invalid('attachments', 'belong to another factory already');
    this.#epochOf = epochOf;
  }

  async put(
    bytes: Blob | Uint8Array<ArrayBuffer>,
    given: AttachmentMeta,
    owner?: AttachmentOwner,
  ): Promise<AttachmentRef> {
    const { blob, meta } = checkPut(bytes, given, this.maxBytes);
    const { hashBlob } = await import('../rules/hash-blob.ts');
    const id = await hashBlob(blob);
    const ref = toRef(id, blob.size, meta);
    const held = this.#held.get(id) ?? newlyHeld(ref, blob);
    held.putAt = this.#clock.now();
    this.#held.set(id, held);
    const epoch = owner && this.#epochOf?.(owner.sessionId);
    if (owner !== undefined && epoch !== undefined) held.intents.set(owner.sessionId, epoch);
    return ref;
  }

  async get(id: string): Promise<Blob> {
    return this.#find(id).blob;
  }

  async find(id: string): Promise<AttachmentRef | null> {
    return this.#held.get(id)?.ref ?? null;
  }

  async list(page: AttachmentPage = {}): Promise<Page<StoredAttachment>> {
    const { after, limit } = checkAttachmentPage(page);
    const ids = [...this.#held.keys()].filter((id) => id > after).toSorted();
    const items = ids.slice(0, limit).map((id) => {
      const { ref, putAt, references } = this.#find(id);
      return { ref, putAt, adopted: references.size > 0 };
    });
    return { items, next: ids.length > limit ? (items.at(-1)?.ref.id ?? null) : null };
  }

  async totalBytes(): Promise<number> {
    return [...this.#held.values()].reduce((sum, { blob }) => sum + blob.size, 0);
  }

  /** Makes an operation's nodes refer to attachments: all or none. @throws `AttachmentNotFound` */
  adopt(sessionId: string, operationId: string, ids: readonly string[]): void {
    for (const { references, intents } of ids.map((id) => this.#find(id))) {
      references.set(sessionId, (references.get(sessionId) ?? new Set()).add(operationId));
      intents.delete(sessionId);
    }
  }

  /** Takes back what an operation adopted, because its nodes are gone. Removes no bytes. */
  release(sessionId: string, operationId: string, ids: readonly string[]): void {
    for (const id of ids) {
      const references = this.#held.get(id)?.references;
      const operations = references?.get(sessionId);
      operations?.delete(operationId);
      if (operations?.size === 0) references?.delete(sessionId);
    }
  }

  /**
   * Removes what no node refers to and no session may still commit, unless it was put within `keepYoungerThanMs`. Without
   * `candidates` it refuses if nothing at all is referred to (law ST10).
   */
  sweep({ candidates, keepYoungerThanMs }: MemorySweepOptions): SweepReport {
    const ids = [...new Set(candidates ?? this.#held.keys())].filter((id) => this.#held.has(id));
    const roots = ids.filter((id) => this.#hasRoot(this.#find(id))).length;
    const blind = candidates === undefined && roots === 0 && ids.length > 0;
    if (blind) return report('Refused', roots, ids.length);
    const youngest = this.#clock.now() - keepYoungerThanMs;
    const gone = ids
      .map((id) => this.#find(id))
      .filter((held) => !this.#hasRoot(held) && held.putAt <= youngest);
    for (const { ref } of gone) this.#held.delete(ref.id);
    const bytes = gone.reduce((sum, { ref }) => sum + ref.byteLength, 0);
    const status = gone.length > 0 ? 'Swept' : 'NothingToDo';
    return report(status, roots, ids.length - gone.length, gone.length, bytes);
  }

  #hasRoot({ references, intents }: Held): boolean {
    if (references.size > 0) return true;
    return [...intents].some(([sessionId, epoch]) => this.#epochOf?.(sessionId) === epoch);
  }

  #find(id: string): Held {
    const held = this.#held.get(id);
    if (held === undefined) throw attachmentNotFound(id);
    return held;
  }
}

function newlyHeld(ref: AttachmentRef, blob: Blob): Held {
  const typed = new Blob([blob], { type: ref.mime });
  return { ref, blob: typed, putAt: 0, references: new Map(), intents: new Map() };
}

function report(
  status: MaintenanceStatus,
  roots: number,
  kept: number,
  removed = 0,
  removedBytes = 0,
): SweepReport {
  return { status, roots, kept, removed, removedBytes };
}
