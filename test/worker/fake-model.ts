import type { ModelEvent, ModelRequest, Provider } from 'lash-web/worker';

import { tokens } from './tokens.ts';

const USAGE = { inputTokens: 10, outputTokens: 5, cachedInputTokens: 0, reasoningTokens: 0 };

/**
 * A model that does what the user's last message says, its first word being the command:
 * `say a|b` streams these pieces, `drip` streams until it is stopped, `call tool {…}` calls a tool and then says what it
 * got, `flood n` streams n tokens, `fail text` fails for good with that text. Anything else it repeats.
 */
export const fakeModel: Provider = {
  model: 'fake',
  maxContextTokens: 1_000_000,
  async *stream(request, signal): AsyncGenerator<ModelEvent> {
    const [command = '', rest = ''] = split(lastText(request));
    const result = lastToolResult(request);
    if (result !== undefined) yield text(`got ${result}`);
    else if (command === 'call') {
      const [tool = '', args = '{}'] = split(rest);
      yield { type: 'tool-call', callId: 'c1', tool, args };
      yield { type: 'finish', reason: 'tool-calls', usage: USAGE };
      return;
    } else if (command === 'say') for (const piece of rest.split('|')) yield text(piece);
    else if (command === 'flood') for await (const token of tokens(Number(rest))) yield text(token);
    else if (command === 'fail') throw new Error(rest);
    else if (command === 'drip') {
      for (let n = 0; !signal.aborted; n++) {
        yield text(`${n} `);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    } else yield text(`you said: ${lastText(request)}`);
    yield { type: 'finish', reason: 'stop', usage: USAGE };
  },
};

const text = (value: string): ModelEvent => ({ type: 'text-delta', text: value });

function split(line: string): string[] {
  const space = line.indexOf(' ');
  return space < 0 ? [line] : [line.slice(0, space), line.slice(space + 1)];
}

function lastText({ messages }: ModelRequest): string {
  const part = messages.findLast(({ role }) => role === 'user')?.parts[0];
  return part?.type === 'text' ? part.text : '';
}

function lastToolResult({ messages }: ModelRequest): string | undefined {
  const part = messages.at(-1)?.parts.at(-1);
  if (part?.type !== 'tool-result') return undefined;
  return part.images === undefined ? part.content : `${part.content} and ${part.images.length} images`;
}
