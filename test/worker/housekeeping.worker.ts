import {
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { openDatabase } from '../support/open-database.ts';
import { fakeModel } from './fake-model.ts';

serveRuntime({
  environment: ({ database: name }) => {
    if (typeof name !== 'string') throw new TypeError('config.database is missing');
    const database = openDatabase(name);
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .build();
  },
  providers: { fake: fakeModel },
  housekeeping: { everyMs: 20, keep: { youngerThanMs: 0 } },
});
