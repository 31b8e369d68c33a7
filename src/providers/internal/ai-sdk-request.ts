import type {
  LanguageModelV3CallOptions,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';

import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ModelRequest, PromptImage, PromptMessage, PromptPart } from '../../core/model-request.ts';

/** How many bytes become a string at a time; a multiple of 3 gives no padding within. */
const BASE64_SLICE = 24_576;

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

/**
 * The call options of specification v4 for `request`. Images that tools returned go into their results, or into a message of
 * the user behind them.
 */
export function toCallOptions(
  request: ModelRequest,
  settings: CallSettings,
  signal: AbortSignal,
  imagesInResults: boolean,
): LanguageModelV4CallOptions {
  const messages = request.messages.flatMap((message) => toMessages(message, imagesInResults));
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
  const prompt = options.prompt.map((message) => {
    if (message.role === 'user') return { ...message, content: message.content.map(withPlainData) };
    return message.role === 'tool' ? { ...message, content: message.content.map(withImageData) } : message;
  });
  return { ...options, prompt } as LanguageModelV3CallOptions;
}

/** In a tool's result, images are base64 there. */
function withImageData(part: Content<'tool'>[number]): unknown {
  if (part.type !== 'tool-result' || part.output.type !== 'content') return part;
  const value = part.output.value.map((item) =>
    item.type === 'file' && item.data.type === 'data' && typeof item.data.data !== 'string'
      ? { type: 'image-data', mediaType: item.mediaType, data: toBase64(item.data.data) }
      : item,
  );
  return { ...part, output: { ...part.output, value } };
}

function withPlainData(part: Content<'user'>[number]): unknown {
  return part.type === 'file' && part.data.type === 'data' ? { ...part, data: part.data.data } : part;
}

function toMessages({ role, parts }: PromptMessage, imagesInResults: boolean): LanguageModelV4Message[] {
  switch (role) {
    case 'user':
      return [{ role, content: parts.flatMap(userPart) }];
    case 'assistant':
      return [{ role, content: parts.flatMap(assistantPart) }];
    case 'tool': {
      const results = { role, content: parts.flatMap((part) => toolPart(part, imagesInResults)) };
      const images = imagesInResults ? [] : parts.flatMap(imagesOfResult);
      return images.length === 0 ? [results] : [results, { role: 'user', content: images }];
    }
  }
}

function imagesOfResult(part: PromptPart): Content<'user'> {
  if (part.type !== 'tool-result' || part.images === undefined) return [];
  const text = `Returned by ${part.tool}, call ${part.callId}:`;
  return [{ type: 'text', text }, ...part.images.map(filePart)];
}

function userPart(part: PromptPart): Content<'user'> {
  if (part.type === 'text') return [{ type: 'text', text: part.text }];
  return part.type === 'image' ? [filePart(part)] : [];
}

function filePart({ mime, data }: PromptImage): LanguageModelV4FilePart {
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

function toolPart(part: PromptPart, imagesInResults: boolean): Content<'tool'> {
  if (part.type !== 'tool-result') return [];
  const { callId: toolCallId, tool: toolName } = part;
  return [{ type: 'tool-result', toolCallId, toolName, output: toolOutput(part, imagesInResults) }];
}

function toolOutput(
  { status, content, images }: Extract<PromptPart, { type: 'tool-result' }>,
  imagesInResults: boolean,
): LanguageModelV4ToolResultOutput {
  if (images === undefined || !imagesInResults)
    return { type: status === 'success' ? 'text' : 'error-text', value: content };
  return { type: 'content', value: [{ type: 'text', text: content }, ...images.map(filePart)] };
}

/** Some servers refuse a call whose arguments are not an object, also when it was their model that made it. */
function asObject(args: JsonValue): JsonValue {
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? args : { value: args };
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += BASE64_SLICE)
    text += btoa(String.fromCharCode(...bytes.subarray(start, start + BASE64_SLICE)));
  return text;
}

function replayed(replay: JsonObject | undefined): { providerOptions?: ProviderOptions } {
  return replay === undefined ? {} : { providerOptions: replay as ProviderOptions };
}
