import { expect, test } from 'vitest';

import type { AgentState } from './long-agent.ts';
import { CONTEXT_TOKENS, RESIDENT_BYTES } from './long-agent.ts';

/** Its house is kept at turn 100. */
const TURNS = 110;

async function runAgent(turns: number): Promise<AgentState> {
  const worker = new Worker(new URL('./agent.worker.ts', import.meta.url), { type: 'module' });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.addEventListener('message', ({ data }: MessageEvent<{ value: AgentState; error?: string }>) => {
        if (data.error === undefined) resolve(data.value);
        else reject(new Error(data.error));
      });
      worker.postMessage({ id: 1, name: 'run', args: [turns, 1] });
    });
  } finally {
    worker.terminate();
  }
}

test('[TU2][RE2][ST9] an agent that goes on and on in a worker holds a bounded prompt and bounded memory, and its house is kept', async () => {
  const state = await runAgent(TURNS);
  expect(state.warnings).toEqual([]);
  expect(state.turns).toBe(TURNS);
  expect(state.summaries).toBeGreaterThan(2);
  expect(state.largestPrompt).toBeLessThanOrEqual(CONTEXT_TOKENS);
  expect(state.residentBytes).toBeLessThanOrEqual(RESIDENT_BYTES);
  expect(state.tombstoned).toBeGreaterThan(0);
  expect(state.rowsRemoved).toBeGreaterThan(0);
}, 120_000);
