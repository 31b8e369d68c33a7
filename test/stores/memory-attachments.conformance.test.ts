import { describe, expect, test } from 'vitest';

import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { attachmentStoreConformance } from '../../src/testing/attachment-conformance.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';

describe('attachments in memory', () => {
  for (const { name, run } of attachmentStoreConformance) {
    test(name, async () => {
      const clock = new ManualClock();
      const store = new InMemoryAttachmentStore({ maxBytes: 5 * 1024 * 1024, clock });
      const factory = new InMemorySessionStoreFactory({ attachments: store });
      await run({
        store,
        factory,
        reopen: async () => store,
        sweep: async (keepYoungerThanMs) => (await store.attachments()).sweep({ keepYoungerThanMs }),
        pass: (ms) => clock.advance(ms),
        damage: async (id) => (await store.attachments()).damage(id),
      });
    });
  }

  test('[ST11] a store belongs to one factory, which knows whose intents still count', () => {
    const attachments = new InMemoryAttachmentStore();
    const first = new InMemorySessionStoreFactory({ attachments });
    expect(first.persistent).toBe(false);
    expect(() => new InMemorySessionStoreFactory({ attachments })).toThrow(/another factory/);
  });
});
