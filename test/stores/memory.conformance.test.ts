import { describe, test } from 'vitest';

import { memoryStoreContext } from '../../src/testing/memory-store-context.ts';
import { sessionStoreConformance } from '../../src/testing/store-conformance.ts';

describe('sessions in memory', () => {
  for (const { name, run } of sessionStoreConformance) test(name, () => run(memoryStoreContext()));
});
