import type { Provider } from '../../src/contract/provider.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { ModelRequest, PromptMessage } from '../../src/core/model-request.ts';
import type { ToolSpec } from '../../src/core/tool-spec.ts';

/** A tool as a model sees it, with text arguments of these names. */
export function toolOf(name: string, ...args: readonly string[]): ToolSpec {
  const properties = Object.fromEntries(args.map((arg) => [arg, { type: 'string' }]));
  return {
    name,
    description: `The tool ${name}`,
    inputSchema: { type: 'object', properties, required: args },
  };
}

/** A user's message of one text. */
export function userSays(text: string): PromptMessage {
  return { role: 'user', parts: [{ type: 'text', text }] };
}

/** A request with these messages; a string is a user's message. */
export function requestOf(
  messages: string | readonly PromptMessage[],
  rest: Partial<Omit<ModelRequest, 'messages'>> = {},
): ModelRequest {
  return {
    sessionId: 'session',
    system: '',
    tools: [],
    ...rest,
    messages: typeof messages === 'string' ? [userSays(messages)] : messages,
  };
}

/** All events of a call. */
export async function eventsOf(
  provider: Provider,
  request: ModelRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<readonly ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of provider.stream(request, signal)) events.push(event);
  return events;
}

/** The prose of an answer. */
export function textOf(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === 'text-delta' ? event.text : '')).join('');
}

/** The tool calls of an answer, their arguments parsed. */
export function callsOf(
  events: readonly ModelEvent[],
): readonly { tool: string; callId: string; args: unknown }[] {
  return events.flatMap((event) =>
    event.type === 'tool-call'
      ? { tool: event.tool, callId: event.callId, args: JSON.parse(event.args) as unknown }
      : [],
  );
}
