import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { first, IN_A_ROW } from './measure.ts';
import { TabBench } from './tab-bench.ts';
import { type Figure, ratioFigure, tableOf } from './table.ts';
import type { TurnCalls } from './turn.worker.ts';

const TURNS = 50_000;
const STREAM_MS = 5_000;
const PLUGINS = 20;
const CHILDREN = 100;
const AT_A_TIME = 10;
/** What a heap may hold more behind all children than before them, in bytes: less than 20 kB for each. */
const CHILDREN_HEAP = 2 * 1024 * 1024;

const figures: Figure[] = [];
let bench: TabBench<TurnCalls>;

beforeAll(async () => {
  bench = await TabBench.ofWorker('test/bench/turn.worker.ts');
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

test(`a turn at ${TURNS} turns`, { timeout: 600_000 }, async () => {
  const tab = await bench.openTab();
  const { times, long, short, nodeCount, residentNodes } = await tab.call('turnAtLength', TURNS);
  const [atLong, atShort] = [first(times), first(times, 1)];
  // A row holds the number of the turn as text, and so does the size that is kept of it.
  const digits = 2 * (`${TURNS}`.length - '100'.length);
  const isSame = long.rowsRead === short.rowsRead && long.rowsWritten === short.rowsWritten;
  figures.push({
    figure: `our rows and bytes of a turn at ${TURNS} turns (${nodeCount} nodes, ${residentNodes} resident)`,
    measured: `${long.rowsRead} read, ${long.rowsWritten} written, ${long.bytesWritten} bytes`,
    target: `${short.rowsRead} read, ${short.rowsWritten} written, ${short.bytesWritten} bytes`,
    peer: `the same at 100 turns; ${digits} bytes are digits of the turn's number`,
    holds: isSame && long.bytesWritten <= short.bytesWritten + digits,
  });
  const perTurn = `${(atLong.ms / IN_A_ROW).toFixed(1)} and ${(atShort.ms / IN_A_ROW).toFixed(1)} ms`;
  figures.push(ratioFigure(`our time of a turn at ${TURNS} turns / at 100`, atShort.ratio, 1.5, perTurn));
  expect(nodeCount).toBeGreaterThan(2 * TURNS);
  expect([long.rowsRead, long.rowsWritten]).toEqual([short.rowsRead, short.rowsWritten]);
  expect(long.bytesWritten).toBeLessThanOrEqual(short.bytesWritten + digits);
});

test(`a turn with ${PLUGINS} plugins`, { timeout: 120_000 }, async () => {
  const tab = await bench.openTab();
  const { times, buildMs, builds } = await tab.call('pluginCosts', PLUGINS);
  const [plugged, plain] = [first(times), first(times, 1)];
  const perTurn = `${(plugged.ms / IN_A_ROW).toFixed(1)} and ${(plain.ms / IN_A_ROW).toFixed(1)} ms`;
  figures.push(
    ratioFigure(`a turn with ${PLUGINS} plugins that do nothing / without`, plain.ratio, 1.1, perTurn),
  );
  figures.push({
    figure: `building the ${PLUGINS} plugins of a session, each ${builds} x`,
    measured: `${buildMs.toFixed(2)} ms`,
    target: '< 1 ms, 1 x',
    peer: '–',
    holds: buildMs < 1 && builds === 1,
  });
  expect(builds).toBe(1);
});

test(`a turn with ${CHILDREN} children, ${AT_A_TIME} at a time`, { timeout: 120_000 }, async () => {
  const tab = await bench.openTab();
  // The first ones load their code.
  await tab.call('childrenCosts', AT_A_TIME, AT_A_TIME);
  const before = await tab.workerHeap();
  const { completed, seconds, atMost, afterwards } = await tab.call('childrenCosts', CHILDREN, AT_A_TIME);
  const heap = (await tab.workerHeap()) - before;
  const openText = ({ runtimes, leases, listeners }: typeof atMost): string =>
    `${runtimes} runtimes, ${leases} leases, ${listeners} listeners`;
  const isClosed = afterwards.runtimes + afterwards.leases + afterwards.listeners === 0;
  figures.push({
    figure: `open behind ${CHILDREN} children, ${AT_A_TIME} at a time (at most: ${openText(atMost)})`,
    measured: openText(afterwards),
    target: 'nothing',
    peer: `${completed} completed in ${seconds.toFixed(1)} s`,
    holds: isClosed && completed === CHILDREN,
  });
  figures.push({
    figure: `heap behind ${CHILDREN} children`,
    measured: `${(heap / 1024).toFixed(0)} kB`,
    target: `< ${CHILDREN_HEAP / 1024} kB`,
    peer: '–',
    holds: heap < CHILDREN_HEAP,
  });
  expect(completed).toBe(CHILDREN);
  expect(afterwards).toEqual({ runtimes: 0, leases: 0, listeners: 0 });
  // The parent is one of them.
  expect(atMost.runtimes).toBe(AT_A_TIME + 1);
  expect(heap).toBeLessThan(CHILDREN_HEAP);
});

test('what recording a turn adds', { timeout: 60_000 }, async () => {
  const tab = await bench.openTab();
  const effects = await tab.call('recordedEffects');
  for (const [kind, { rows, bytes, content }] of Object.entries(effects)) {
    figures.push({
      figure: `recorded for one ${kind}, beyond its content`,
      measured: `${rows} rows, ${bytes} bytes`,
      target: '≤ 4 rows, 2 kB',
      peer: content === 0 ? '–' : `content: ${content} bytes`,
      holds: rows <= 4 && bytes <= 2048,
    });
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(4);
    expect(bytes).toBeLessThanOrEqual(2048);
  }
  const { seconds, writes, rows, bytes } = await tab.call('recordedStream', STREAM_MS);
  const rate = writes / seconds;
  figures.push({
    figure: `writes while text streams for ${seconds} s`,
    measured: `${rate.toFixed(1)} a second, each of ${rows} row and ${bytes} bytes besides the text`,
    target: '≤ 5 a second',
    peer: '–',
    holds: rate <= 5,
  });
  expect(writes).toBeGreaterThan(0);
  expect(rate).toBeLessThanOrEqual(5);
});
