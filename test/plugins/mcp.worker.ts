import { type McpServer, mcpServers } from 'lash-web/plugins/mcp';
import {
  definePlugin,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  PluginHost,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { openDatabase } from '../support/open-database.ts';
import { obedient } from './obedient.ts';

const mcp = mcpServers();

interface Named {
  readonly name: string;
  readonly server: McpServer;
}

/** Lets the page attach and detach servers. */
const attaching = definePlugin({
  id: 'attaching',
  version: 0,
  hooks: {
    actions: {
      attach: {
        run: async (args) => {
          const { name, server } = args as unknown as Named;
          return { ...(await mcp.attach(name, server)) } as never;
        },
      },
      detach: {
        run: async (args) => {
          await mcp.detach(args as string);
          return null;
        },
      },
    },
  },
});

serveRuntime({
  environment: ({ database: name }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'mcp');
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withPluginHost(new PluginHost([mcp.plugin, attaching]))
      .build();
  },
  providers: { fake: () => obedient() },
});
