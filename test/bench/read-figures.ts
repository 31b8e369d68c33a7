import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { BareDatabase } from './bare-database.ts';
import type { BenchDatabase } from './bench-database.ts';
import { TURN_CHARACTERS, Writer } from './content.ts';
import { type Compared, compare, inARow } from './measure.ts';

const PATH = 200;
const BRANCH = 100;
const ORPHAN_CHARACTERS = [300];
const ORPHANS_AT_A_TIME = 6;

/** Where the branches of a session leave its path: before what a page shows at first, or on it. */
export type BranchPlace = 'early' | 'shown';

/** What opening a session cost. */
export interface OpeningCost {
  readonly nodeCount: number;
  readonly newestPage: RowCounters;
  readonly runtime: RowCounters;
}

/** Writes a session of 200 nodes on its path and `orphans` on branches, which leave the path or one another. */
export async function writeBranched(
  { factory }: BenchDatabase,
  sessionId: string,
  orphans: number,
  place: BranchPlace,
): Promise<void> {
  const writer = await Writer.create(factory, sessionId);
  const path = await writer.grow(PATH, ORPHANS_AT_A_TIME, TURN_CHARACTERS);
  const { leaf } = writer;
  const places = place === 'early' ? path.slice(0, PATH / 2 - 1) : path.slice(-BRANCH / 2);
  let before: readonly string[] = [];
  for (let branch = 0; branch * BRANCH < orphans; branch++) {
    const parents = branch % 3 === 2 ? before : places;
    const parentId = parents[branch % parents.length] ?? null;
    before = await writer.append(writer.drafts(BRANCH, ORPHAN_CHARACTERS), { parentId });
  }
  await writer.branch(leaf);
}

export async function openingCost(database: BenchDatabase, sessionId: string): Promise<OpeningCost> {
  const store = await database.factory.open(sessionId, { kind: 'open' });
  const newestPage = await database.costOf(() => store.load({ kind: 'path', limit: 50 }));
  const { head } = await store.load({ kind: 'head' });
  let close = async (): Promise<void> => undefined;
  const runtime = await database.costOf(async () => {
    const opened = await database.openRuntime(sessionId);
    close = () => opened.close();
  });
  await close();
  return { nodeCount: head.nodeCount, newestPage, runtime };
}

/** The most that was resident after each of many things that a person does with a session. */
export async function mostResident(
  database: BenchDatabase,
  sessionId: string,
  residentBytes: number,
): Promise<number> {
  const runtime = await database.openRuntime(sessionId, { residentBytes });
  let most = runtime.residentBytes;
  const after = async <T>(action: Promise<T>): Promise<T> => {
    const result = await action;
    most = Math.max(most, runtime.residentBytes);
    return result;
  };
  const { leaf, depth } = runtime.view().head;
  const stop = runtime.subscribe(() => (most = Math.max(most, runtime.residentBytes)));
  for (let before = depth; before > 0;) {
    const { window } = await after(runtime.readView({ before, limit: 50 }));
    before = window.start;
  }
  const { items } = await after(runtime.orphanedNodeIds({ limit: 1000 }));
  for (const id of items.filter((_, index) => index % 200 === 0)) {
    await after(runtime.getHistoricNode(id));
    await after(runtime.branchToNode(id));
    await after(runtime.turn('and now?').result);
  }
  await after(runtime.branchToNode(leaf));
  await after(runtime.turn('and here?').result);
  stop();
  await runtime.close();
  return most;
}

/** Pages and paths compared with what IndexedDB takes. The first contestant is ours. */
export interface ReadTimes {
  readonly page10k: readonly Compared[];
  readonly path10k: readonly Compared[];
  readonly page100k: readonly Compared[];
  readonly rows: { readonly page10k: number; readonly page100k: number; readonly path10k: number };
}

const CHAINS = 20;

/** Writes a path of `count` nodes, the last 10,000 turn by turn and on 20 chains. */
export async function writePath(writer: Writer, count: number): Promise<void> {
  const recent = Math.min(count, 10_000);
  if (count > recent) await writer.grow(count - recent, 500, TURN_CHARACTERS);
  const perChain = recent / CHAINS;
  for (let chain = 0; chain < CHAINS; chain++) {
    await writer.grow(perChain - 6, 6, TURN_CHARACTERS);
    const ids = await writer.append(writer.drafts(6, TURN_CHARACTERS));
    await writer.append(writer.drafts(2, TURN_CHARACTERS), { parentId: ids[3] ?? null });
  }
}

export async function readTimes(database: BenchDatabase): Promise<ReadTimes> {
  const { factory } = database;
  const short = await factory.open('path-010k', { kind: 'open' });
  const long = await factory.open('path-100k', { kind: 'open' });
  const { nodes } = await short.load({ kind: 'path' });
  const bare = await BareDatabase.open('bare-rows');
  for (let from = 0; from < nodes.length; from += 500) {
    const rows = nodes
      .slice(from, from + 500)
      .map((node, index) => [['s', from + index], node] as [IDBValidKey, unknown]);
    await bare.putAll(rows);
  }
  await bare.putAll([['whole', nodes]]);
  const end = nodes.length - 1;
  const oneRange = inARow(() => bare.getAll(['s', end - 49], ['s', end]));
  const page = { kind: 'path', limit: 50 } as const;
  const pages = await compare(61, [inARow(() => short.load(page)), oneRange]);
  const longPages = await compare(61, [inARow(() => long.load(page)), oneRange]);
  const paths = await compare(15, [
    { run: () => short.load({ kind: 'path' }) },
    { run: () => bare.get('whole') },
    { run: () => bare.getAll(['s', 0], ['s', end]) },
  ]);
  const rowsOf = async (action: () => Promise<unknown>): Promise<number> =>
    (await database.costOf(action)).rowsRead;
  const rows = {
    page10k: await rowsOf(() => short.load(page)),
    page100k: await rowsOf(() => long.load(page)),
    path10k: await rowsOf(() => short.load({ kind: 'path' })),
  };
  return { page10k: pages, page100k: longPages, path10k: paths, rows };
}
