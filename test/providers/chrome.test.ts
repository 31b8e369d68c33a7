import { chromeAvailability, chromeProvider } from 'lash-web/providers/chrome';
import { describe, expect, test } from 'vitest';

import type { PromptMessage } from '../../src/core/model-request.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import { eventually } from '../support/eventually.ts';
import { domError, type FakeAnswer, fakeLanguageModel, type FakeSettings } from './fake-language-model.ts';
import { eventsOf, requestOf, textOf, toolOf, userSays } from './requests.ts';

const says = (text: string): PromptMessage => ({ role: 'assistant', parts: [{ type: 'text', text }] });
const text = (value: string): object => ({ type: 'text', value });
const image: PromptMessage = {
  role: 'user',
  parts: [
    { type: 'text', text: 'What is this?' },
    { type: 'image', mime: 'image/png', data: new Uint8Array([1, 2]) },
  ],
};
const schema = { type: 'object' };

const failureOf = async (settings: FakeSettings, request = requestOf('hi')): Promise<unknown> =>
  await eventsOf(chromeProvider({ languageModel: fakeLanguageModel(settings) }), request).then(
    () => 'it did not fail',
    (error: unknown) => error,
  );

test('a call is a conversation of its own: what was said before is its beginning, and it is put away afterwards', async () => {
  const fake = fakeLanguageModel();
  const provider = chromeProvider({ languageModel: fake, languages: ['en'] });
  const messages = [userSays('one'), says('two'), userSays('three')];
  const events = await eventsOf(provider, requestOf(messages, { system: 'Be brief.' }));
  expect(textOf(events)).toBe('Hello, dear world.');
  const expected = [{ type: 'text', languages: ['en'] }];
  expect(fake.created).toMatchObject([
    {
      expectedInputs: expected,
      expectedOutputs: expected,
      initialPrompts: [
        { role: 'system', content: [text('Be brief.')] },
        { role: 'user', content: [text('one')] },
        { role: 'assistant', content: [text('two')] },
      ],
    },
  ]);
  expect(fake.prompts.map(([input]) => input)).toEqual([[{ role: 'user', content: [text('three')] }]]);
  expect(fake.open).toBe(0);
});

test('a conversation that begins with the question begins with nothing', async () => {
  const fake = fakeLanguageModel();
  await eventsOf(chromeProvider({ languageModel: fake }), requestOf('hi'));
  expect(fake.created[0]).not.toHaveProperty('initialPrompts');
});

test('tokens are the browser’s count, and 0 where it does not count', async () => {
  const request = requestOf([userSays('12345'), says('678'), userSays('90')]);
  const usage = async (counts: boolean): Promise<unknown> =>
    (await eventsOf(chromeProvider({ languageModel: fakeLanguageModel({ counts }) }), request)).at(-1);
  const counted = { ...NO_USAGE, inputTokens: 10, outputTokens: 18 };
  expect(await usage(true)).toEqual({ type: 'finish', reason: 'stop', usage: counted });
  expect(await usage(false)).toEqual({ type: 'finish', reason: 'stop', usage: NO_USAGE });
});

test('it is told that it has no tools, what other models called, and nothing of their thoughts', async () => {
  const fake = fakeLanguageModel();
  const messages: readonly PromptMessage[] = [
    userSays('6 * 7?'),
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'hm' },
        { type: 'tool-call', callId: '1', tool: 'calculator', args: { expression: '6*7' } },
      ],
    },
    {
      role: 'tool',
      parts: [{ type: 'tool-result', callId: '1', tool: 'calculator', status: 'success', content: '42' }],
    },
  ];
  await eventsOf(
    chromeProvider({ languageModel: fake }),
    requestOf(messages, { tools: [toolOf('calculator', 'expression')] }),
  );
  expect(fake.created[0]?.initialPrompts).toMatchObject([
    { role: 'system', content: [{ value: expect.stringContaining('cannot call tools') as string }] },
    { role: 'user' },
    { role: 'assistant', content: [text('[called calculator with {"expression":"6*7"}]')] },
  ]);
  expect(fake.prompts[0]?.[0]).toEqual([{ role: 'user', content: [text('[calculator, success: 42]')] }]);
});

test('where its own words are the last, it goes on with them', async () => {
  const fake = fakeLanguageModel();
  await eventsOf(chromeProvider({ languageModel: fake }), requestOf([userSays('count'), says('one, two')]));
  expect(fake.prompts[0]?.[0]).toEqual([{ role: 'assistant', content: [text('one, two')], prefix: true }]);
});

test('an image is handed over where the model sees, and is UnsupportedMedia where it does not', async () => {
  const fake = fakeLanguageModel();
  await eventsOf(chromeProvider({ languageModel: fake }), requestOf([image]));
  expect(fake.created[0]?.expectedInputs).toEqual([{ type: 'text' }, { type: 'image' }]);
  expect(fake.prompts[0]?.[0]).toMatchObject([
    { content: [text('What is this?'), { type: 'image', value: new Uint8Array([1, 2]) }] },
  ]);
  const blind = { availability: (options: object) => JSON.stringify(options).includes('image') } as const;
  const settings: FakeSettings = {
    availability: (options) => (blind.availability(options) ? 'unavailable' : 'available'),
  };
  const refused = { code: 'UnsupportedMedia', data: { mime: 'image/png' } };
  expect(await failureOf(settings, requestOf([image]))).toMatchObject(refused);
  expect(await failureOf({ createError: domError('NotSupportedError') }, requestOf([image]))).toMatchObject(
    refused,
  );
});

describe('a schema of the answer', () => {
  test('holds the model to it', async () => {
    const fake = fakeLanguageModel();
    await eventsOf(chromeProvider({ languageModel: fake }), requestOf('hi', { answerSchema: schema }));
    expect(fake.prompts.map(([, options]) => options.responseConstraint)).toEqual([schema]);
  });

  test('is left out where the browser cannot, and only there', async () => {
    const constrained = (error: unknown): FakeSettings => ({
      answer: (_input, { responseConstraint }): FakeAnswer =>
        responseConstraint === undefined ? { pieces: ['{}'] } : { error },
    });
    const request = requestOf('hi', { answerSchema: schema });
    const fake = fakeLanguageModel(constrained(domError('NotSupportedError')));
    expect(textOf(await eventsOf(chromeProvider({ languageModel: fake }), request))).toBe('{}');
    expect(await failureOf(constrained(domError('OperationError')), request)).toMatchObject({
      code: 'ProviderUnavailable',
    });
  });
});

describe('[PR3] what goes wrong', () => {
  test.each<[string, FakeSettings, object]>([
    [
      'the model is not there',
      { availability: 'unavailable' },
      { code: 'ProviderRejected', retryable: false },
    ],
    [
      'the browser does not allow it',
      { createError: domError('NotAllowedError') },
      { code: 'ProviderRejected', retryable: false },
    ],
    [
      'what came before is too long',
      { createError: domError('QuotaExceededError', 'long', { quota: 4096, requested: 5000 }) },
      { code: 'ContextOverflow', data: { maxContextTokens: 4096 }, retryable: false },
    ],
    [
      'the question is too long',
      { answer: { error: domError('QuotaExceededError') } },
      { code: 'ContextOverflow' },
    ],
    [
      'the download breaks off',
      { createError: domError('NetworkError') },
      { code: 'ProviderUnavailable', retryable: true },
    ],
    [
      'the model fails before it answers',
      { answer: { error: domError('OperationError') } },
      { code: 'ProviderUnavailable', retryable: true },
    ],
    [
      'the model fails in the middle of its answer',
      { answer: { pieces: ['a'], error: domError('UnknownError') } },
      { code: 'ProviderStreamInterrupted', retryable: true },
    ],
    [
      'a language is not supported',
      { createError: domError('NotSupportedError') },
      { code: 'ProviderRejected' },
    ],
    ['it throws something else', { createError: 'a string' }, { code: 'ProviderRejected', retryable: false }],
  ])('%s', async (_what, settings, error) => {
    expect(await failureOf(settings)).toMatchObject(error);
  });

  test('words that the browser keeps back are a content filter', async () => {
    const languageModel = fakeLanguageModel({ answer: { error: domError('NotReadableError') } });
    expect(await eventsOf(chromeProvider({ languageModel }), requestOf('hi'))).toEqual([
      { type: 'finish', reason: 'content-filter', usage: NO_USAGE },
    ]);
  });

  test('a page without LanguageModel has none', async () => {
    expect(await chromeAvailability()).toBe('unavailable');
    await expect(eventsOf(chromeProvider(), requestOf('hi'))).rejects.toMatchObject({
      code: 'ProviderRejected',
    });
  });
});

describe('[PR4] an abort', () => {
  test.each([true, false])('ends the call, and puts the conversation away; obeyed: %s', async (obeys) => {
    const fake = fakeLanguageModel({ obeys, answer: { pieces: ['a'], isOpen: true } });
    const abort = new AbortController();
    const events: unknown[] = [];
    const provider = chromeProvider({ languageModel: fake });
    for await (const event of provider.stream(requestOf('hi'), abort.signal)) {
      events.push(event);
      abort.abort();
    }
    expect(events).toEqual([{ type: 'text-delta', text: 'a' }]);
    expect(fake.open).toBe(0);
  });

  test('while the model is made ready ends the call, and what is made then is put away', async () => {
    const fake = fakeLanguageModel();
    let made: () => void = () => undefined;
    const slow = {
      ...fake,
      create: async (options: Parameters<typeof fake.create>[0]) => {
        await new Promise<void>((resolve) => (made = resolve));
        return await fake.create(options);
      },
    };
    const abort = new AbortController();
    const call = eventsOf(chromeProvider({ languageModel: slow }), requestOf('hi'), abort.signal);
    await new Promise((resolve) => setTimeout(resolve));
    abort.abort();
    expect(await call).toEqual([]);
    made();
    await eventually(() => expect([fake.created.length, fake.open]).toEqual([1, 0]));
  });
});

test('whether the model is there is what the browser says', async () => {
  const languageModel = fakeLanguageModel({ availability: 'downloadable' });
  expect(await chromeAvailability({ languageModel })).toBe('downloadable');
  expect(languageModel.created).toEqual([]);
});
