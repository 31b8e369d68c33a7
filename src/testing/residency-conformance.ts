import { parkingCases } from './parking-cases.ts';
import { residencyCases } from './residency-cases.ts';
import type { ResidencyCase } from './residency-context.ts';

/**
 * What a runtime keeps in memory, and what it leaves in its store: laws RE1 to RE6. Run each case on a context of its own,
 * with any store that outlives the worker.
 */
export const residencyConformance: readonly ResidencyCase[] = [...residencyCases, ...parkingCases];
