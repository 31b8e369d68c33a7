import {
  defineTool,
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

console.log(
  serveRuntime,
  RuntimeEnvironment,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  IndexedDbAttachmentStore,
  defineTool,
);
