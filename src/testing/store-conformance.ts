import type { StoreCase } from './store-context.ts';
import { storeGraphCases } from './store-graph-cases.ts';
import { storeIdentityCases } from './store-identity-cases.ts';
import { storeInputCases } from './store-input-cases.ts';
import { storeReadCases } from './store-read-cases.ts';
import { storeSessionCases } from './store-session-cases.ts';
import { storeSiblingCases } from './store-sibling-cases.ts';

/**
 * What any session store must keep, as far as it shows at its own surface: laws ST1–ST7, ST12–ST15, ST19 and ST20. Run
 * each case on a context of its own. Faults of the disk below, such as damaged rows, are up to each store's own tests.
 */
export const sessionStoreConformance: readonly StoreCase[] = [
  ...storeGraphCases,
  ...storeIdentityCases,
  ...storeReadCases,
  ...storeSiblingCases,
  ...storeInputCases,
  ...storeSessionCases,
];
