import {
  type BackgroundTaskContext,
  type BackgroundTaskDefinition,
  definePlugin,
  defineTool,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  LocalBackgroundTaskHost,
  PluginHost,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';
import * as z from 'zod/mini';

import { openDatabase } from '../support/open-database.ts';
import { fakeModel } from './fake-model.ts';

/** Counts until it is stopped, or as far as its input says, and says each number. */
const count = async (
  input: unknown,
  { progress, signal, attempt }: BackgroundTaskContext,
): Promise<number> => {
  const upTo = typeof input === 'number' ? input : Infinity;
  for (let n = 1; n <= upTo; n++) {
    signal.throwIfAborted();
    progress(`${n} in run ${attempt}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return upTo;
};

const definitions: readonly BackgroundTaskDefinition[] = [
  { name: 'kept', run: count },
  { name: 'resumed', policies: { lost: 'resume', close: 'pause' }, run: count },
  { name: 'ended', policies: { close: 'cancel' }, run: count },
];

const tasks = definePlugin({
  id: 'tasks',
  version: 1,
  hooks: {
    backgroundTasks: definitions,
    tools: [
      defineTool({
        name: 'start',
        description: 'Starts a task.',
        input: z.strictObject({ name: z.string(), upTo: z.optional(z.number()) }),
        execute: async ({ name, upTo = null }, context) =>
          (await context.tasks?.start({ id: name, name, input: upTo }))?.state ?? 'no host',
      }),
    ],
  },
});

serveRuntime({
  environment: ({ database: name, host }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'tasks');
    const builder = RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withResidency('ActivePathOnly')
      .withPluginHost(new PluginHost([tasks]));
    if (host !== 'none') builder.withBackgroundTaskHost(new LocalBackgroundTaskHost());
    return builder.build();
  },
  providers: { fake: fakeModel },
});
