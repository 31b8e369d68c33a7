import type { Durability } from '../../src/contract/durability.ts';
import type { NodeDraft } from '../../src/core/node.ts';
import type { RowCounters } from '../../src/stores/indexeddb/rows/row-counters.ts';
import { BareDatabase } from './bare-database.ts';
import type { BenchDatabase } from './bench-database.ts';
import { says, text, TURN_CHARACTERS, Writer } from './content.ts';
import { type Compared, compare, type Contestant, inARow, spread, type Spread } from './measure.ts';
import { keyvalPeer, PAST_CHARACTERS, type Peer, PEER_TURN, piPeer } from './peers.ts';
import { writePath } from './read-figures.ts';
import { rowsWritten } from './written-rows.ts';

/** A commit at 100,000 nodes and one at 1,000. */
export interface CommitAtSize {
  readonly times: readonly Compared[];
  readonly large: RowCounters;
  readonly small: RowCounters;
}

/** Writes the long paths that reads are measured on, and commits to the longest one. */
export async function commitAtSize(database: BenchDatabase): Promise<CommitAtSize> {
  const { factory } = database;
  const small = await Writer.create(factory, 'path-001k');
  await writePath(small, 1_000);
  await writePath(await Writer.create(factory, 'path-010k'), 10_000);
  const large = await Writer.create(factory, 'path-100k');
  await writePath(large, 100_000);
  const nodes = large.drafts(6, TURN_CHARACTERS);
  const cost = (writer: Writer): Promise<RowCounters> => database.costOf(() => writer.append(nodes));
  await cost(large);
  await cost(small);
  const costs = { large: await cost(large), small: await cost(small) };
  const turns = (writer: Writer): Contestant => inARow(() => writer.append(nodes));
  const times = await compare(100, [turns(large), turns(small)]);
  return { times, ...costs };
}

const MESSAGES = 4_000;
const ROUNDS = 15;

/** A turn of ours next to a turn of the peers, at 4,000 messages. The first contestant is ours. */
export interface TurnTimes {
  /** Question with the strict barrier, tool round, answer; behind the peers without the barrier, and as three bare rows. */
  readonly commits: readonly Compared[];
  /** The same nodes in one relaxed commit. */
  readonly oneCommit: readonly Compared[];
  /** Every value that was put during one turn: of ours, then of the peers. */
  readonly written: readonly (readonly unknown[])[];
}

export async function turnTimes({ factory }: BenchDatabase): Promise<TurnTimes> {
  const writer = await Writer.create(factory, 'messages-4k');
  await writer.grow(MESSAGES, 2, PAST_CHARACTERS);
  const peers = [piPeer(MESSAGES), keyvalPeer(MESSAGES)];
  let seed = 0;
  const threeCommits = async (durability: Durability): Promise<void> => {
    const nodes = turnNodes(++seed);
    await writer.append(nodes.slice(0, 1), { durability });
    await writer.append(nodes.slice(1, 3));
    await writer.append(nodes.slice(3));
  };
  const strictTurn = (): Promise<void> => threeCommits('strict');
  const threeRows = async (): Promise<void> => {
    const nodes = turnNodes(++seed);
    await bare.putAll([[++seed, nodes.slice(0, 1)]], 'strict');
    await bare.putAll([[++seed, nodes.slice(1, 3)]]);
    await bare.putAll([[++seed, nodes.slice(3)]]);
  };
  const oneCommit = async (): Promise<void> => void (await writer.append(turnNodes(++seed)));
  const bare = await BareDatabase.open('flush');
  // All databases of an origin share a log: a strict commit would wait for what others left to be written.
  const flush = async (): Promise<void> => {
    await bare.putAll([['flushed', ++seed]], 'strict');
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const saves = peers.map((peer) =>
    inARow(
      () => saveTurn(peer),
      async () => {
        await peer.settle();
        await flush();
      },
    ),
  );
  const commits = await compare(ROUNDS, [
    inARow(strictTurn, flush),
    ...saves,
    inARow(() => threeCommits('relaxed'), flush),
    inARow(threeRows, flush),
  ]);
  const whole = await compare(ROUNDS, [inARow(oneCommit, flush), ...saves]);
  const written: unknown[][] = [await valuesPut(strictTurn)];
  for (const peer of peers) written.push(await valuesPut(() => saveTurn(peer)));
  return { commits, oneCommit: whole, written };
}

async function saveTurn(peer: Peer): Promise<void> {
  peer.addTurn();
  await peer.save();
}

function turnNodes(seed: number): NodeDraft[] {
  const createdAt = 1_700_000_000_000;
  const { question, call, result, answer } = PEER_TURN;
  const callId = `call-${seed}`;
  const args = { query: text(call, seed + 1) };
  const part = { type: 'tool-call', callId, tool: 'search', args } as const;
  const outcome = { status: 'success', value: text(result, seed + 2) } as const;
  const invocation = { callId, tool: 'search', args, outcome, durationMs: 12 };
  return [
    says('user', question, seed),
    { createdAt, body: { kind: 'conversation', message: { role: 'assistant', parts: [part] } } },
    { createdAt, body: { kind: 'tool', invocation } },
    says('assistant', answer, seed + 3),
  ];
}

async function valuesPut(action: () => Promise<unknown>): Promise<unknown[]> {
  return (await rowsWritten(action)).map(({ value }) => value);
}

/** What branching to each of many past nodes cost. */
export interface BranchCosts {
  readonly branches: number;
  readonly ms: Spread;
  /** The dearest one in each respect. */
  readonly most: RowCounters;
  /** How many segments and how many receipts and heads were written in all. */
  readonly nodeRowsWritten: number;
}

export async function branchCosts(database: BenchDatabase, branches: number): Promise<BranchCosts> {
  const writer = await Writer.create(database.factory, 'branching');
  await writePath(writer, 10_000);
  const { nodes } = await writer.store.load({ kind: 'path' });
  const times: number[] = [];
  let most: RowCounters = { transactions: 0, rowsRead: 0, rowsWritten: 0, bytesWritten: 0 };
  const branchTo = async (index: number): Promise<void> => {
    const target = nodes[Math.floor((index * nodes.length) / branches)];
    const cost = await database.costOf(async () => {
      const start = performance.now();
      await writer.branch(target?.id ?? null);
      times.push(performance.now() - start);
    });
    most = {
      transactions: Math.max(most.transactions, cost.transactions),
      rowsRead: Math.max(most.rowsRead, cost.rowsRead),
      rowsWritten: Math.max(most.rowsWritten, cost.rowsWritten),
      bytesWritten: Math.max(most.bytesWritten, cost.bytesWritten),
    };
  };
  const values = await valuesPut(async () => {
    for (let index = 0; index < branches; index++) await branchTo(index);
  });
  const nodeRowsWritten = values.filter(
    (value) => typeof value === 'object' && value !== null && 'nodes' in value,
  ).length;
  return { branches, ms: spread(times), most, nodeRowsWritten };
}
