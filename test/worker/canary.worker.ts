import {
  defineTool,
  IndexedDbAttachmentStore,
  IndexedDbSessionStoreFactory,
  LashError,
  type ModelEvent,
  type Provider,
  RuntimeEnvironment,
  serveRuntime,
  TraceLevel,
} from 'lash-web/worker';
import * as z from 'zod/mini';

import { API_KEY, REGISTERED, writtenForms } from '../support/canary.ts';
import { openDatabase } from '../support/open-database.ts';

const forms = [...Object.values(writtenForms(REGISTERED)), ...Object.values(writtenForms(API_KEY))];
const told = `heron ${forms.join(' and ')} end`;
const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };

/** Repeats what it was told in every way that a tool has. */
const echo = defineTool({
  name: 'echo',
  description: 'Gives back all that it knows.',
  input: z.looseObject({}),
  execute: () => ({ told, [`under ${REGISTERED}`]: forms, json: JSON.stringify({ told }) }),
});

/** So much that it lies in an attachment. */
const flood = defineTool({
  name: 'flood',
  description: 'Gives back a lot.',
  input: z.looseObject({}),
  execute: () => `${told} `.repeat(300),
});

const shout = defineTool({
  name: 'shout',
  description: 'Fails, and says too much.',
  input: z.looseObject({}),
  execute: () => {
    throw new Error(told, { cause: new Error(told) });
  },
});

/** What it does depends on the user's last word. What it says comes in pieces of three characters. */
const talkative: Provider = {
  model: 'talkative',
  maxContextTokens: 1_000_000,
  // A provider is asynchronous by its contract.
  async *stream({ messages }): AsyncGenerator<ModelEvent> {
    await Promise.resolve();
    const last = messages.at(-1);
    const said = last?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? '';
    if (said.endsWith('refuse'))
      throw new LashError(
        'ProviderUnauthorized',
        `401: ${told}`,
        { status: 401 },
        { cause: new Error(told) },
      );
    if (said.endsWith('break')) throw new TypeError(told);
    yield* pieces('reasoning-delta');
    yield { type: 'reasoning-end', replay: { signature: told } };
    yield* pieces('text-delta');
    if (said.endsWith('tools')) {
      for (const tool of ['echo', 'flood', 'shout', `no-${REGISTERED}`]) {
        yield {
          type: 'tool-call',
          callId: `call-${tool}`,
          tool,
          args: JSON.stringify({ told, [REGISTERED]: 1 }),
        };
      }
      yield { type: 'tool-call', callId: 'wrong', tool: 'echo', args: `not JSON: ${told}` };
    }
    yield { type: 'finish', reason: 'stop', usage };
  },
};

function* pieces(type: 'text-delta' | 'reasoning-delta'): Generator<ModelEvent> {
  for (let at = 0; at < told.length; at += 3) yield { type, text: told.slice(at, at + 3) };
}

serveRuntime({
  environment: ({ database: name }) => {
    const database = openDatabase(typeof name === 'string' ? name : 'canary');
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(database))
      .withAttachmentStore(new IndexedDbAttachmentStore(database))
      .withTraceJsonl('canary')
      .withTraceLevel(TraceLevel.Extended)
      .build();
  },
  providers: {
    talkative: async ({ credential }) => {
      await credential();
      return talkative;
    },
  },
  tools: [echo, flood, shout],
  secrets: { registered: REGISTERED },
});
