import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { aiSdkProvider } from 'lash-web/providers/ai-sdk';
import { builtinProvider } from 'lash-web/providers/builtin';
import { chromeProvider } from 'lash-web/providers/chrome';
import {
  type ProviderConformanceContext,
  type ScriptedAction,
  scriptedProvider,
  scriptedText,
  scriptedToolCalls,
} from 'lash-web/testing';

import type { Provider } from '../../src/contract/provider.ts';
import { LashError } from '../../src/core/error.ts';
import { domError, type FakeAnswer, fakeLanguageModel } from '../providers/fake-language-model.ts';
import { requestOf, toolOf } from '../providers/requests.ts';

const tools = [toolOf('calculator', 'expression')];
/** A request for two calculations. */
export const request = requestOf('Calculate 1+1 and 2+2', { tools });
const failure = new LashError('ProviderUnavailable', 'No answer', {});

/** A scripted model that plays the same call again and again. */
export const always = (actions: readonly ScriptedAction[]): Provider =>
  scriptedProvider(Array.from({ length: 9 }, () => actions));

/** The suite's calls, scripted. */
export function scripted(): ProviderConformanceContext {
  const calls = scriptedToolCalls(
    ['1+1', '2+2'].map((expression) => ({ tool: 'calculator', args: { expression } })),
  );
  return {
    answering: { provider: always(scriptedText('Hello, dear world.')), request },
    calling: { provider: always(calls), request },
    failing: { provider: always([{ type: 'fail', error: failure }]), request },
    lasting: { provider: always([{ type: 'text-delta', text: 'a' }, { type: 'hang' }]), request },
  };
}

function builtin(): ProviderConformanceContext {
  const provider = builtinProvider({ wordsPerSecond: 0 });
  const slow = builtinProvider({ wordsPerSecond: 0.01 });
  return {
    answering: { provider, request: requestOf('Write a long story') },
    calling: { provider, request },
    // The built-in model never fails: what fails for it here is the script.
    failing: scripted().failing,
    lasting: { provider: slow, request: requestOf('Write a long story') },
  };
}

function modelOf(
  start: (controller: ReadableStreamDefaultController<LanguageModelV4StreamPart>) => void,
): Provider {
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'fake',
    modelId: 'fake',
    supportedUrls: {},
    doGenerate: () => Promise.reject(new Error('not used')),
    doStream: () => Promise.resolve({ stream: new ReadableStream({ start }) }),
  };
  return aiSdkProvider(model);
}

function aiSdk(): ProviderConformanceContext {
  const finish: LanguageModelV4StreamPart = {
    type: 'finish',
    finishReason: { unified: 'stop', raw: 'stop' },
    usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    },
  };
  const playing = (...parts: readonly LanguageModelV4StreamPart[]): Provider =>
    modelOf((controller) => {
      for (const part of parts) controller.enqueue(part);
      controller.close();
    });
  const call = (toolCallId: string) =>
    ({ type: 'tool-call', toolCallId, toolName: 'calculator', input: '{"expression":"1"}' }) as const;
  const text = { type: 'text-delta', id: 't', delta: 'Hello' } as const;
  return {
    answering: { provider: playing({ ...text, delta: '' }, text, finish, text), request },
    calling: { provider: playing(call('a'), call('b'), finish), request },
    failing: { provider: playing(text, { type: 'error', error: new TypeError('Failed to fetch') }), request },
    lasting: { provider: modelOf((controller) => controller.enqueue(text)), request },
  };
}

function chrome(): ProviderConformanceContext {
  const playing = (answer: FakeAnswer): Provider =>
    chromeProvider({ languageModel: fakeLanguageModel({ answer }) });
  return {
    answering: { provider: playing({ pieces: ['Hello, ', '', 'dear world.'] }), request },
    failing: { provider: playing({ pieces: ['Hel'], error: domError('OperationError') }), request },
    lasting: { provider: playing({ pieces: ['Hello'], isOpen: true }), request },
  };
}

/** What the suite runs on, by the provider's name. */
export const PROVIDERS: readonly (readonly [string, () => ProviderConformanceContext])[] = [
  ['the scripted provider', scripted],
  ['the built-in model', builtin],
  ['an AI SDK model', aiSdk],
  ['the model of Chrome', chrome],
];
