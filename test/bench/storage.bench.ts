import { serialize } from 'node:v8';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { type Compared, first, IN_A_ROW, slope, spread } from './measure.ts';
import type { BenchCalls } from './storage.worker.ts';
import { TabBench } from './tab-bench.ts';
import { bytesText, type Figure, ratioFigure, spreadText, tableOf } from './table.ts';

const ORPHANS = Number(process.env['LASH_BENCH_ORPHANS'] ?? 100_000);
const TURNS = Number(process.env['LASH_BENCH_TURNS'] ?? 2_000);
const POINTS = 12;
const RESIDENT_BYTES = 256 * 1024;
const PARKED = 1_000;
const PI = 'pi-web-ui SessionsStore';
const KEYVAL = 'AI SDK array in idb-keyval';

const figures: Figure[] = [];
let bench: TabBench<BenchCalls>;

beforeAll(async () => {
  bench = await TabBench.ofWorker('test/bench/storage.worker.ts');
}, 60_000);

afterAll(async () => {
  await bench.close();
  console.log(tableOf(figures));
});

beforeEach(async () => {
  await bench.launch();
});

afterEach(async () => {
  await bench.quit();
});

/** How many times less: the ratio the other way round. */
function reportGain(
  figure: string,
  ours: number,
  { ms, ratio }: Compared,
  target: number,
  peer: string,
): void {
  const gain = { median: 1 / ratio.median, low: 1 / ratio.high, high: 1 / ratio.low };
  figures.push({
    figure,
    measured: `${spreadText(gain, 'x less', 1)}: ${(ours / IN_A_ROW).toFixed(2)} ms`,
    target: `≥ ${target} x less`,
    peer: `${peer}: ${(ms / IN_A_ROW).toFixed(1)} ms`,
    holds: gain.median >= target,
  });
}

test(`opening a session with ${ORPHANS} orphans`, { timeout: 600_000 }, async () => {
  const writer = await bench.openTab();
  await writer.call('writeBranched', 'plain', 0, 'early');
  await writer.call('writeBranched', 'branched', ORPHANS, 'early');
  await writer.call('writeBranched', 'shown', ORPHANS, 'shown');
  await writer.close();

  const reader = await bench.openTab();
  const plain = await reader.call('openingCost', 'plain');
  const branched = await reader.call('openingCost', 'branched');
  const shown = await reader.call('openingCost', 'shown');
  expect([plain.nodeCount, branched.nodeCount, shown.nodeCount]).toEqual([200, 200 + ORPHANS, 200 + ORPHANS]);
  figures.push(
    {
      figure: `rows read: newest 50 of 200 nodes, ${ORPHANS} off the path`,
      measured: `${branched.newestPage.rowsRead} (branches from the page itself: ${shown.newestPage.rowsRead})`,
      target: `${plain.newestPage.rowsRead}, as without`,
      peer: '–',
      holds: branched.newestPage.rowsRead === plain.newestPage.rowsRead,
    },
    {
      figure: 'rows read: LashRuntime.open of it',
      measured: `${branched.runtime.rowsRead}`,
      target: `${plain.runtime.rowsRead}, as without`,
      peer: '–',
      holds: branched.runtime.rowsRead === plain.runtime.rowsRead,
    },
    {
      figure: 'rows read: LashRuntime.open where all branches leave from the page that is shown',
      measured: `${shown.runtime.rowsRead}, for the tips of ${ORPHANS / 100} branches`,
      target: 'none',
      peer: '–',
    },
  );
  const most = await reader.call('mostResident', 'branched', RESIDENT_BYTES);
  await reader.close();
  figures.push({
    figure: 'most that was resident after any step',
    measured: bytesText(most),
    target: `≤ ${bytesText(RESIDENT_BYTES)}`,
    peer: '–',
    holds: most <= RESIDENT_BYTES,
  });

  const heaps = { plain: [] as number[], branched: [] as number[] };
  for (let round = 0; round < 3; round++) {
    for (const sessionId of ['plain', 'branched'] as const) {
      const tab = await bench.openTab();
      await tab.call('hold', sessionId);
      heaps[sessionId].push(await tab.workerHeap());
      await tab.close();
    }
  }
  const [without, withOrphans] = [spread(heaps.plain).median, spread(heaps.branched).median];
  const more = withOrphans / without - 1;
  figures.push({
    figure: `worker heap with ${ORPHANS} orphans`,
    measured: `${bytesText(withOrphans)}, ${(100 * more).toFixed(2)} % more`,
    target: '≤ 5 % more',
    peer: `without: ${bytesText(without)}`,
    holds: more <= 0.05,
  });

  expect(plain.newestPage.rowsRead).toBeGreaterThan(0);
  expect(branched.newestPage).toEqual(plain.newestPage);
  expect(shown.newestPage).toEqual(plain.newestPage);
  expect(branched.runtime).toEqual(plain.runtime);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(RESIDENT_BYTES);
  expect(more).toBeLessThanOrEqual(0.05);
});

test('commits and reads of long paths', { timeout: 600_000 }, async () => {
  const tab = await bench.openTab();
  const { times, large, small } = await tab.call('commitAtSize');
  figures.push({
    figure: 'rows and bytes of a commit at 100,000 nodes',
    measured: `${large.rowsWritten} rows, ${large.bytesWritten} bytes`,
    target: `${small.rowsWritten} rows, ${small.bytesWritten} bytes`,
    peer: 'the same at 1,000 nodes',
    holds: large.rowsWritten === small.rowsWritten && large.bytesWritten === small.bytesWritten,
  });
  const [atLarge, atSmall] = [first(times), first(times, 1)];
  const perCommit = `${(atLarge.ms / IN_A_ROW).toFixed(2)} and ${(atSmall.ms / IN_A_ROW).toFixed(2)} ms`;
  figures.push(ratioFigure('time of a commit at 100,000 nodes / at 1,000', atSmall.ratio, 1.5, perCommit));

  const { page10k, page100k, path10k, rows } = await tab.call('readTimes');
  for (const [name, compared, count] of [
    ['10,000', page10k, rows.page10k],
    ['100,000', page100k, rows.page100k],
  ] as const) {
    const [ours, bare] = [first(compared), first(compared, 1)];
    const peer = `one range of 50 rows: ${(bare.ms / IN_A_ROW).toFixed(2)} ms`;
    figures.push(
      ratioFigure(
        `newest 50 of a path of ${name}: ${(ours.ms / IN_A_ROW).toFixed(2)} ms, ${count} rows`,
        bare.ratio,
        3,
        peer,
      ),
    );
  }
  const [whole, record, range] = [first(path10k), first(path10k, 1), first(path10k, 2)];
  const wholeName = `whole path of 10,000: ${whole.ms.toFixed(0)} ms, ${rows.path10k} rows`;
  const peer = `one record: ${record.ms.toFixed(0)} ms; a row for each node: ${range.ms.toFixed(0)} ms`;
  figures.push(ratioFigure(wholeName, record.ratio, 5, peer));

  expect(large).toEqual(small);
  expect(rows.page100k).toBeLessThanOrEqual(rows.page10k + 1);
});

test(
  'a turn at 4,000 messages, next to libraries that write the whole session',
  { timeout: 600_000 },
  async () => {
    const tab = await bench.openTab();
    const { commits, oneCommit, written } = await tab.call('turnTimes');
    const peers = [PI, KEYVAL];
    for (const [index, peer] of peers.entries()) {
      reportGain(
        'turn at 4,000 messages, 3 commits, strict question',
        first(commits).ms,
        first(commits, index + 1),
        10,
        peer,
      );
      reportGain(
        'the same in one relaxed commit',
        first(oneCommit).ms,
        first(oneCommit, index + 1),
        20,
        peer,
      );
    }
    const relaxed = (first(commits, 3).ms / IN_A_ROW).toFixed(2);
    figures.push({
      figure: 'three bare transactions of one row, the first one strict',
      measured: `${(first(commits, 4).ms / IN_A_ROW).toFixed(2)} ms; our 3 commits without the barrier: ${relaxed} ms`,
      target: 'none',
      peer: '–',
    });
    const [ours = 0, ...theirs] = written.map((values) =>
      values.reduce<number>((sum, value) => sum + serialize(value).byteLength, 0),
    );
    for (const [index, bytes] of theirs.entries()) {
      figures.push({
        figure: 'bytes of that turn, as structured clones',
        measured: `${(bytes / ours).toFixed(0)} x fewer: ${bytesText(ours)}`,
        target: '≥ 500 x fewer',
        peer: `${peers[index]}: ${bytesText(bytes)}`,
        holds: bytes / ours >= 500,
      });
    }
    expect(ours).toBeGreaterThan(0);
    for (const bytes of theirs) expect(bytes / ours).toBeGreaterThanOrEqual(500);
  },
);

test('branching to past nodes', { timeout: 600_000 }, async () => {
  const tab = await bench.openTab();
  const { branches, ms, most, nodeRowsWritten } = await tab.call('branchCosts', 200);
  figures.push({
    figure: `branching to ${branches} of 10,000 past nodes: ${spreadText(ms, 'ms')}`,
    measured: `${nodeRowsWritten} node rows; at most ${most.transactions} transaction, ${most.rowsRead} rows read, ${most.rowsWritten} written`,
    target: 'one commit, 0 node rows',
    peer: '–',
    holds: nodeRowsWritten === 0 && most.transactions === 1,
  });
  expect(most).toMatchObject({ transactions: 1, rowsWritten: 2 });
  expect(nodeRowsWritten).toBe(0);
});

test(`${TURNS} turns with branches and housekeeping`, { timeout: 3_600_000 }, async () => {
  const tab = await bench.openTab();
  const start = performance.now();
  // The first ones fill the window and warm the code up.
  const first = Math.round(Math.min(TURNS / 2, Math.max(500, TURNS / 10)));
  await tab.call('runLong', first, RESIDENT_BYTES);
  const turns: number[] = [];
  const heaps: number[] = [];
  let state = await tab.call('runLong', 0, RESIDENT_BYTES);
  const filled = state.turns;
  for (let point = 0; point < POINTS; point++) {
    const until = filled + Math.round(((TURNS - filled) * point) / (POINTS - 1));
    state = await tab.call('runLong', until - state.turns, RESIDENT_BYTES);
    turns.push(state.turns);
    heaps.push(await tab.workerHeap());
  }
  const perTurn = slope(turns, heaps);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const { depth, nodeCount, residentNodes, tombstoned, rowsRemoved } = state;
  figures.push({
    figure: `heap per turn over ${state.turns} turns (${depth} nodes deep, ${nodeCount} stored, ${tombstoned} tombstoned, ${rowsRemoved} rows vacuumed, ${residentNodes} resident)`,
    measured: `${bytesText(perTurn)}: from ${bytesText(heaps[0] ?? 0)} to ${bytesText(heaps.at(-1) ?? 0)}, ${seconds} s`,
    target: '< 1 KiB',
    peer: '–',
    holds: perTurn < 1024,
  });
  console.log(heaps.map((heap, index) => `${turns[index]} turns: ${bytesText(heap)}`).join('\n'));
  expect(state.turns).toBe(TURNS);
  expect(tombstoned).toBeGreaterThan(0);
  expect(rowsRemoved).toBeGreaterThan(0);
  expect(state.residentBytes).toBeLessThanOrEqual(RESIDENT_BYTES);
  expect(perTurn).toBeLessThan(1024);
});

test(`${PARKED} parked sessions`, { timeout: 600_000 }, async () => {
  const tab = await bench.openTab();
  await tab.call('park', 'warm-up', 50);
  await tab.call('drop');
  const before = await tab.workerHeap();
  const handles = await tab.call('park', 'parked', PARKED);
  const heap = (await tab.workerHeap()) - before;
  const largest = Math.max(...handles.map((handle) => serialize(handle).byteLength));
  figures.push({
    figure: `heap of ${PARKED} parked sessions (handles of at most ${bytesText(largest)})`,
    measured: bytesText(heap),
    target: '< 2 MiB; handles < 1 KiB',
    peer: '–',
    holds: heap < 2 * 1024 * 1024 && largest < 1024,
  });
  expect(handles).toHaveLength(PARKED);
  expect(largest).toBeLessThan(1024);
  expect(heap).toBeLessThan(2 * 1024 * 1024);
});
