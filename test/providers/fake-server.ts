import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiSdkProvider } from 'lash-web/providers/ai-sdk';

import type { Provider } from '../../src/contract/provider.ts';
import { eventsOf, requestOf } from './requests.ts';

/** A provider whose server answers with this, whatever it is asked; what it is asked is kept. */
export function answering(respond: () => Response | Promise<Response>): {
  provider: Provider;
  bodies: unknown[];
} {
  const bodies: unknown[] = [];
  const model = createOpenAICompatible({
    name: 'mock',
    baseURL: 'http://models.test/v1?secret-query',
    fetch: async (_url, init) => {
      bodies.push(JSON.parse(init?.body as string));
      return respond();
    },
  })('model-1');
  return { provider: aiSdkProvider(model, { maxContextTokens: 1000 }), bodies };
}

/** A provider whose server streams these chunks; text is sent as it is. */
export const streaming = (...chunks: readonly unknown[]) =>
  answering(() => {
    const lines = chunks.map(
      (chunk) => `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`,
    );
    return new Response(lines.join(''), { headers: { 'content-type': 'text/event-stream' } });
  }).provider;

/** A provider whose server refuses. */
export const refusing = (
  status: number,
  message: string,
  headers: Record<string, string> = {},
  error: object = {},
) => answering(() => Response.json({ error: { message, ...error } }, { status, headers })).provider;

/** A chunk of an answer. */
export const delta = (delta: object, finish: string | null = null) => ({
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** The error of a call. */
export const failure = (provider: Provider, request = requestOf('hi')): Promise<unknown> =>
  eventsOf(provider, request).then(
    (events) => ({ unexpected: events }),
    (error: unknown) => error,
  );
