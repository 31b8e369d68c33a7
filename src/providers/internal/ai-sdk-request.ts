import type {
  LanguageModelV3CallOptions,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
} from '@ai-sdk/provider';

import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ModelRequest, PromptMessage, PromptPart } from '../../core/model-request.ts';

/** What of the SDK's call options a host may choose; the rest is the request's. */
export type CallSettings = Pick<
  LanguageModelV4CallOptions,
  | 'maxOutputTokens'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'presencePenalty'
  | 'frequencyPenalty'
  | 'seed'
  | 'stopSequences'
  | 'headers'
  | 'reasoning'
  | 'providerOptions'
>;

type Content<Role extends LanguageModelV4Message['role']> = Extract<
  LanguageModelV4Message,
  { role: Role }
>['content'];
type ProviderOptions = NonNullable<LanguageModelV4CallOptions['providerOptions']>;

/** The call options of specification v4 for `request`. */
export function toCallOptions(
  request: ModelRequest,
  settings: CallSettings,
  signal: AbortSignal,
): LanguageModelV4CallOptions {
  const messages = request.messages.map(toMessage);
  const tools = request.tools.map(({ name, description, inputSchema }) => ({
    type: 'function' as const,
    name,
    description,
    inputSchema,
  }));
  return {
    ...settings,
    prompt: request.system === '' ? messages : [{ role: 'system', content: request.system }, ...messages],
    ...(tools.length === 0 ? {} : { tools, toolChoice: { type: 'auto' } }),
    ...(request.answerSchema === undefined
      ? {}
      : { responseFormat: { type: 'json', schema: request.answerSchema } }),
    abortSignal: signal,
  };
}

/** The same options for specification v3, where a file's bytes stand by themselves. */
export function toV3CallOptions(options: LanguageModelV4CallOptions): LanguageModelV3CallOptions {
  const prompt = options.prompt.map((message) =>
    message.role === 'user' ? { ...message, content: message.content.map(withPlainData) } : message,
  );
  return { ...options, prompt } as LanguageModelV3CallOptions;
}

function withPlainData(part: Content<'user'>[number]): unknown {
  return part.type === 'file' && part.data.type === 'data' ? { ...part, data: part.data.data } : part;
}

function toMessage({ role, parts }: PromptMessage): LanguageModelV4Message {
  switch (role) {
    case 'user':
      return { role, content: parts.flatMap(userPart) };
    case 'assistant':
      return { role, content: parts.flatMap(assistantPart) };
    case 'tool':
      return { role, content: parts.flatMap(toolPart) };
  }
}

function userPart(part: PromptPart): Content<'user'> {
  if (part.type === 'text') return [{ type: 'text', text: part.text }];
  return part.type === 'image' ? [filePart(part)] : [];
}

function filePart({ mime, data }: Extract<PromptPart, { type: 'image' }>): LanguageModelV4FilePart {
  return { type: 'file', mediaType: mime, data: { type: 'data', data } };
}

function assistantPart(part: PromptPart): Content<'assistant'> {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return [{ type: part.type, text: part.text, ...replayed(part.replay) }];
    case 'image':
      return [filePart(part)];
    case 'tool-call': {
      const { callId, tool, args, replay } = part;
      return [
        { type: 'tool-call', toolCallId: callId, toolName: tool, input: asObject(args), ...replayed(replay) },
      ];
    }
    case 'tool-result':
      return [];
  }
}

function toolPart(part: PromptPart): Content<'tool'> {
  if (part.type !== 'tool-result') return [];
  const type = part.status === 'success' ? 'text' : 'error-text';
  const output = { type, value: part.content } as const;
  return [{ type: 'tool-result', toolCallId: part.callId, toolName: part.tool, output }];
}

/** Some servers refuse a call whose arguments are not an object, also when it was their model that made it. */
function asObject(args: JsonValue): JsonValue {
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? args : { value: args };
}

function replayed(replay: JsonObject | undefined): { providerOptions?: ProviderOptions } {
  return replay === undefined ? {} : { providerOptions: replay as ProviderOptions };
}
