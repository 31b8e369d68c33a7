import '../support/node-20.ts';
import 'fake-indexeddb/auto';
import { test } from 'vitest';

import { inIndexedDb } from './model-world.ts';
import { runModel } from './model.ts';

const steps = 1900;
const seed = 20_261_123;

const TITLE =
  '[ST4] [ST8] [ST9] [ST11] [RC4] [RC6] the logic of IndexedDB stores, on a double, answers as the obvious model does';

test(`${TITLE}: ${steps} steps from seed ${seed}`, { timeout: 120_000 }, async () => {
  await runModel({
    steps,
    seed,
    checkEvery: 50,
    within: inIndexedDb,
    alsoMeets: ['vacuum: stopped half-way'],
  });
});
