import {
  defineTool,
  InMemoryAttachmentStore,
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  LashError,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';
import * as z from 'zod/mini';

import { fakeModel } from './fake-model.ts';

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => a + b,
});

/** Fails where nobody is waiting for it. */
const mishap = defineTool({
  name: 'mishap',
  description: 'Fails in the background.',
  input: z.object({ how: z.enum(['throw', 'reject']) }),
  execute: ({ how }) => {
    if (how === 'throw')
      setTimeout(() => {
        throw new TypeError('thrown with sk-canary-123');
      }, 0);
    else void Promise.reject(new TypeError('rejected with sk-canary-123'));
    return 'done';
  },
});

const die = defineTool({
  name: 'die',
  description: 'Ends the worker.',
  input: z.object({}),
  execute: () => {
    self.close();
    return 'gone';
  },
});

serveRuntime({
  environment: async (config) => {
    await Promise.resolve();
    if (config['fail'] === 'typed') {
      throw new LashError(
        'StorageUnavailable',
        'no database',
        { database: 'app', reason: 'blocked' },
        {
          cause: new LashError('SchemaTooNew', 'too new', { database: 'app' }),
        },
      );
    }
    if (config['fail'] === 'plain') throw new RangeError('the host threw sk-canary-123');
    const builder = RuntimeEnvironment.builder();
    const name = config['database'];
    const limit = config['maxBytes'];
    const attachments = typeof limit === 'number' ? { maxBytes: limit } : {};
    if (typeof name !== 'string') {
      return builder.withAttachmentStore(new InMemoryAttachmentStore(attachments)).build();
    }
    const database = IndexedDbDatabase.open(name);
    return builder
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database, attachments))
      .withTraceJsonl('a run/of: tests')
      .build();
  },
  providers: { fake: fakeModel },
  tools: [add, mishap, die],
  secrets: { canary: 'sk-canary-123' },
});
