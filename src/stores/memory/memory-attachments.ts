import type { AttachmentOwner, StoredAttachment } from '../../contract/attachments.ts';
import type { Clock } from '../../contract/clock.ts';
import type { AttachmentRef } from '../../core/attachment.ts';
import { toWireError } from '../../core/error.ts';
import type { SweepReport } from '../../core/maintenance.ts';
import type { Page } from '../../core/policy.ts';
import type { AttachmentPage, CheckedPut } from '../rules/attachment-check.ts';
import { attachmentDamaged, attachmentNotFound, toRef } from '../rules/attachment.ts';
import { hashBlob } from '../rules/hash-blob.ts';

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
  /** Whether a test has broken what is known of it. */
  damaged: boolean;
}

/** What an {@link InMemoryAttachmentStore} holds. Each step is atomic, since it runs without a pause. */
export class MemoryAttachments {
  readonly #clock: Clock;
  readonly #epochOf: EpochOf;
  readonly #held = new Map<string, Held>();

  constructor(clock: Clock, epochOf: EpochOf) {
    this.#clock = clock;
    this.#epochOf = epochOf;
  }

  async put({ blob, meta }: CheckedPut, owner?: AttachmentOwner): Promise<AttachmentRef> {
    const id = await hashBlob(blob);
    const ref = toRef(id, blob.size, meta);
    const held = this.#held.get(id) ?? newlyHeld(ref, blob);
    checkSound(held);
    held.putAt = this.#clock.now();
    this.#held.set(id, held);
    const epoch = owner && this.#epochOf(owner.sessionId);
    if (owner !== undefined && epoch !== undefined) held.intents.set(owner.sessionId, epoch);
    return ref;
  }

  /** @throws `AttachmentNotFound`, `StoredDataCorrupt` */
  get(id: string): Blob {
    return checkSound(this.#find(id)).blob;
  }

  /** @throws `StoredDataCorrupt` */
  find(id: string): AttachmentRef | null {
    const held = this.#held.get(id);
    return held === undefined ? null : checkSound(held).ref;
  }

  list({ after, limit }: Required<AttachmentPage>): Page<StoredAttachment> {
    const ids = [...this.#held.keys()].filter((id) => id > after).toSorted();
    const items = ids.slice(0, limit).map((id) => {
      const { ref, putAt, references, damaged } = this.#find(id);
      const adopted = references.size > 0;
      if (!damaged) return { ref, putAt, adopted };
      return {
        ref: { id, mime: '', byteLength: 0 },
        putAt: 0,
        adopted,
        damage: attachmentDamaged(id).data.reason,
      };
    });
    return { items, next: ids.length > limit ? (items.at(-1)?.ref.id ?? null) : null };
  }

  totalBytes(): number {
    return [...this.#held.values()].reduce((sum, { blob, damaged }) => sum + (damaged ? 0 : blob.size), 0);
  }

  /** Breaks what is known of an attachment, for tests of what a reader makes of it. @throws `AttachmentNotFound` */
  damage(id: string): void {
    this.#find(id).damaged = true;
  }

  /** Makes an operation's nodes refer to attachments: all or none. @throws `AttachmentNotFound`, `StoredDataCorrupt` */
  adopt(sessionId: string, operationId: string, ids: readonly string[]): void {
    for (const { references, intents } of ids.map((id) => checkSound(this.#find(id)))) {
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
   * `candidates` it refuses if nothing at all is referred to (law ST10). What is damaged stays, and fails the sweep.
   */
  sweep({ candidates, keepYoungerThanMs }: MemorySweepOptions): SweepReport {
    const all = [...new Set(candidates ?? this.#held.keys())].flatMap((id) => this.#held.get(id) ?? []);
    const rooted = new Set(all.filter((held) => this.#hasRoot(held)));
    const blind = candidates === undefined && rooted.size === 0 && all.length > 0;
    const youngest = this.#clock.now() - keepYoungerThanMs;
    const gone = all.filter((held) => !blind && !held.damaged && !rooted.has(held) && held.putAt <= youngest);
    for (const { ref } of gone) this.#held.delete(ref.id);
    const seen = {
      roots: [...rooted].filter(({ damaged }) => !damaged).length,
      kept: all.length - gone.length,
      removed: gone.length,
      removedBytes: gone.reduce((sum, { ref }) => sum + ref.byteLength, 0),
    };
    const broken = all.find(({ damaged }) => damaged);
    if (broken !== undefined) {
      return { status: 'Failed', ...seen, error: toWireError(attachmentDamaged(broken.ref.id)) };
    }
    return { status: blind ? 'Refused' : gone.length > 0 ? 'Swept' : 'NothingToDo', ...seen };
  }

  #hasRoot({ references, intents }: Held): boolean {
    if (references.size > 0) return true;
    return [...intents].some(([sessionId, epoch]) => this.#epochOf(sessionId) === epoch);
  }

  #find(id: string): Held {
    const held = this.#held.get(id);
    if (held === undefined) throw attachmentNotFound(id);
    return held;
  }
}

function newlyHeld(ref: AttachmentRef, blob: Blob): Held {
  const typed = new Blob([blob], { type: ref.mime });
  return { ref, blob: typed, putAt: 0, references: new Map(), intents: new Map(), damaged: false };
}

/** @throws `StoredDataCorrupt` */
function checkSound(held: Held): Held {
  if (held.damaged) throw attachmentDamaged(held.ref.id);
  return held;
}
