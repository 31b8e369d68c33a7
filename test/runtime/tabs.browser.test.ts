import { describe, expect, it, vi } from 'vitest';

import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { policy } from './support.ts';
import { tabCases, type TabStorage } from './tab-cases.ts';

/** A database that tabs share; each has a connection, locks and a channel of its own. */
async function withTabs(run: (storage: TabStorage, name: string) => Promise<void>): Promise<void> {
  const name = `tabs-${crypto.randomUUID()}`;
  const databases: IndexedDbDatabase[] = [];
  const runtimes: LashRuntime[] = [];
  const connect = (): IndexedDbDatabase => {
    const database = IndexedDbDatabase.open(name);
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

  it('[LE1][FO2] a worker that is terminated in a turn frees the session, and its turn ends in the other tab', () =>
    withTabs(async ({ open }, name) => {
      const here = await open({
        model: 'fake-1',
        maxContextTokens: 1000,
        stream: () => {
          throw new Error('no call is made here');
        },
      });
      const worker = new Worker(new URL('tab.worker.ts', import.meta.url), { type: 'module', name });
      await vi.waitFor(() => expect(here.view().turn).toMatchObject({ turnId: 'theirs', text: 'so far' }), {
        timeout: 10_000,
      });
      const { leaf } = here.view().head;
      worker.terminate();
      await vi.waitFor(() => expect(here.view().writer).toBe('nobody'), { timeout: 10_000 });
      await vi.waitFor(() => expect(here.view().turn).toBeNull());
      expect(here.view().lastTurn).toMatchObject({
        turnId: 'theirs',
        result: { status: 'failed', error: { code: 'WorkerLost' }, leaf },
      });
      const { nodeIds } = await here.appendSessionNodes({
        nodes: [{ kind: 'plugin', pluginType: 'note', data: 'mine' }],
      });
      expect(here.view().window.nodes.map(({ id }) => id)).toEqual([leaf, ...nodeIds]);
    }));
});
