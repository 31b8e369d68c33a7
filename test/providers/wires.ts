import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { AiSdkModel } from 'lash-web/providers/ai-sdk';

/** A wire that models are reached by, and whether it shows reasoning. */
export type Wire = 'compatible' | 'openai' | 'anthropic' | 'google';

/** The wires, each spoken by a package of the AI SDK. */
export const WIRES: readonly Wire[] = ['compatible', 'openai', 'anthropic', 'google'];

const apiKey = 'not-a-real-key';

/** A model of a wire, at the server `url`. */
export function wireModel(wire: Wire, url: string): AiSdkModel {
  switch (wire) {
    case 'compatible':
      return createOpenAICompatible({ name: 'wire', baseURL: `${url}/v1`, apiKey, includeUsage: true })('m');
    case 'openai':
      return createOpenAI({ baseURL: `${url}/v1`, apiKey })('gpt-5');
    case 'anthropic':
      return createAnthropic({ baseURL: `${url}/v1`, apiKey })('claude-sonnet-4-5');
    case 'google':
      return createGoogle({ baseURL: `${url}/v1beta`, apiKey })('gemini-2.5-pro');
  }
}

/** The smallest PNG, in base64 as it is on every wire. */
export const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What the server answers to questions that contain a word. */
export const ANSWERS = {
  reasoning: { say: 'Grüße nach 東京 🌍!', thought: 'They greet, so I greet.' },
  weather: {
    thought: 'There are two.',
    say: 'I look at both.',
    cities: ['Zürich', '東京'],
    afterwards: 'Both are sunny.',
  },
  picture: { say: 'One white dot.' },
} as const;

/** The history of a turn that asked for the weather. */
export const WEATHER: readonly string[] = [
  'user: weather?',
  'assistant: I look at both.',
  'tool call_0: "sunny in Zürich"',
  'tool call_1: "sunny in 東京"',
  'assistant: Both are sunny.',
];

/** What each answer of the server counts. */
export const TOKENS = { inputTokens: 30, outputTokens: 12 } as const;

/**
 * What is wrong with an answer: it ends, breaks off or hangs after so many events and half of the next one; it is sent
 * one byte at a time; or it is a refusal (429) that asks to wait so many seconds.
 */
export interface WireFault {
  readonly how: 'ends' | 'breaks' | 'hangs' | 'dribbles' | 'refuses';
  readonly after: number;
}
