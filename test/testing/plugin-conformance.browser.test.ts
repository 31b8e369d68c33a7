import { pluginConformance, pluginHostConformance } from 'lash-web/testing';
import { afterEach, describe, test } from 'vitest';

import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import type { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { openDatabase } from '../support/open-database.ts';
import { hostContext, PLUGINS } from './plugin-contexts.ts';

const opened: { readonly runtimes: LashRuntime[]; readonly databases: IndexedDbDatabase[] } = {
  runtimes: [],
  databases: [],
};

afterEach(async () => {
  // One whose tab was killed is never closed.
  opened.runtimes.splice(0).forEach((runtime) => void runtime.close().catch(() => undefined));
  for (const database of opened.databases.splice(0)) {
    await database.close();
    indexedDB.deleteDatabase(database.name);
  }
});

/** Sessions on this browser's disk; each tab has a connection of its own. */
function onDisk(): ReturnType<typeof hostContext> {
  const name = `plugins-${crypto.randomUUID()}`;
  const storage = () => {
    const database = openDatabase(name);
    opened.databases.push(database);
    return {
      sessions: new IndexedDbSessionStoreFactory(database),
      attachments: new IndexedDbAttachmentStore(database),
    };
  };
  return hostContext(storage, (runtime) => void opened.runtimes.push(runtime));
}

describe.each(PLUGINS)('%s', (_, subject) => {
  for (const { name, run } of pluginConformance)
    test(name, async () => await run({ ...onDisk(), ...subject() }), 60_000);
});

describe('the host of plugins', () => {
  for (const { name, run } of pluginHostConformance) test(name, async () => await run(onDisk()), 60_000);
});
