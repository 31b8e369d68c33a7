import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import { type AiSdkModel, aiSdkProvider } from 'lash-web/providers/ai-sdk';
import { describe, expect, test } from 'vitest';

import type { PromptMessage } from '../../src/core/model-request.ts';
import { eventsOf, requestOf, userSays } from './requests.ts';

const image = { mime: 'image/png', data: new Uint8Array([137, 80, 78, 71]) };
const BASE64 = 'iVBORw==';

const messages: readonly PromptMessage[] = [
  userSays('draw'),
  { role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', tool: 'draw', args: {} }] },
  {
    role: 'tool',
    parts: [
      {
        type: 'tool-result',
        callId: 'c',
        tool: 'draw',
        status: 'success',
        content: 'drawn',
        images: [image],
      },
    ],
  },
];

/** What a model of the SDK's own packages sends for {@link messages}. */
async function sent(make: (fetch: typeof globalThis.fetch) => AiSdkModel): Promise<string> {
  const bodies: string[] = [];
  const model = make((_url, init) => {
    if (typeof init?.body === 'string') bodies.push(init.body);
    return Promise.resolve(new Response('{}', { status: 400 }));
  });
  const provider = aiSdkProvider(model);
  await expect(eventsOf(provider, requestOf(messages))).rejects.toMatchObject({ code: 'ProviderRejected' });
  return bodies.join('');
}

describe('an image that a tool returned', () => {
  test.each([
    [
      'Anthropic',
      (fetch: typeof globalThis.fetch) => createAnthropic({ apiKey: 'k', fetch })('claude-sonnet-4-5'),
    ],
    [
      'OpenAI Responses',
      (fetch: typeof globalThis.fetch) => createOpenAI({ apiKey: 'k', fetch }).responses('gpt-5'),
    ],
    [
      'Google',
      (fetch: typeof globalThis.fetch) =>
        createGoogleGenerativeAI({ apiKey: 'k', fetch })('gemini-3-pro-preview'),
    ],
    [
      'OpenAI Chat Completions',
      (fetch: typeof globalThis.fetch) => createOpenAI({ apiKey: 'k', fetch }).chat('gpt-5'),
    ],
    [
      'an OpenAI-compatible server',
      (fetch: typeof globalThis.fetch) =>
        createOpenAICompatible({ name: 'local', baseURL: 'http://localhost:1', fetch })('m'),
    ],
  ] as const)('[TL9] reaches %s as an image, once', async (_name, make) => {
    const body = await sent(make);
    expect(body.split(BASE64)).toHaveLength(2);
    expect(body).toMatch(/image/);
    expect(body).toContain('drawn');
    // Bytes that were written out as JSON.
    expect(body).not.toContain('137');
  });

  const base = { modelId: 'm', supportedUrls: {}, doGenerate: () => Promise.reject(new Error('not used')) };
  const stopped = Promise.reject(new Error('not asked'));
  stopped.catch(() => undefined);

  async function promptOf(specificationVersion: 'v3' | 'v4', provider: string): Promise<unknown> {
    let prompt: unknown;
    const model = {
      ...base,
      provider,
      specificationVersion,
      doStream: (options: { readonly prompt: unknown }) => {
        ({ prompt } = options);
        return stopped;
      },
    } as LanguageModelV3 | LanguageModelV4;
    await eventsOf(aiSdkProvider(model), requestOf(messages)).catch(() => undefined);
    return prompt;
  }

  test('[TL9] is content of the result, in the form of each specification', async () => {
    const result = (part: object): object => ({
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c',
          toolName: 'draw',
          output: { type: 'content', value: [{ type: 'text', text: 'drawn' }, part] },
        },
      ],
    });
    expect(await promptOf('v4', 'any')).toContainEqual(
      result({ type: 'file', mediaType: 'image/png', data: { type: 'data', data: image.data } }),
    );
    expect(await promptOf('v3', 'any')).toContainEqual(
      result({ type: 'image-data', mediaType: 'image/png', data: BASE64 }),
    );
  });

  test('[TL9] follows the result in a message of its own where results are text', async () => {
    const behind = (data: unknown): readonly object[] => [
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'c',
            toolName: 'draw',
            output: { type: 'text', value: 'drawn' },
          },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Returned by draw, call c:' },
          { type: 'file', mediaType: 'image/png', data },
        ],
      },
    ];
    expect(await promptOf('v4', 'local.chat')).toMatchObject([{}, {}, ...behind({ data: image.data })]);
    expect(await promptOf('v3', 'local.chat')).toMatchObject([{}, {}, ...behind(image.data)]);
  });
});
