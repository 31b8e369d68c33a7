import type { JsonValue } from '../../src/core/json.ts';
import type { ModelRequest } from '../../src/core/model-request.ts';
import {
  type ScriptedAction,
  type ScriptedProvider,
  scriptedProvider,
  scriptedText,
  scriptedToolCalls,
} from '../../src/testing/scripted-provider.ts';

/** A model that calls the tool that it is told to, reads the result, and answers; told `null` it only answers. */
export function obedient(): ScriptedProvider {
  return scriptedProvider(Array.from({ length: 1000 }, () => obey));
}

function obey({ messages }: ModelRequest): readonly ScriptedAction[] {
  const last = messages.at(-1);
  const told = last?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? '';
  const call = last?.role === 'user' ? (JSON.parse(told) as { tool: string; args: JsonValue } | null) : null;
  return call === null ? scriptedText('Done.') : scriptedToolCalls([call]);
}
