import { describe, it } from 'vitest';

import { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { policy } from './support.ts';
import { tabCases } from './tab-cases.ts';

describe('several runtimes of one session in memory', () => {
  for (const { name, run } of tabCases) {
    it(name, async () => {
      const factory = new InMemorySessionStoreFactory();
      const runtimes: LashRuntime[] = [];
      try {
        await run({
          factory,
          open: async (provider, options) => {
            const environment = RuntimeEnvironment.builder()
              .withSessionStoreFactory(factory)
              .withAttachmentStore(new InMemoryAttachmentStore())
              .build();
            const own = {
              sessionId: 's',
              mode: 'openOrCreate',
              policy,
              providers: { fake: provider },
            } as const;
            const runtime = await LashRuntime.open(environment, { ...own, ...options });
            runtimes.push(runtime);
            return runtime;
          },
        });
      } finally {
        for (const runtime of runtimes) await runtime.close();
      }
    });
  }
});
