import {
  defineTool,
  InMemoryAttachmentStore,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  LashError,
  type Provider,
  RuntimeEnvironment,
  serveRuntime,
  type Tool,
} from 'lash-web/worker';
import * as z from 'zod/mini';

import { openDatabase } from '../support/open-database.ts';
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

/** Runs once somebody said that it may. */
const guarded = defineTool({
  name: 'guarded',
  description: 'Needs an approval.',
  input: z.object({ what: z._default(z.string(), 'it') }),
  approval: ({ what }) => what !== 'nothing',
  execute: ({ what }) => `did ${what}`,
});

/** Says on a channel that it runs, and is over when it is told what to answer there. */
const asked = (name: string, replay: 'safe' | 'never'): Tool =>
  defineTool({
    name,
    description: 'Waits for somebody outside.',
    input: z.object({}),
    replay,
    execute: (_args, { sessionId }) =>
      new Promise<string>((resolve) => {
        const channel = new BroadcastChannel(`runs of ${sessionId}`);
        channel.onmessage = ({ data }: MessageEvent<{ readonly answer?: string }>) => {
          if (data.answer === undefined) return;
          channel.close();
          resolve(data.answer);
        };
        channel.postMessage({ runs: name });
      }),
  });

const late = defineTool({
  name: 'late',
  description: 'Takes too long.',
  input: z.object({}),
  timeoutMs: 20,
  execute: () => new Promise<never>(() => undefined),
});

/** Does nothing else for so many milliseconds. */
const spin = defineTool({
  name: 'spin',
  description: 'Keeps the worker busy.',
  input: z.object({ ms: z.number() }),
  execute: ({ ms }) => {
    const end = performance.now() + ms;
    while (performance.now() < end);
    return 'done';
  },
});

/** What a test says of the network. */
let online = true;
Object.defineProperty(self.navigator, 'onLine', { get: () => online });
addEventListener('message', ({ data }: MessageEvent<{ readonly online?: boolean }>) => {
  if (data.online === undefined) return;
  online = data.online;
  if (online) dispatchEvent(new Event('online'));
});

const distant: Provider = {
  model: 'fake',
  async *stream(request, signal) {
    await Promise.resolve();
    if (!online) throw new LashError('ProviderUnavailable', 'no network', {});
    yield* fakeModel.stream(request, signal);
  },
};

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
    const database = openDatabase(name);
    return builder
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database, attachments))
      .withTraceJsonl('a run/of: tests')
      .build();
  },
  providers: {
    fake: fakeModel,
    distant,
    keyed: async ({ credential }) => {
      await credential();
      return fakeModel;
    },
  },
  tools: [add, mishap, die, guarded, late, spin, asked('again', 'safe'), asked('once', 'never')],
  secrets: { canary: 'sk-canary-123' },
});
