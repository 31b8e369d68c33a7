import type {
  CommitReceipt,
  CommitRequest,
  GraphChange,
  SessionStore,
  SessionStoreFactory,
  StoreOpenMode,
} from '../contract/store.ts';
import type { NodeDraft, SessionNode } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import type { UsageEntry } from '../core/usage.ts';

/** A policy that names a model which no test calls. */
export const TEST_POLICY: SessionPolicy = { provider: { id: 'test', model: 'test-model' } };

/** How a test's session is made: at time 1000. */
export function createMode(
  title = 'A session',
  at = 1000,
): Extract<StoreOpenMode, { readonly kind: 'create' }> {
  return { kind: 'create', title, policy: TEST_POLICY, at };
}

/** A user's message as a node. */
export function says(text: string, createdAt = 1): NodeDraft {
  return {
    createdAt,
    body: { kind: 'conversation', message: { role: 'user', parts: [{ type: 'text', text }] } },
  };
}

/** The prose of a node that {@link says} made. */
export function textOf(node: SessionNode): string {
  const part = node.body.kind === 'conversation' ? node.body.message.parts[0] : undefined;
  return part?.type === 'text' ? part.text : '';
}

/** An append of messages. */
export function appends(parentId: string | null, texts: readonly string[], requires?: string): GraphChange {
  const nodes = texts.map((text) => says(text));
  return { kind: 'append', parentId, nodes, ...(requires === undefined ? {} : { requires }) };
}

/** A ledger entry with this many input tokens. */
export function used(inputTokens: number, source = 'turn', model = 'test-model'): UsageEntry {
  const usage = { inputTokens, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
  return { source, model, usage };
}

/** Writes to a session as a runtime does: each commit stands on what was loaded just before. */
export class Author {
  readonly store: SessionStore;
  #commits = 0;

  constructor(store: SessionStore) {
    this.store = store;
  }

  /** The author of a new session. */
  static async create(factory: SessionStoreFactory, sessionId = 'session'): Promise<Author> {
    return new Author(await factory.open(sessionId, createMode()));
  }

  /** A request that stands on the present head; its operations are `op-1`, `op-2` and so on. */
  async request(change: GraphChange, fields: Partial<CommitRequest> = {}): Promise<CommitRequest> {
    const { head, epoch } = await this.store.load({ kind: 'head' });
    this.#commits++;
    const operationId = `op-${this.#commits}`;
    return { operationId, expectedRevision: head.revision, epoch, change, usage: [], ...fields };
  }

  async commit(change: GraphChange, fields: Partial<CommitRequest> = {}): Promise<CommitReceipt> {
    return this.store.commit(await this.request(change, fields));
  }

  /** Appends one commit of messages below the leaf; the ids of their nodes. */
  async say(...texts: readonly string[]): Promise<readonly string[]> {
    const { head } = await this.store.load({ kind: 'head' });
    return this.sayBelow(head.leaf, ...texts);
  }

  /** Appends one commit of messages below this node; the ids of their nodes. */
  async sayBelow(parentId: string | null, ...texts: readonly string[]): Promise<readonly string[]> {
    return (await this.commit(appends(parentId, texts))).nodeIds;
  }

  async branch(leaf: string | null): Promise<CommitReceipt> {
    return this.commit({ kind: 'branch', leaf });
  }

  /** The texts of the active path, or of the one that ends at `leaf`. */
  async texts(leaf?: string | null): Promise<readonly string[]> {
    const { nodes } = await this.store.load({ kind: 'path', ...(leaf === undefined ? {} : { leaf }) });
    return nodes.map(textOf);
  }
}
