import {
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { fakeModel } from './fake-model.ts';

serveRuntime({
  environment: ({ database: name }) => {
    const database = IndexedDbDatabase.open(String(name));
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .build();
  },
  providers: { fake: fakeModel },
  housekeeping: { everyMs: 20, keep: { youngerThanMs: 0 } },
});
