import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import type { Provider, ProviderContext } from 'lash-web/worker';
import { config } from 'zod/mini';

/**
 * How long a server may be silent before the attempt counts as failed and is made again. Long, since a server on one's own
 * machine first loads the model.
 */
const IDLE_TIMEOUT_MS = 5 * 60 * 1000;

/**
 * A model behind any server that speaks as OpenAI's does. The package for it is loaded when the first chat needs it. A
 * server on the same machine wants no key mostly: `options.withKey` says whether one is to be sent.
 */
export async function openAICompatible(context: ProviderContext): Promise<Provider> {
  const { baseUrl, withKey } = context.options;
  // The package brings zod, which else looks whether it may use `eval`: a content security policy reports that.
  config({ jitless: true });
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
  const server = createOpenAICompatible({
    name: 'openai-compatible',
    baseURL: typeof baseUrl === 'string' ? baseUrl : '',
    includeUsage: true,
    ...(withKey === true ? { apiKey: await context.credential() } : {}),
  });
  return aiSdkProvider(server(context.model), { idleTimeoutMs: IDLE_TIMEOUT_MS });
}
