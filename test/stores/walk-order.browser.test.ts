import { test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { memoryPlace } from '../runtime/portable.ts';
import { withDatabase } from './raw-database.ts';
import { checkWalkOrder } from './walk-order.ts';

test.each([11, 12])(
  '[ST7] [SE2] a tree has one walk and one file, vacuumed or not, copied or not, in memory and in IndexedDB: seed %i',
  (seed) =>
    withDatabase(async ({ database, factory }) => {
      const stored = { factory, attachments: new IndexedDbAttachmentStore(database) };
      await checkWalkOrder(seed, 60, [memoryPlace(), stored]);
    }),
  60_000,
);
