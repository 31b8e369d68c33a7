import type { JsonValue } from '../../core/json.ts';
import type { ModelRequest, PromptMessage, PromptPart } from '../../core/model-request.ts';
import type { ChromeContent, ChromeMessage } from './language-model.ts';

/** What a conversation with the model begins with, and what it is then asked. */
export interface ChromePrompts {
  readonly initialPrompts: readonly ChromeMessage[];
  readonly input: readonly ChromeMessage[];
}

const NO_TOOLS =
  'You cannot call tools here. Answer with what you know, and say so where that is not enough.';

/**
 * The request as the browser's model takes it: all but the last message before, the last one as what it is asked. It knows
 * neither tools nor their results, which are told in words, and reads no reasoning. Where the last message is the
 * model's own, it is to go on with it.
 */
export function toChromePrompts({ system, messages, tools }: ModelRequest): ChromePrompts {
  const told = messages.map(toMessage).filter(({ content }) => content.length > 0);
  const last = told.at(-1);
  const input = last?.role === 'assistant' ? { ...last, prefix: true } : last;
  const rules = [system, ...(tools.length === 0 ? [] : [NO_TOOLS])]
    .filter((text) => text !== '')
    .join('\n\n');
  const first: ChromeMessage = { role: 'system', content: [textOf(rules)] };
  return {
    initialPrompts: [...(rules === '' ? [] : [first]), ...told.slice(0, -1)],
    input: input === undefined ? [] : [input],
  };
}

/** The MIME types of the images in a request. */
export function mediaOf({ messages }: ModelRequest): readonly string[] {
  return messages.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'image' ? part.mime : [])));
}

function toMessage({ role, parts }: PromptMessage): ChromeMessage {
  return {
    role: role === 'assistant' ? role : 'user',
    content: parts.flatMap((part) => toContent(part, role)),
  };
}

function toContent(part: PromptPart, role: PromptMessage['role']): readonly ChromeContent[] {
  switch (part.type) {
    case 'text':
      return part.text === '' ? [] : [textOf(part.text)];
    case 'reasoning':
      return [];
    case 'image':
      // It takes none as its own words.
      return role === 'assistant' ? [] : [{ type: 'image', value: part.data }];
    case 'tool-call':
      return [textOf(`[called ${part.tool} with ${json(part.args)}]`)];
    case 'tool-result':
      return [textOf(`[${part.tool}, ${part.status}: ${part.content}]`)];
  }
}

function textOf(value: string): ChromeContent {
  return { type: 'text', value };
}

function json(value: JsonValue): string {
  return JSON.stringify(value);
}
