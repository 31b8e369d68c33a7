import { describe, expect, it } from 'vitest';

import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { eventually } from '../support/eventually.ts';
import { openDatabase } from '../support/open-database.ts';
import { policy } from './support.ts';
import { tabCases, type TabStorage } from './tab-cases.ts';
import { echo } from './tab-models.ts';

/** A database that tabs share; each has a connection, locks and a channel of its own. */
async function withTabs(run: (storage: TabStorage, name: string) => Promise<void>): Promise<void> {
  const name = `tabs-${crypto.randomUUID()}`;
  const databases: IndexedDbDatabase[] = [];
  const runtimes: LashRuntime[] = [];
  const connect = (): IndexedDbDatabase => {
    const database = openDatabase(name);
    databases.push(database);
    return database;
  };
  try {
    const storage: TabStorage = {
      factory: new IndexedDbSessionStoreFactory(connect()),
      open: async (provider, options) => {
        const database = connect();
        const environment = RuntimeEnvironment.builder()
          .withResidency('ActivePathOnly')
          .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
          .withAttachmentStore(new IndexedDbAttachmentStore(database))
          .build();
        const own = { sessionId: 's', mode: 'openOrCreate', policy, providers: { fake: provider } } as const;
        const runtime = await LashRuntime.open(environment, { ...own, ...options });
        runtimes.push(runtime);
        return runtime;
      },
    };
    await run(storage, name);
  } finally {
    for (const runtime of runtimes) await runtime.close();
    for (const database of databases) await database.close();
    indexedDB.deleteDatabase(name);
  }
}

describe('tabs of one session, with locks, channels and a database of the browser', () => {
  for (const { name, run } of tabCases) it(name, () => withTabs(run), 60_000);

  it('[LE1][FO2][TU3] a worker that is terminated in a turn frees the session, and the other tab goes on with its turn', () =>
    withTabs(async ({ open }, name) => {
      const here = await open(echo());
      const worker = new Worker(new URL('tab.worker.ts', import.meta.url), { type: 'module', name });
      await eventually(() => expect(here.view().turn).toMatchObject({ turnId: 'theirs', text: 'so far' }));
      const { leaf } = here.view().head;
      worker.terminate();
      await eventually(() =>
        expect(here.view().lastTurn).toMatchObject({ turnId: 'theirs', result: { status: 'completed' } }),
      );
      expect(here.view().turn).toBeNull();
      expect(here.view().window.nodes.map(({ id }) => id)).toEqual([leaf, here.view().head.leaf]);
      const { nodeIds } = await here.appendSessionNodes({
        nodes: [{ kind: 'plugin', pluginType: 'note', data: 'mine' }],
      });
      expect(here.view().head.leaf).toBe(nodeIds[0]);
    }));
});
