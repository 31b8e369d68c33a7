import type { SessionStore } from '../../src/contract/store.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { equal } from '../../src/testing/assert.ts';
import { appends, Author, textOf } from '../../src/testing/author.ts';
import type { Seeded } from './seeded.ts';

/** What is done to a tree; its nodes go by labels, which are their texts. */
export type TreeStep =
  | { readonly do: 'append'; readonly below: string | null; readonly labels: readonly string[] }
  | { readonly do: 'giveUp'; readonly labels: readonly string[]; readonly leaf: string | null }
  | { readonly do: 'branch'; readonly leaf: string | null };

/** A tree of labels that grows at random, and loses branches again. */
export class RandomTree {
  readonly #random: Seeded;
  /** Parents by the labels of what lives, in the order of writing. */
  readonly #parents = new Map<string, string | null>();
  #leaf: string | null = null;
  /** The node below which something was given up last: where vacuum makes room. */
  #bereft: string | null = null;
  #written = 0;

  constructor(random: Seeded) {
    this.#random = random;
  }

  get leaf(): string | null {
    return this.#leaf;
  }

  /** Does the next step, and says which. */
  step(): TreeStep {
    const draw = this.#random.below(100);
    if (draw < 60 || this.#parents.size < 4) return this.#append();
    if (draw < 90) return this.#giveUp();
    this.#leaf = this.#anyOf([...this.#parents.keys()]);
    return { do: 'branch', leaf: this.#leaf };
  }

  /** The walk that is due: each node before what is below it, its oldest child first. */
  walk(): readonly string[] {
    return [...this.#below(null)];
  }

  #append(): TreeStep {
    const live = [...this.#parents.keys()];
    const places = [live, live.slice(-4), [...this.#parents.values()], [null], [this.#bereft, this.#bereft]];
    const below = this.#anyOf(
      (this.#random.pick(places) ?? []).filter((at) => at === null || this.#parents.has(at)),
    );
    const labels = Array.from({ length: 1 + this.#random.below(3) }, () => `node ${this.#written++}`);
    let parent = below;
    for (const label of labels) {
      this.#parents.set(label, parent);
      parent = label;
    }
    this.#leaf = parent;
    return { do: 'append', below, labels };
  }

  /** A node and all that is below it, of a few the one that takes least along; the leaf goes elsewhere first. */
  #giveUp(): TreeStep {
    const live = [...this.#parents.keys()];
    const [labels = []] = Array.from({ length: 3 }, () => this.#anyOf(live) ?? '')
      .map((top) => [top, ...this.#below(top)])
      .toSorted((a, b) => a.length - b.length);
    const gone = new Set(labels);
    this.#bereft = this.#parents.get(labels[0] ?? '') ?? null;
    this.#leaf = this.#anyOf([...this.#parents.keys()].filter((label) => !gone.has(label)));
    for (const label of labels) this.#parents.delete(label);
    return { do: 'giveUp', labels, leaf: this.#leaf };
  }

  *#below(parent: string | null): Generator<string, void, void> {
    for (const [label, above] of this.#parents) {
      if (above !== parent) continue;
      yield label;
      yield* this.#below(label);
    }
  }

  #anyOf(labels: readonly (string | null)[]): string | null {
    return this.#random.pick(labels) ?? null;
  }
}

/** A session that holds such a tree. */
export class StoredTree {
  readonly store: SessionStore;
  readonly #author: Author;
  readonly #ids = new Map<string, string>();

  constructor(store: SessionStore) {
    this.store = store;
    this.#author = new Author(store);
  }

  async apply(step: TreeStep): Promise<void> {
    switch (step.do) {
      case 'append':
        return await this.#append(step.below, step.labels);
      case 'branch':
        await this.#author.branch(this.#idOf(step.leaf));
        return;
      case 'giveUp': {
        await this.#author.branch(this.#idOf(step.leaf));
        const ids = step.labels.map((label) => this.#idOf(label) ?? '');
        equal((await this.store.tombstoneNodes(ids)).tombstoned.length, ids.length, 'what is given up goes');
      }
    }
  }

  /** The labels in the order of a walk in pages of this length. */
  async walk(limit: number): Promise<readonly string[]> {
    return (await this.#walked(limit)).map(textOf);
  }

  /** Writes the tree into another session, in the order of its walk: as an import does. */
  async copyTo(store: SessionStore, leaf: string | null, random: Seeded): Promise<StoredTree> {
    const copy = new StoredTree(store);
    const nodes = await this.#walked(100);
    const labels = new Map(nodes.map((node) => [node.id, textOf(node)]));
    for (let from = 0; from < nodes.length;) {
      const room = 1 + random.below(4);
      let to = from + 1;
      while (to < nodes.length && to - from < room && nodes[to]?.parentId === nodes[to - 1]?.id) to++;
      const below = labels.get(nodes[from]?.parentId ?? '') ?? null;
      await copy.#append(below, nodes.slice(from, to).map(textOf));
      from = to;
    }
    await copy.apply({ do: 'branch', leaf });
    return copy;
  }

  async #append(below: string | null, labels: readonly string[]): Promise<void> {
    const { nodeIds } = await this.#author.commit(appends(this.#idOf(below), labels));
    for (const [at, label] of labels.entries()) this.#ids.set(label, nodeIds[at] ?? '');
  }

  async #walked(limit: number): Promise<readonly SessionNode[]> {
    const nodes: SessionNode[] = [];
    for (let after: string | null | undefined; after !== null;) {
      const page = await this.store.walk(after === undefined ? { limit } : { after, limit });
      nodes.push(...page.nodes);
      after = page.next;
    }
    return nodes;
  }

  #idOf(label: string | null): string | null {
    return label === null ? null : (this.#ids.get(label) ?? '');
  }
}
