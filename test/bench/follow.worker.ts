import {
  IndexedDbAttachmentStore,
  IndexedDbDatabase,
  IndexedDbSessionStoreFactory,
  type ModelEvent,
  type Provider,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

const PIECES = 40;
const PIECE = 'and so on ';
const PIECE_MS = 25;
const USAGE = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };

/** A model that takes its time: a second of text, and a pause before it is done. */
const slowModel: Provider = {
  model: 'bench',
  maxContextTokens: 8_000,
  async *stream(): AsyncGenerator<ModelEvent> {
    for (let piece = 0; piece < PIECES; piece++) {
      await passed(PIECE_MS);
      yield { type: 'text-delta', text: PIECE };
    }
    await passed(20 * PIECE_MS);
    yield { type: 'finish', reason: 'stop', usage: USAGE };
  },
};

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const database = IndexedDbDatabase.open('follow');
const factory = new IndexedDbSessionStoreFactory(database);

serveRuntime({
  environment: RuntimeEnvironment.builder()
    .withResidency('ActivePathOnly')
    .withSessionStoreFactory(factory)
    .withAttachmentStore(new IndexedDbAttachmentStore(database))
    .build(),
  providers: { bench: slowModel },
  tools: [],
});

addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (data === 'rows read?') postMessage({ rowsRead: factory.counters.rowsRead });
});
