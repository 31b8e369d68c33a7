import type { Durability } from '../../src/contract/durability.ts';
import type { CommitRequest, SessionStore, SessionStoreFactory } from '../../src/contract/store.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import type { SessionPolicy } from '../../src/core/policy.ts';

export const POLICY: SessionPolicy = { provider: { id: 'bench', model: 'bench' } };

/** What a turn with two tool calls may look like, in characters: question, thought and calls, two results, answer, note. */
export const TURN_CHARACTERS: readonly number[] = [300, 900, 1200, 1200, 1200, 200];

const AT = 1_700_000_000_000;
const USAGE = { inputTokens: 900, outputTokens: 90, cachedInputTokens: 9, reasoningTokens: 0 };

/** Text that no compression makes much shorter; another `seed` makes another one. */
export function text(characters: number, seed: number): string {
  let written = '';
  for (let word = seed * 4096; written.length < characters; word++) {
    written += `${(Math.imul(word + 1, 0x9e3779b1) >>> 0).toString(36)} `;
  }
  return written.slice(0, characters);
}

/** A message as a node. */
export function says(role: 'user' | 'assistant', characters: number, seed: number): NodeDraft {
  const message = { role, parts: [{ type: 'text', text: text(characters, seed) }] } as const;
  return { createdAt: AT, body: { kind: 'conversation', message } };
}

/** Writes one session, with operation ids of one length. */
export class Writer {
  readonly store: SessionStore;
  #leaf: string | null = null;
  #revision = 0;
  #seed = 0;

  private constructor(store: SessionStore) {
    this.store = store;
  }

  static async create(factory: SessionStoreFactory, sessionId: string): Promise<Writer> {
    return new Writer(await factory.open(sessionId, { kind: 'create', title: 't', policy: POLICY, at: 1 }));
  }

  get leaf(): string | null {
    return this.#leaf;
  }

  async append(
    nodes: readonly NodeDraft[],
    {
      parentId = this.#leaf,
      durability = 'relaxed',
    }: { parentId?: string | null; durability?: Durability } = {},
  ): Promise<readonly string[]> {
    return await this.#commit({ kind: 'append', parentId, nodes }, durability);
  }

  async branch(leaf: string | null): Promise<void> {
    await this.#commit({ kind: 'branch', leaf }, 'relaxed');
  }

  /** Appends that many messages, `perCommit` at a time, and resolves with their ids. */
  async grow(count: number, perCommit: number, characters: readonly number[]): Promise<readonly string[]> {
    const ids: string[] = [];
    while (ids.length < count)
      ids.push(...(await this.append(this.drafts(Math.min(perCommit, count - ids.length), characters))));
    return ids;
  }

  /** New messages, of these lengths in turn. */
  drafts(count: number, characters: readonly number[]): readonly NodeDraft[] {
    return Array.from({ length: count }, (_, index) => {
      const seed = ++this.#seed;
      return says(index === 0 ? 'user' : 'assistant', characters[index % characters.length] ?? 0, seed);
    });
  }

  async #commit(change: CommitRequest['change'], durability: Durability): Promise<readonly string[]> {
    const receipt = await this.store.commit({
      operationId: `operation-${String(this.#revision).padStart(8, '0')}`,
      expectedRevision: this.#revision,
      epoch: 0,
      change,
      usage: [{ source: 'turn', model: 'bench', usage: USAGE }],
      durability,
    });
    this.#leaf = receipt.leaf;
    this.#revision = receipt.revision;
    return receipt.nodeIds;
  }
}
