import { LashRuntime } from '../../src/runtime/runtime.ts';
import { IndexedDbAttachmentStore } from '../../src/stores/indexeddb/indexeddb-attachment-store.ts';
import { IndexedDbSessionStoreFactory } from '../../src/stores/indexeddb/indexeddb-session-store-factory.ts';
import { RuntimeEnvironment } from '../../src/worker/environment.ts';
import { openDatabase } from '../support/open-database.ts';

/** A tab that begins a turn in session `s` of the database that its name says, and never ends it. */
const database = openDatabase(self.name);
const environment = RuntimeEnvironment.builder()
  .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
  .withAttachmentStore(new IndexedDbAttachmentStore(database))
  .build();
const runtime = await LashRuntime.open(environment, {
  sessionId: 's',
  providers: {
    fake: {
      model: 'fake-1',
      maxContextTokens: 1000,
      async *stream() {
        yield { type: 'text-delta', text: 'so far' };
        await new Promise(() => undefined);
      },
    },
  },
});
await runtime.turn('hi', { inputId: 'theirs' }).accepted;
