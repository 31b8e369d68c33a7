import * as fc from 'fast-check';
import { test } from 'vitest';

import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb-session-store-factory.ts';
import { programs, runProgram } from './model.ts';
import { withDatabase } from './raw-database.ts';

test('[ST2] [ST3] [ST4] [ST6] a session in IndexedDB answers every program as the obvious model does', async () => {
  await fc.assert(
    fc.asyncProperty(programs, (program) =>
      withDatabase(({ factory, connect }) =>
        runProgram(program, factory, async () => new IndexedDbSessionStoreFactory(connect())),
      ),
    ),
    { seed: 20_261_122, numRuns: 40 },
  );
});
