import { systemClock } from '../contract/clock.ts';
import type { Provider } from '../contract/provider.ts';
import type { ModelEvent } from '../core/model-event.ts';
import type { ModelRequest } from '../core/model-request.ts';
import { type Answer, answerTo } from './internal/builtin-answer.ts';

/** Options of {@link builtinProvider}. */
export interface BuiltinOptions {
  /** How fast it writes; 0 is as fast as it can. Default: 40. */
  readonly wordsPerSecond?: number;
}

/**
 * A small model that needs no network: fixed rules, the same answer to the same request. It is there to try things out
 * and for tests; what it can do depends on the tools of the request.
 *
 * It calls these tools when it is asked for such things: `calculator` ({ expression }), `remember` ({ key, value }),
 * `recall` ({ key? }), `forget` ({ key }), `plan` ({ steps }: texts, or objects with one text each), `tick` ({ step }),
 * `timer` ({ seconds }), `countdown` ({ seconds }), `tasks_list` ({}), `spawn_agent` ({ agent, task }), `read_file`
 * ({ attachmentId }), `set_theme` ({ theme }) and `page_info` ({}). It calls any tool when told to "call <tool> with
 * {...}". It thinks aloud when asked to think, and writes some 400 words when asked for a long story. Tokens are counted
 * roughly: four characters are one.
 */
export function builtinProvider(options: BuiltinOptions = {}): Provider {
  const { wordsPerSecond = 40 } = options;
  const wordMs = wordsPerSecond > 0 ? 1000 / wordsPerSecond : 0;
  return {
    model: 'builtin',
    maxContextTokens: 8192,
    async *stream(request, signal) {
      const answer = answerTo(request);
      for (const event of eventsOf(answer, request)) {
        if (signal.aborted) return;
        yield event;
        if (wordMs > 0 && event.type.endsWith('-delta') && !(await pause(wordMs, signal))) return;
      }
    },
  };
}

/** `false` when the signal aborted meanwhile. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await systemClock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

function* eventsOf({ reasoning, text, calls }: Answer, request: ModelRequest): Generator<ModelEvent> {
  for (const word of wordsOf(reasoning)) yield { type: 'reasoning-delta', text: word };
  if (reasoning !== '') yield { type: 'reasoning-end' };
  for (const word of wordsOf(text)) yield { type: 'text-delta', text: word };
  const read = lengthOf(request);
  const written = calls.map(({ tool, args }) => ({ tool, args: JSON.stringify(args) }));
  for (const [index, call] of written.entries()) {
    yield { type: 'tool-call', callId: `call-${request.messages.length}-${read}-${index}`, ...call };
  }
  yield {
    type: 'finish',
    reason: calls.length > 0 ? 'tool-calls' : 'stop',
    usage: {
      inputTokens: tokensOf(read),
      outputTokens: tokensOf(reasoning.length + text.length + JSON.stringify(written).length),
      cachedInputTokens: 0,
      reasoningTokens: tokensOf(reasoning.length),
    },
  };
}

/** How many characters a request has. An image counts as none: the model cannot see it. */
function lengthOf({ system, messages, tools }: ModelRequest): number {
  const parts = messages.flatMap((message) => message.parts.filter(({ type }) => type !== 'image'));
  return JSON.stringify([system, parts, tools]).length;
}

/** Words with the white space behind them; together they are the text. */
function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+\s*/g) ?? [];
}

function tokensOf(characters: number): number {
  return Math.ceil(characters / 4);
}
