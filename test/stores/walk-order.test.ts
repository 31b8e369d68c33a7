import '../support/node-20.ts';
import 'fake-indexeddb/auto';
import { test } from 'vitest';

import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { memoryPlace } from '../runtime/portable.ts';
import { withDatabase } from './raw-database.ts';
import { checkWalkOrder } from './walk-order.ts';

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  '[ST7] [SE2] a tree has one walk and one file, vacuumed or not, copied or not, in memory and on a double: seed %i',
  (seed) =>
    withDatabase(async ({ database, factory }) => {
      const stored = { factory, attachments: new IndexedDbAttachmentStore(database) };
      await checkWalkOrder(seed, 100, [memoryPlace(), stored]);
    }),
);
