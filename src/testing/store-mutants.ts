import { commitMutants } from './commit-mutants.ts';
import { lifetimeMutants } from './lifetime-mutants.ts';
import { maintenanceMutants } from './maintenance-mutants.ts';
import type { StoreMutant } from './mutant.ts';
import { checkpointMutants, readMutants } from './read-mutants.ts';
import { taskMutants } from './task-mutants.ts';
import { turnMutants } from './turn-mutants.ts';

/**
 * Broken session stores. `sessionStoreConformance` must fail each of them on some case, on a context that can damage
 * what it stores; so they tell whether the suite still sees what it is there to see.
 */
export const storeMutants: readonly StoreMutant[] = [
  ...commitMutants,
  ...readMutants,
  ...checkpointMutants,
  ...maintenanceMutants,
  ...lifetimeMutants,
  ...turnMutants,
  ...taskMutants,
];
