import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { aiSdkProvider, type AiSdkOptions } from 'lash-web/providers/ai-sdk';
import type { SessionNode, TurnResult } from 'lash-web/worker';
import { expect } from 'vitest';

import type { Clock } from '../../src/contract/clock.ts';
import type { RuntimeEnvironment } from '../../src/contract/environment.ts';
import { messageText } from '../../src/core/message.ts';
import type { TokenUsage } from '../../src/core/usage.ts';
import type { Play } from '../e2e/plays.ts';
import { instantClock, memoryEnvironment, openWith } from '../runtime/support.ts';
import { prose, sends, whole } from './chat-stream.ts';
import { lineOf } from './history-lines.ts';
import type { ModelEndpoint } from './model-endpoint.ts';
import { weatherTool } from './weather-tool.ts';

/** What a turn came to. */
export interface EndpointTurn {
  readonly result: TurnResult;
  /** Model calls, first attempts and others. */
  readonly attempts: number;
  /** Why attempts were made again. */
  readonly failures: readonly string[];
  /** How long it was waited before the attempts that followed a failure. */
  readonly waits: readonly number[];
  /** One line for each node. */
  readonly history: readonly string[];
  readonly usage: TokenUsage;
  /** The arguments that the tool was run with. */
  readonly ran: readonly string[];
}

/** How a turn differs from an ordinary one. */
export interface EndpointTurnOptions {
  readonly provider?: AiSdkOptions;
  readonly environment?: RuntimeEnvironment;
}

/**
 * Runs a turn in a runtime whose model is `endpoint`, which plays `plays`; and then a second one, which shows that the
 * session goes on as if nothing had been: whatever the plays are, each turn has one end, nothing that was withdrawn is
 * kept or shown to the model, and no token counts twice.
 */
export async function playTurn(
  endpoint: ModelEndpoint,
  plays: readonly Play[],
  options: EndpointTurnOptions = {},
): Promise<EndpointTurn> {
  const ran: string[] = [];
  const openai = createOpenAICompatible({
    name: 'endpoint',
    baseURL: endpoint.baseUrl,
    apiKey: 'key',
    includeUsage: true,
  });
  const provider = aiSdkProvider(openai('m'), { maxContextTokens: 100_000, ...options.provider });
  const { environment = memoryEnvironment() } = options;
  const tools = [weatherTool(ran)];
  const clock = leapingClock();
  const { runtime, events } = await openWith(provider, { environment, tools, clock });

  endpoint.expect(plays);
  const result = await runtime.turn('question').result;
  expect(endpoint.left, 'plays that nobody asked for').toBe(0);
  expect(events.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
  expect(events.at(-1)?.type).toBe('turn-finished');
  const attempts = events.filter(({ type }) => type === 'step-started').length;
  expect(endpoint.requests).toHaveLength(attempts);
  const { nodes } = runtime.view().window;
  const history = nodes.map(lineOf);
  expect(shown(events).join(''), 'what was shown and not withdrawn is what was stored').toBe(
    nodes.flatMap(({ body }) => assistantText(body)).join(''),
  );
  const usage = runtime.usage().total;
  expect(result.usage).toEqual(usage);
  const retries = events.flatMap((event) => (event.type === 'retry-scheduled' ? event : []));
  const waits = retries.map(({ waitMs }) => waitMs);
  const failures = retries.map(({ error }) => error.code);

  // A server that asked for a pause gets it, also from later turns.
  const pause = result.error?.data['retryAfterMs'];
  if (typeof pause === 'number') await clock.sleep(pause, new AbortController().signal);
  endpoint.expect([sends(whole(prose('still ', 'here')))]);
  expect(await runtime.turn('again').result).toMatchObject({ status: 'completed' });
  expect(runtime.view().window.nodes.map(lineOf)).toEqual([
    ...history,
    'user: again',
    'assistant: still here',
  ]);
  expect(runtime.usage().total).toMatchObject({
    inputTokens: usage.inputTokens + 30,
    outputTokens: usage.outputTokens + 12,
  });
  const asked = endpoint.requests[0]?.body.messages ?? [];
  expect(asked.filter(({ role }) => role === 'assistant').map(({ content }) => content ?? '')).toEqual(
    nodes.flatMap(({ body }) => assistantText(body)),
  );
  await runtime.close();
  return { result, attempts, failures, waits, history, usage, ran };
}

/** A clock whose waits are over at once, since it leaps as far. */
function leapingClock(): Clock {
  const clock = instantClock();
  let leapt = 0;
  return {
    ...clock,
    now: () => clock.now() + leapt,
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      leapt += ms;
    },
  };
}

/** The text of the attempts that were not withdrawn. */
function shown(events: readonly { readonly type: string }[]): readonly string[] {
  const texts = new Map<string, string>();
  for (const event of events as readonly { type: string; correlationId: string; text: string }[]) {
    if (event.type === 'text-delta')
      texts.set(event.correlationId, (texts.get(event.correlationId) ?? '') + event.text);
    if (event.type === 'attempt-withdrawn') texts.delete(event.correlationId);
  }
  return [...texts.values()];
}

function assistantText(body: SessionNode['body']): readonly string[] {
  return body.kind === 'conversation' && body.message.role === 'assistant' ? [messageText(body.message)] : [];
}
