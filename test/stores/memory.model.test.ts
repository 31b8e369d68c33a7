import * as fc from 'fast-check';
import { test } from 'vitest';

import { InMemorySessionStoreFactory } from '../../src/stores/memory-session-store-factory.ts';
import { programs, runProgram } from './model.ts';

test('[ST2] [ST3] [ST4] [ST6] a session in memory answers every program as the obvious model does', async () => {
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const factory = new InMemorySessionStoreFactory();
      await runProgram(program, factory, async () => factory);
    }),
    { seed: 20_261_122, numRuns: 300 },
  );
});
