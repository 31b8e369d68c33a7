import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import {
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  type ProviderContext,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { openDatabase } from '../support/open-database.ts';
import { weatherTool } from './weather-tool.ts';
import { type Wire, wireModel, WIRES } from './wires.ts';

/** A wire's model at the server that the session's policy names. */
const provider =
  (wire: Wire) =>
  ({ options: { url, idleTimeoutMs } }: ProviderContext) =>
    aiSdkProvider(wireModel(wire, typeof url === 'string' ? url : ''), {
      maxContextTokens: 100_000,
      ...(typeof idleTimeoutMs === 'number' ? { idleTimeoutMs } : {}),
    });

serveRuntime({
  environment: ({ database: name }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'wires');
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withLimits({ retries: { baseDelayMs: 1 } })
      .build();
  },
  providers: Object.fromEntries(WIRES.map((wire) => [wire, provider(wire)])),
  tools: [weatherTool()],
});
