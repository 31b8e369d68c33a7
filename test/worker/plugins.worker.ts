import {
  definePlugin,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  PluginHost,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { openDatabase } from '../support/open-database.ts';
import { fakeModel } from './fake-model.ts';
import { planPlugin } from './plan-plugin.ts';

/** Fails, hangs or stops the turn, where the message says so. */
const moody = definePlugin({
  id: 'moody',
  version: 1,
  timeoutMs: 200,
  hooks: {
    transformAnswer: async ({ parts }) => {
      const said = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
      if (said === 'throw') throw new Error('moody');
      if (said === 'hang') await new Promise(() => undefined);
      return undefined;
    },
  },
});

serveRuntime({
  environment: ({ database: name }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'plugins');
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withResidency('ActivePathOnly')
      .withPluginHost(new PluginHost([planPlugin(), moody]))
      .build();
  },
  providers: { fake: fakeModel },
});
