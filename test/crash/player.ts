import type { CheckpointChange } from '../../src/contract/checkpoint.ts';
import { type Clock, systemClock } from '../../src/contract/clock.ts';
import type { SessionLease } from '../../src/contract/lease.ts';
import type { CommitReceipt, CommitRequest, GraphChange, SessionStore } from '../../src/contract/store.ts';
import type { AttachmentRef } from '../../src/core/attachment.ts';
import { isLashError } from '../../src/core/error.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { createMode, says, used } from '../../src/testing/author.ts';
import type { Step } from './script.ts';

type StepOf<Kind extends Step['do']> = Extract<Step, { readonly do: Kind }>;
type Operation = StepOf<'append'> | StepOf<'branch'>;

/** What the worker was told about an operation that it did. */
export type Acknowledged = Pick<CommitReceipt, 'operationId' | 'revision' | 'nodeIds' | 'leaf'>;

/** Time stands still in a script, so that two runs of it write the same rows. */
const STOPPED_CLOCK: Clock = { ...systemClock, now: () => 1000 };

/** Does the steps of a script on a database. Each step may have been begun, or done, by a worker that was killed. */
export class Player {
  readonly factory: IndexedDbSessionStoreFactory;
  readonly attachments: IndexedDbAttachmentStore;
  readonly #stores = new Map<string, SessionStore>();
  readonly #leases: (SessionLease | null)[] = [];

  constructor(database: IndexedDbDatabase) {
    this.factory = new IndexedDbSessionStoreFactory(database);
    this.attachments = new IndexedDbAttachmentStore(database, { clock: STOPPED_CLOCK });
  }

  /** Does a step; `attempt` counts the workers that were killed so far. Resolves with the receipt of an operation. */
  async play(step: Step, attempt: number): Promise<Acknowledged | undefined> {
    switch (step.do) {
      case 'create':
        await this.#create(step.session);
        return undefined;
      case 'append':
      case 'branch':
        return await this.commit(step);
      case 'put':
        await this.attachments.put(bytesOf(step.bytes, 'put'), MIME, { sessionId: step.session });
        return undefined;
      case 'import':
        await this.#import(step, attempt);
        return undefined;
      case 'delete':
        await this.factory.delete(step.session);
        this.#stores.delete(step.session);
        return undefined;
      default:
        await this.#maintain(await this.#store(step.session), step);
        return undefined;
    }
  }

  /** Does an operation on the head that is there now. */
  async commit(step: Operation): Promise<Acknowledged> {
    const store = await this.#store(step.session);
    const change =
      step.do === 'branch' ? { kind: 'branch' as const, leaf: step.leaf } : await this.#append(step);
    const version = step.do === 'append' ? step.checkpoint : undefined;
    const checkpoint = version === undefined ? undefined : await changeOf(store, version);
    const { head, epoch } = await store.load({ kind: 'head' });
    const { operationId, revision, nodeIds, leaf } = await store.commit({
      operationId: step.operation,
      expectedRevision: head.revision,
      epoch,
      change,
      usage: [used(step.operation.length)],
      durability: step.do === 'append' && step.strict ? 'strict' : 'relaxed',
      ...(checkpoint !== undefined && { checkpoint }),
    });
    return { operationId, revision, nodeIds, leaf };
  }

  async #create(session: string): Promise<void> {
    try {
      await this.factory.open(session, createMode(session));
    } catch (error) {
      if (!isLashError(error, 'SessionExists')) throw error;
    }
    await this.#store(session);
  }

  /** The session, with its lease, and fenced against whoever wrote it before. */
  async #store(session: string): Promise<SessionStore> {
    const known = this.#stores.get(session);
    if (known !== undefined) return known;
    const store = await this.factory.open(session, { kind: 'open' });
    const lease = await this.factory.leases.acquire(session);
    if (lease === null) throw new Error(`the lease of ${session} is not free`);
    this.#leases.push(lease);
    await store.takeLease();
    this.#stores.set(session, store);
    return store;
  }

  async #append({ session, operation, parent, count, files }: StepOf<'append'>): Promise<GraphChange> {
    const refs: AttachmentRef[] = [];
    for (const [index, length] of files.entries()) {
      const bytes = bytesOf(length, `${operation}/${index}`);
      refs.push(await this.attachments.put(bytes, MIME, { sessionId: session }));
    }
    const nodes = Array.from({ length: count }, (_, ordinal) =>
      ordinal === 0 ? withFiles(operation, refs) : says(`${operation} goes on ${'.'.repeat(ordinal * 500)}`),
    );
    return { kind: 'append', parentId: parent, nodes };
  }

  async #maintain(
    store: SessionStore,
    step: StepOf<'pin' | 'unpin' | 'rename' | 'tombstone' | 'vacuum' | 'gc'>,
  ): Promise<void> {
    if (step.do === 'pin') await store.pin(step.node);
    else if (step.do === 'unpin') await store.unpin(step.node);
    else if (step.do === 'rename') await store.saveSessionMeta({ title: step.title, at: step.at });
    else if (step.do === 'vacuum') sound((await store.vacuum()).status, step);
    else if (step.do === 'tombstone') {
      const { items } = await store.orphanedNodeIds({ limit: 1000 });
      sound((await store.tombstoneNodes(items)).status, step);
    } else {
      // What was put and never adopted goes: no commit of an earlier epoch can come any more.
      await store.takeLease();
      sound((await store.gcUnreachable({ keepYoungerThanMs: 0 })).status, step);
    }
  }

  /** An import that was interrupted leaves a used id behind, so each attempt has another one. */
  async #import({ title, nodes, publish }: StepOf<'import'>, attempt: number): Promise<void> {
    const { items } = await this.factory.list({});
    if (items.some((session) => session.title === title)) return;
    const hidden = await this.factory.beginImport(`${title}~${attempt}`, createMode(title));
    let leaf: string | null = null;
    for (let revision = 0; revision < nodes; revision++) {
      const operationId = `imported-${revision}`;
      const sessionId = hidden.store.sessionId;
      const file = await this.attachments.put(bytesOf(100 + revision, title), MIME, { sessionId });
      const change: GraphChange = { kind: 'append', parentId: leaf, nodes: [withFiles(operationId, [file])] };
      const request: CommitRequest = { operationId, expectedRevision: revision, epoch: 0, change, usage: [] };
      leaf = (await hidden.store.commit(request)).leaf;
    }
    await (publish ? hidden.publish(leaf) : hidden.abandon());
  }
}

const MIME = { mime: 'application/octet-stream' };

function sound(status: string, step: Step): void {
  if (!['NothingToDo', 'Swept'].includes(status)) throw new Error(`${JSON.stringify(step)} ended ${status}`);
}

/** Bytes that are the same for the same length and name, and else are not. */
function bytesOf(length: number, name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const text = new TextEncoder().encode(`${name} ${length} `);
  for (let index = 0; index < length; index++) bytes[index] = (text[index % text.length] ?? 0) + index;
  return bytes;
}

function withFiles(text: string, refs: readonly AttachmentRef[]): NodeDraft {
  const files = refs.map((attachment) => ({ type: 'file' as const, attachment }));
  const parts = [{ type: 'text' as const, text }, ...files];
  return { createdAt: 1, body: { kind: 'conversation', message: { role: 'user', parts } } };
}

/** A checkpoint of two components, of which the one that never changes is named by its id once it is stored. */
async function changeOf(store: SessionStore, version: number): Promise<CheckpointChange> {
  const { checkpoint } = await store.load({ kind: 'path', limit: 1, checkpoint: true });
  const kept = checkpoint?.components['kept'];
  return {
    kept: kept === undefined ? { version: 1, body: 'always the same' } : { id: kept.id },
    counted: { version, body: { version, text: 'x'.repeat(200 * version) } },
  };
}
