import { rollingHistory } from 'lash-web/plugins/rolling-history';
import { subagents } from 'lash-web/plugins/subagents';
import { toolOutputBudget } from 'lash-web/plugins/tool-output-budget';
import { builtinProvider } from 'lash-web/providers/builtin';
import {
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  LocalBackgroundTaskHost,
  PluginHost,
  Residency,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

import { MAX_ATTACHMENT_BYTES } from './app/attachment-kind.ts';
import { countdownPlugin } from './plugins/countdown.ts';
import { planPlugin } from './plugins/plan.ts';
import { openAICompatible } from './providers/openai-compatible.ts';
import { calculator } from './tools/calculator.ts';
import { noteTools } from './tools/notes.ts';
import { readFile } from './tools/read-file.ts';
import { timer } from './tools/timer.ts';

const helpers = subagents({
  agents: {
    helper: {
      description: 'calculates, reads attached files and notes, and waits',
      instructions: 'You help an assistant with one task. Answer briefly.',
      tools: ['calculator', 'recall', 'forget', 'read_file', 'timer'],
    },
  },
});

// The tools are named before the page says which database it wants.
const database = Promise.withResolvers<string>();

const HOUR_MS = 60 * 60 * 1000;

serveRuntime({
  environment: (config) => {
    const name = typeof config['database'] === 'string' ? config['database'] : 'lash-demo';
    database.resolve(name);
    const connection = IndexedDbDatabase.open(name);
    return RuntimeEnvironment.builder()
      .withSessionStoreFactory(new IndexedDbSessionStoreFactory(connection))
      .withAttachmentStore(new IndexedDbAttachmentStore(connection, { maxBytes: MAX_ATTACHMENT_BYTES }))
      .withResidency(Residency.ActivePathOnly)
      .withTraceJsonl('lash-demo')
      .withPluginHost(
        new PluginHost([planPlugin(), countdownPlugin(), helpers, toolOutputBudget(), rollingHistory()]),
      )
      .withBackgroundTaskHost(new LocalBackgroundTaskHost())
      .build();
  },
  providers: {
    builtin: builtinProvider(),
    'openai-compatible': openAICompatible,
  },
  tools: [calculator, ...noteTools(database.promise), readFile, timer],
  housekeeping: { everyMs: HOUR_MS },
});
