import { subagents } from 'lash-web/plugins/subagents';
import {
  defineTool,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  PluginHost,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';
import * as z from 'zod/mini';

import { openDatabase } from '../support/open-database.ts';
import { fakeModel } from './fake-model.ts';

const helpers = subagents({ agents: { helper: { description: 'helps', tools: ['spawn_agent', 'erase'] } } });

const erase = defineTool({
  name: 'erase',
  description: 'Needs an approval.',
  input: z.object({}),
  approval: true,
  execute: () => 'erased',
});

serveRuntime({
  environment: ({ database: name }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'children');
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withResidency('ActivePathOnly')
      .withPluginHost(new PluginHost([helpers]))
      .build();
  },
  providers: { fake: fakeModel },
  tools: [erase],
});
