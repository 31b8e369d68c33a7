import { describe, test } from 'vitest';

import { InMemoryAttachmentStore } from '../../src/stores/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory-session-store-factory.ts';
import { attachmentStoreConformance } from '../../src/testing/attachment-conformance.ts';
import { sessionStoreConformance } from '../../src/testing/store-conformance.ts';

describe('sessions in memory', () => {
  for (const { name, run } of sessionStoreConformance) {
    test(name, async () => {
      const factory = new InMemorySessionStoreFactory();
      await run({ factory, reopen: async () => factory });
    });
  }
});

describe('attachments in memory', () => {
  for (const { name, run } of attachmentStoreConformance) {
    test(name, async () => {
      const store = new InMemoryAttachmentStore({ maxBytes: 3 * 1024 * 1024 });
      await run({ store, reopen: async () => store });
    });
  }
});
