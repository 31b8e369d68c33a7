import type { CommitRequest } from '../../src/contract/store.ts';
import type { MaintenanceStatus } from '../../src/core/maintenance.ts';
import { attachmentsIn, type ModelComponents, type ModelSession } from './model-session.ts';

/** An attachment as the model remembers it. */
export interface ModelAttachment {
  readonly id: string;
  readonly byteLength: number;
  putAt: number;
  /** Epochs by the sessions that put it and did not refer to it since. */
  readonly intents: Map<string, number>;
}

/** What a sweep must report. */
export interface ModelSweep {
  readonly status: MaintenanceStatus;
  readonly roots: number;
  readonly kept: number;
  readonly removed: number;
}

/** The obvious database: sessions by id, ids that are used up, and attachments. */
export class ModelDatabase {
  readonly sessions = new Map<string, ModelSession>();
  readonly gone = new Set<string>();
  readonly attachments = new Map<string, ModelAttachment>();

  /** What must become of a commit: `applied`, `replay`, or the code with which it is refused (law ST4). */
  verdict(
    session: ModelSession,
    request: CommitRequest,
    components: ModelComponents | 'unknown' | undefined,
  ): string {
    const { operationId, change, epoch, expectedRevision } = request;
    const done = session.operations.get(operationId);
    if (done !== undefined)
      return content(done.request) === content(request) ? 'replay' : 'OperationConflict';
    if (epoch !== session.epoch) return 'WriterFenced';
    const target = change.kind === 'append' ? change.parentId : change.kind === 'branch' ? change.leaf : null;
    if (target !== null && !session.isLive(target)) return 'NodeNotFound';
    const required = change.kind === 'append' ? change.requires : undefined;
    if (required !== undefined && !session.isActive(required)) return 'StaleBranch';
    if (expectedRevision !== session.revision) return 'HeadRevisionConflict';
    const leaf = change.kind === 'append' ? 'new' : change.kind === 'branch' ? change.leaf : session.leaf;
    if (components !== undefined && leaf === null) return 'InvalidInput';
    if (components === 'unknown') return 'ComponentNotFound';
    const named = change.kind === 'append' ? attachmentsIn(change.nodes) : [];
    if (!named.every((id) => this.attachments.has(id))) return 'AttachmentNotFound';
    return (request.turn && session.turns.refusal(request.turn)) ?? 'applied';
  }

  apply(session: ModelSession, request: CommitRequest, components: ModelComponents | undefined): void {
    session.apply(request, components);
    for (const id of session.operations.get(request.operationId)?.attachments ?? []) {
      this.attachments.get(id)?.intents.delete(session.sessionId);
    }
  }

  put(id: string, byteLength: number, at: number, owner: string | undefined): void {
    const stored = this.attachments.get(id) ?? { id, byteLength, putAt: at, intents: new Map() };
    stored.putAt = at;
    this.attachments.set(id, stored);
    const epoch = this.sessions.get(owner ?? '')?.epoch;
    if (owner !== undefined && epoch !== undefined) stored.intents.set(owner, epoch);
  }

  /** How many sessions' nodes refer to each attachment. */
  references(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const session of this.sessions.values()) {
      for (const id of session.attachments()) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  isRoot({ id, intents }: ModelAttachment, references: ReadonlyMap<string, number>): boolean {
    if (references.has(id)) return true;
    return [...intents].some(([sessionId, epoch]) => this.sessions.get(sessionId)?.epoch === epoch);
  }

  /** Removes what nothing refers to and nobody may still commit; with `young`, all that is left is too young. */
  sweepAttachments(young: boolean): ModelSweep {
    const references = this.references();
    const all = [...this.attachments.values()];
    const roots = all.filter((one) => this.isRoot(one, references)).length;
    if (roots === 0 && all.length > 0) return { status: 'Refused', roots, kept: all.length, removed: 0 };
    const free = young ? [] : all.filter((one) => !this.isRoot(one, references));
    for (const { id } of free) this.attachments.delete(id);
    const status = free.length > 0 ? 'Swept' : 'NothingToDo';
    return { status, roots, kept: all.length - free.length, removed: free.length };
  }

  sweepComponents({ checkpoints, components }: ModelSession): ModelSweep {
    const roots = new Set([...checkpoints.values()].flatMap((one) => Object.values(one)));
    if (checkpoints.size === 0 && components.size > 0) {
      return { status: 'Refused', roots: 0, kept: components.size, removed: 0 };
    }
    const free = [...components].filter((component) => !roots.has(component));
    for (const component of free) components.delete(component);
    const status = free.length > 0 ? 'Swept' : 'NothingToDo';
    return { status, roots: roots.size, kept: components.size, removed: free.length };
  }

  /**
   * Deletes a session. What only its nodes referred to goes; what it only had put may stay or go: these ids are the
   * answer.
   */
  delete(session: ModelSession): readonly string[] {
    const referred = session.attachments();
    this.sessions.delete(session.sessionId);
    this.gone.add(session.sessionId);
    const references = this.references();
    for (const id of referred) {
      const stored = this.attachments.get(id);
      if (stored !== undefined && !this.isRoot(stored, references)) this.attachments.delete(id);
    }
    const loose = [...this.attachments.values()].filter((one) => one.intents.delete(session.sessionId));
    return loose.filter((one) => !this.isRoot(one, references)).map(({ id }) => id);
  }
}

/** What a commit changes, as text: law ST4 tells operations of one id apart by it. */
function content({ change, usage, checkpoint }: CommitRequest): string {
  return JSON.stringify([change, usage, checkpoint]);
}
