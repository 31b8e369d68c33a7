import { deleteDB } from 'idb';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { CommitRequest, SessionStore } from '../../src/contract/store.ts';
import type { NodeDraft, SessionNode } from '../../src/core/node.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { type Figure, tableOf } from './table.ts';

const TURN = 6;

const POLICY = { provider: { id: 'bench', model: 'bench' } };
const names = {
  ours: `bench-${crypto.randomUUID()}`,
  bare: `bench-bare-${crypto.randomUUID()}`,
  naive: `bench-naive-${crypto.randomUUID()}`,
};
const database = IndexedDbDatabase.open(names.ours);
const factory = new IndexedDbSessionStoreFactory(database);
const table: Figure[] = [];

interface Ratio {
  readonly figure: string;
  readonly measured: number;
  readonly target: number;
  readonly holds: boolean;
  readonly detail: string;
}

function report({ figure, measured, target, holds, detail }: Ratio): void {
  table.push({ figure, measured: `${measured.toFixed(2)} x`, target: `${target} x`, peer: detail, holds });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** Runs the two in turn, each first in every other round; the ratio is the median of the rounds' ratios. */
async function compare(
  rounds: number,
  ours: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<{ readonly ours: number; readonly other: number; readonly ratio: number }> {
  const times: { readonly ours: number; readonly other: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0 ? await timed(ours) : await timed(other);
    const second = round % 2 === 0 ? await timed(other) : await timed(ours);
    times.push(round % 2 === 0 ? { ours: first, other: second } : { ours: second, other: first });
  }
  return {
    ours: median(times.map((time) => time.ours)),
    other: median(times.map((time) => time.other)),
    ratio: median(times.map((time) => time.ours / time.other)),
  };
}

let words = 0;

/** A node with text that no compression makes much shorter. */
function node(characters: number): NodeDraft {
  let text = '';
  while (text.length < characters) text += `${(Math.imul(++words, 0x9e3779b1) >>> 0).toString(36)} `;
  return {
    createdAt: 1_700_000_000_000,
    body: {
      kind: 'conversation',
      message: { role: 'assistant', parts: [{ type: 'text', text: text.slice(0, characters) }] },
    },
  };
}

/** What a turn with two tool calls may look like, in characters: question, thought and calls, two results, answer, note. */
const TURN_CHARACTERS = [300, 900, 1200, 1200, 1200, 200];

function turn(): NodeDraft[] {
  return TURN_CHARACTERS.map((characters) => node(characters));
}

/** Writes one session, with operation ids of one length. */
class Writer {
  readonly store: SessionStore;
  #leaf: string | null = null;
  #revision = 0;

  constructor(store: SessionStore) {
    this.store = store;
  }

  static async create(sessionId: string): Promise<Writer> {
    return new Writer(await factory.open(sessionId, { kind: 'create', title: 't', policy: POLICY, at: 1 }));
  }

  request(nodes: readonly NodeDraft[], parentId = this.#leaf): CommitRequest {
    return {
      operationId: `operation-${String(this.#revision).padStart(8, '0')}`,
      expectedRevision: this.#revision,
      epoch: 0,
      change: { kind: 'append', parentId, nodes },
      usage: [
        {
          source: 'turn',
          model: 'bench',
          usage: { inputTokens: 900, outputTokens: 90, cachedInputTokens: 9, reasoningTokens: 0 },
        },
      ],
    };
  }

  async append(nodes: readonly NodeDraft[], parentId?: string): Promise<readonly string[]> {
    const receipt = await this.store.commit(this.request(nodes, parentId ?? this.#leaf));
    this.#leaf = receipt.leaf;
    this.#revision = receipt.revision;
    return receipt.nodeIds;
  }

  async grow(count: number, perCommit: number, characters: number): Promise<void> {
    for (let written = 0; written < count; written += perCommit) {
      await this.append(Array.from({ length: Math.min(perCommit, count - written) }, () => node(characters)));
    }
  }
}

function since(before: RowCounters): RowCounters {
  const after = factory.counters;
  return {
    transactions: after.transactions - before.transactions,
    rowsRead: after.rowsRead - before.rowsRead,
    rowsWritten: after.rowsWritten - before.rowsWritten,
    bytesWritten: after.bytesWritten - before.bytesWritten,
  };
}

function openRaw(name: string, stores: readonly string[]): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.addEventListener('upgradeneeded', () => {
      for (const store of stores) request.result.createObjectStore(store, { keyPath: 'id' });
    });
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('not opened')));
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')));
  });
}

/** What IndexedDB itself takes for two rows of these bytes. */
async function putTwoRows(bare: IDBDatabase, first: object, second: object): Promise<void> {
  const transaction = bare.transaction(['a', 'b'], 'readwrite', { durability: 'relaxed' });
  transaction.objectStore('a').put(first);
  transaction.objectStore('b').put(second);
  transaction.commit();
  await completed(transaction);
}

/** A row for each node, and its parent's id in it: the path is one dependent read after the other. */
function followParents(naive: IDBDatabase, leaf: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const store = naive.transaction('nodes').objectStore('nodes');
    const path: SessionNode[] = [];
    const visit = (id: string): void => {
      const request = store.get(id);
      request.addEventListener('error', () => reject(request.error ?? new Error('not read')));
      request.addEventListener('success', () => {
        const found = request.result as SessionNode;
        path.push(found);
        if (found.parentId === null) resolve(path.length);
        else visit(found.parentId);
      });
    };
    visit(leaf);
  });
}

beforeAll(async () => {
  await factory.list({});
});

afterAll(async () => {
  await database.close();
  await Promise.all(Object.values(names).map((name) => deleteDB(name)));
  console.log(tableOf(table));
});

test('a commit of a turn costs little more than two bare rows of the same bytes', async () => {
  const bare = await openRaw(names.bare, ['a', 'b']);
  const writer = await Writer.create('turns');
  for (let index = 0; index < 20; index++) await writer.append(turn());
  let row = 0;
  const turns = Array.from({ length: 5 }, turn);
  const before = factory.counters;
  await writer.append(turns[0] ?? []);
  const cost = since(before);
  expect(cost).toMatchObject({ transactions: 1, rowsRead: 1, rowsWritten: 3 });
  const small = 'x'.repeat(cost.bytesWritten - JSON.stringify(turns[0]).length);

  const { ours, other, ratio } = await compare(
    150,
    async () => {
      for (let index = 0; index < 5; index++) await writer.append(turns[index] ?? []);
    },
    async () => {
      for (let index = 0; index < 5; index++) {
        row++;
        await putTwoRows(bare, { id: row, nodes: turns[index] }, { id: row, small });
      }
    },
  );
  bare.close();
  const detail = `${(ours / 5).toFixed(2)} ms and ${(other / 5).toFixed(2)} ms, ${cost.rowsWritten} rows, ${cost.bytesWritten} bytes`;
  report({
    figure: 'commit of a 6-node turn / two bare rows',
    measured: ratio,
    target: 1.8,
    holds: ratio <= 1.8,
    detail,
  });
});

test('a commit costs the same at 50,000 nodes as at 1,000', async () => {
  const small = await Writer.create('small');
  const large = await Writer.create('large');
  await small.grow(1_000, 500, 200);
  await large.grow(50_000, 500, 200);
  const nodes = turn();
  const costs: RowCounters[] = [];
  for (const writer of [small, large]) {
    const before = factory.counters;
    await writer.append(nodes);
    costs.push(since(before));
  }
  expect(costs[1]).toEqual(costs[0]);
  const { ours, other, ratio } = await compare(
    150,
    async () => {
      for (let index = 0; index < 5; index++) await large.append(nodes);
    },
    async () => {
      for (let index = 0; index < 5; index++) await small.append(nodes);
    },
  );
  const detail = `${(ours / 5).toFixed(2)} ms and ${(other / 5).toFixed(2)} ms, rows and bytes are the same`;
  report({
    figure: 'commit at 50,000 nodes / at 1,000',
    measured: ratio,
    target: 1.5,
    holds: ratio <= 1.5,
    detail,
  });
});

test('the newest page reads its rows, and the whole path is faster than following parents', async () => {
  const writer = await Writer.create('long');
  const forks = 20;
  for (let fork = 0; fork < forks; fork++) {
    await writer.grow(498, TURN, 300);
    const ids = await writer.append(Array.from({ length: TURN }, () => node(300)));
    await writer.append([node(300), node(300)], ids[3]);
  }
  const { head, nodes } = await writer.store.load({ kind: 'path' });
  expect(nodes.length).toBeGreaterThan(10_000);

  const beforePage = factory.counters;
  const page = await writer.store.load({ kind: 'path', limit: 50 });
  const pageCost = since(beforePage);
  expect(page.nodes).toEqual(nodes.slice(-50));
  expect(pageCost.rowsRead).toBeLessThanOrEqual(50 + 4);

  const beforePath = factory.counters;
  await writer.store.load({ kind: 'path' });
  const pathCost = since(beforePath);
  expect(pathCost.rowsRead).toBeLessThanOrEqual(nodes.length + forks + 1 + 4);

  const naive = await openRaw(names.naive, ['nodes']);
  for (let start = 0; start < nodes.length; start += 500) {
    const transaction = naive.transaction('nodes', 'readwrite');
    for (const one of nodes.slice(start, start + 500)) transaction.objectStore('nodes').put(one);
    await completed(transaction);
  }
  expect(await followParents(naive, head.leaf ?? '')).toBe(nodes.length);
  const { ours, other, ratio } = await compare(
    7,
    () => followParents(naive, head.leaf ?? ''),
    () => writer.store.load({ kind: 'path' }),
  );
  const pageTimes: number[] = [];
  for (let round = 0; round < 21; round++) {
    pageTimes.push(await timed(() => writer.store.load({ kind: 'path', limit: 50 })));
  }
  naive.close();
  const detail = `${ours.toFixed(0)} ms and ${other.toFixed(0)} ms, ${pathCost.rowsRead} rows for ${nodes.length} nodes on ${forks + 1} chains; newest page ${median(pageTimes).toFixed(1)} ms, ${pageCost.rowsRead} rows`;
  report({
    figure: 'following parents / whole path of 10,000',
    measured: ratio,
    target: 6,
    holds: ratio >= 6,
    detail,
  });
});
