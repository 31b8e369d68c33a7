import {
  definePlugin,
  type ModelEvent,
  PluginHost,
  PromptContribution,
  type Provider,
  RuntimeEnvironment,
  serveRuntime,
} from 'lash-web/worker';

/** A model that answers with the system prompt that it was given. */
const mirror: Provider = {
  model: 'mirror',
  maxContextTokens: 100_000,
  async *stream({ system }): AsyncGenerator<ModelEvent> {
    yield { type: 'text-delta', text: await Promise.resolve(system) };
    const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0 };
    yield { type: 'finish', reason: 'stop', usage };
  },
};

const weather = definePlugin({
  id: 'weather',
  version: 1,
  hooks: { prompt: () => [{ slot: 'runtime_context', content: 'It rains.' }] },
});

const slot = (name: 'guidance' | 'environment' | 'runtime_context') =>
  ({ kind: 'slot', slot: name }) as const;

serveRuntime({
  environment: RuntimeEnvironment.builder()
    .withPromptTemplate({
      sections: [
        { title: 'How', entries: [slot('guidance')] },
        { title: 'Where', entries: [slot('environment'), slot('runtime_context')] },
      ],
    })
    .withPromptContribution(PromptContribution.guidance('Be brief.'))
    .withReplacedPromptSlot('environment', [PromptContribution.environment('A browser.')])
    .withPluginHost(new PluginHost([weather]))
    .build(),
  providers: { fake: mirror },
});
