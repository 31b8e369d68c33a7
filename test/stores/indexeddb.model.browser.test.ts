import { test } from 'vitest';

import { inIndexedDb } from './model-world.ts';
import { runModel, tableOf } from './model.ts';

const steps = Number(import.meta.env['VITE_SOAK_STEPS'] ?? 900);
const seed = Number(import.meta.env['VITE_SOAK_SEED'] ?? 20_261_122);

const TITLE =
  '[ST1] [ST2] [ST3] [ST4] [ST5] [ST6] [ST8] [ST9] [ST10] [ST11] [ST12] [RC1] [RC4] [RC6] [RC7] sessions in IndexedDB answer every program as the obvious model does';

test(`${TITLE}: ${steps} steps from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  const alsoMeets = ['vacuum: stopped half-way'];
  const counts = await runModel({ steps, seed, checkEvery: 50, within: inIndexedDb, alsoMeets });
  console.log(`${steps} steps in IndexedDB, seed ${seed}\n${tableOf(counts)}`);
});
