import { storeAdoptionCases } from './store-adoption-cases.ts';
import { storeCheckpointCases, storeComponentCases } from './store-checkpoint-cases.ts';
import type { StoreCase } from './store-context.ts';
import { storeDeletionCases, storeImportCases } from './store-deletion-cases.ts';
import { storeGraphCases } from './store-graph-cases.ts';
import { storeHeadDamageCases } from './store-head-damage-cases.ts';
import { storeIdentityCases } from './store-identity-cases.ts';
import { storeInputCases } from './store-input-cases.ts';
import { storeLeaseCases } from './store-lease-cases.ts';
import { storeOrphanCases } from './store-orphan-cases.ts';
import { storeParentCases } from './store-parent-cases.ts';
import { storeDamageCases, storePlaceCases } from './store-place-cases.ts';
import { storeReadCases } from './store-read-cases.ts';
import { storeSessionCases } from './store-session-cases.ts';
import { storeSiblingCases } from './store-sibling-cases.ts';
import { storeTaskCases } from './store-task-cases.ts';
import { storeTombstoneCases } from './store-tombstone-cases.ts';
import { turnCommitCases, turnIdentityCases } from './store-turn-cases.ts';
import { turnQueueCases } from './store-turn-queue-cases.ts';
import { turnJournalCases, turnSessionCases, turnSignalCases } from './store-turn-record-cases.ts';
import { storeVacuumCases } from './store-vacuum-cases.ts';
import { storeWalkCases } from './store-walk-cases.ts';

/**
 * What any session store must keep, as far as it shows at its own surface: laws ST1–ST14, ST16, ST19 and ST20, CP1–CP3,
 * LE1–LE3, RC1–RC8, TK1–TK4, and what a store has to do for TU1 and TU4. Run each case on a context of its own. What only
 * a disk can do, such as running full, is up to each store's own tests.
 */
export const sessionStoreConformance: readonly StoreCase[] = [
  ...storeGraphCases,
  ...storeIdentityCases,
  ...storeReadCases,
  ...storeWalkCases,
  ...storeSiblingCases,
  ...storePlaceCases,
  ...storeDamageCases,
  ...storeInputCases,
  ...storeSessionCases,
  ...storeHeadDamageCases,
  ...storeParentCases,
  ...storeCheckpointCases,
  ...storeOrphanCases,
  ...storeTombstoneCases,
  ...storeVacuumCases,
  ...storeComponentCases,
  ...storeAdoptionCases,
  ...storeDeletionCases,
  ...storeImportCases,
  ...storeLeaseCases,
  ...turnIdentityCases,
  ...turnCommitCases,
  ...turnQueueCases,
  ...turnJournalCases,
  ...turnSignalCases,
  ...turnSessionCases,
  ...storeTaskCases,
];
