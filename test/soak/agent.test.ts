import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { slope } from '../bench/measure.ts';
import { TabBench } from '../bench/tab-bench.ts';
import { chromiumLaunch } from '../support/engines.ts';
import type { AgentCalls } from './agent.worker.ts';
import { CONTEXT_TOKENS, RESIDENT_BYTES } from './long-agent.ts';

const TURNS = Number(process.env['SOAK_AGENT_TURNS'] ?? 300);
const SEED = Number(process.env['SOAK_SEED'] ?? 20_261_127);

/** The first ones fill what is held in memory, and warm the code up. */
const WARM = Math.min(500, Math.floor(TURNS / 2));
const POINTS = 8;
/** A commit is measured here and at the end. */
const EARLY = Math.min(100, Math.floor(TURNS / 3));

const missing = chromiumLaunch()?.executablePath === undefined;

describe.skipIf(missing)(`an agent of ${TURNS} turns${missing ? ' (skipped: no Chromium)' : ''}`, () => {
  let bench: TabBench<AgentCalls>;

  beforeAll(async () => {
    bench = await TabBench.ofWorker('test/soak/agent.worker.ts');
    await bench.launch();
  }, 60_000);
  afterAll(async () => {
    await bench.quit();
    await bench.close();
  });

  test(
    '[TU2][RE2][ST19] holds a bounded prompt and bounded memory, and its commits stay what they were',
    { timeout: 60_000 + TURNS * 1000 },
    async () => {
      const tab = await bench.openTab();
      const started = performance.now();
      let state = await tab.call('run', EARLY, SEED);
      const first = state;
      const early = await tab.call('commitCost');
      const turns: number[] = [];
      const heaps: number[] = [];
      for (let point = 0; point < POINTS; point++) {
        const until = WARM + Math.round(((TURNS - WARM) * point) / (POINTS - 1));
        state = await tab.call('run', until - state.turns, SEED);
        turns.push(state.turns);
        heaps.push(await tab.workerHeap());
        const seconds = ((performance.now() - started) / 1000).toFixed(0);
        console.log(
          `${state.turns} turns, ${seconds} s: heap ${heaps.at(-1)}, ${JSON.stringify({ ...state, warnings: state.warnings.length })}`,
        );
      }
      const late = await tab.call('commitCost');
      const perTurn = slope(turns, heaps);
      console.log(
        `heap per turn: ${perTurn.toFixed(0)} bytes; commit: ${JSON.stringify({ early, late })}, ${((late?.ms ?? 0) / (early?.ms ?? 0)).toFixed(2)} x the time`,
      );
      expect(state.turns).toBe(TURNS);
      expect(state.warnings).toEqual([]);
      expect(state.toolCalls).toBeGreaterThan(TURNS / 4);
      expect(state.summaries).toBeGreaterThan(TURNS / 50);
      expect(state.tombstoned).toBeGreaterThan(0);
      expect(state.rowsRemoved).toBeGreaterThan(0);
      expect(state.attachmentsRemoved).toBeGreaterThan(0);
      // The prompt, memory, and what a commit asks of the database do not grow with the session.
      expect(state.largestPrompt).toBeLessThanOrEqual(CONTEXT_TOKENS);
      expect(state.residentBytes).toBeLessThanOrEqual(RESIDENT_BYTES);
      expect(state.children).toBeLessThanOrEqual(2);
      expect(late?.rows.rowsRead).toBe(early?.rows.rowsRead);
      expect(late?.rows.rowsWritten).toBe(early?.rows.rowsWritten);
      expect(late?.rows.transactions).toBe(early?.rows.transactions);
      // The summaries are in it, and what turns ask differs.
      expect(state.rowsRead / first.rowsRead).toBeLessThan(1.5);
      expect(state.rowsWritten / first.rowsWritten).toBeLessThan(1.5);
      // Numbers and names of turns have a few digits more.
      const growth = (late?.rows.bytesWritten ?? Infinity) - (early?.rows.bytesWritten ?? 0);
      expect(Math.abs(growth)).toBeLessThan(64);
      // Over few turns the heap still settles, and says nothing.
      expect(TURNS < 1000 ? 0 : perTurn).toBeLessThan(1024);
      // Nothing is left behind but the ids of sessions, each of which is used once.
      expect(await tab.call('end')).toEqual({ database: 1, heads: 1 + state.summaries });
    },
  );
});
