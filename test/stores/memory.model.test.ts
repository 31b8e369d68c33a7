import { test } from 'vitest';

import { inMemory } from './model-world.ts';
import { runModel, tableOf } from './model.ts';

const steps = Number(process.env['SOAK_STEPS'] ?? 12_500);
const seed = Number(process.env['SOAK_SEED'] ?? 20_261_122);

const TITLE =
  '[ST1] [ST2] [ST3] [ST4] [ST5] [ST6] [ST8] [ST9] [ST10] [ST11] [ST12] [RC1] [RC4] [RC6] [RC7] sessions in memory answer every program as the obvious model does';

test(`${TITLE}: ${steps} steps from seed ${seed}`, { timeout: 3_600_000 }, async () => {
  const counts = await runModel({ steps, seed, checkEvery: 50, within: inMemory });
  console.log(`${steps} steps in memory, seed ${seed}\n${tableOf(counts)}`);
});
