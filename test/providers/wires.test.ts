import { aiSdkProvider, type AiSdkOptions } from 'lash-web/providers/ai-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { TurnInput } from '../../src/core/turn-input.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { memoryEnvironment, openWith } from '../runtime/support.ts';
import { eventually } from '../support/eventually.ts';
import { lineOf } from './history-lines.ts';
import { weatherTool } from './weather-tool.ts';
import { WireServer } from './wire-server.ts';
import { ANSWERS, PNG, TOKENS, type Wire, wireModel, WIRES, WEATHER } from './wires.ts';

let server: WireServer;
beforeAll(async () => {
  server = await WireServer.start();
});
afterAll(async () => server.stop());
beforeEach(() => {
  server.requests.length = 0;
  server.answers.length = 0;
});

/** How the event looks by which a wire says that the model is done. */
const FINISH: Readonly<Record<Wire, RegExp>> = {
  compatible: /"finish_reason":"/u,
  openai: /"type":"response.completed"/u,
  anthropic: /"type":"message_stop"/u,
  google: /"finishReason":"/u,
};

async function open(wire: Wire, url: string, options: AiSdkOptions = {}) {
  const ran: string[] = [];
  const provider = aiSdkProvider(wireModel(wire, url), { maxContextTokens: 100_000, ...options });
  const environment = memoryEnvironment();
  const { runtime, events } = await openWith(provider, { environment, tools: [weatherTool(ran)] });
  return { runtime, events, ran, environment };
}

async function ask(runtime: LashRuntime, input: TurnInput): Promise<void> {
  expect(await runtime.turn(input).result).toMatchObject({ status: 'completed' });
}

describe.each(WIRES)('the wire %s', (wire) => {
  const history = (runtime: LashRuntime): readonly string[] => runtime.view().window.nodes.map(lineOf);

  test('[PR1] [TU9] shows reasoning and text, and counts tokens', async () => {
    const { runtime } = await open(wire, server.url());
    await ask(runtime, 'reasoning?');
    const { thought, say } = ANSWERS.reasoning;
    expect(runtime.view().window.nodes[1]?.body).toMatchObject({
      message: {
        parts: [
          { type: 'reasoning', text: thought },
          { type: 'text', text: say },
        ],
      },
      usage: TOKENS,
    });
    expect(runtime.usage().total).toMatchObject(TOKENS);
    await runtime.close();
  });

  test('[PR1] [TU9] calls tools and goes on with their results', async () => {
    const { runtime, ran } = await open(wire, server.url());
    await ask(runtime, 'weather?');
    expect(history(runtime)).toEqual(WEATHER);
    expect(ran).toEqual(ANSWERS.weather.cities);
    expect(server.requests[1]).toContain('sunny in 東京');
    expect(runtime.usage().total).toMatchObject({ inputTokens: 60, outputTokens: 24 });
    await runtime.close();
  });

  test('[PR1] is asked again with what it wants back, and takes it', async () => {
    const { runtime } = await open(wire, server.url());
    for (const question of ['reasoning?', 'weather?', 'reasoning?']) await ask(runtime, question);
    expect(history(runtime)).toHaveLength(9);
    await runtime.close();
  });

  test('is shown an image', async () => {
    const { runtime, environment } = await open(wire, server.url());
    const png = Uint8Array.from(atob(PNG), (char) => char.charCodeAt(0));
    const attachment = await environment.attachmentStore.put(png, { mime: 'image/png' });
    await ask(runtime, {
      parts: [
        { type: 'text', text: 'picture?' },
        { type: 'image', attachment },
      ],
    });
    expect(history(runtime).at(-1)).toBe('assistant: One white dot.');
    await runtime.close();
  });

  test.each(['ends', 'breaks'] as const)(
    '[TU6] [TU7] [TU9] is asked again when its stream %s early, wherever that is',
    async (how) => {
      const whole = await open(wire, server.url());
      await ask(whole.runtime, 'weather?');
      await whole.runtime.close();
      const [answer = []] = server.answers;
      const finishAt = answer.findIndex((event) => FINISH[wire].test(event));
      expect(finishAt).toBeGreaterThan(3);
      for (const after of answer.keys()) {
        const { runtime, events, ran } = await open(wire, server.url({ after, how }));
        await ask(runtime, 'weather?');
        const where = `cut after ${after} of ${answer.length} events`;
        expect(history(runtime), where).toEqual(WEATHER);
        expect(ran, where).toEqual(ANSWERS.weather.cities);
        expect(events.filter(({ type }) => type === 'turn-finished')).toHaveLength(1);
        const again = events.filter(({ type }) => type === 'attempt-withdrawn').length;
        expect(again, where).toBe(how === 'ends' && after > finishAt ? 0 : 1);
        // A stream that ends behind its finish may end before its count.
        const { inputTokens } = runtime.usage().total;
        expect([again === 1 ? 60 : 30, 60], where).toContain(inputTokens);
        await ask(runtime, 'reasoning?');
        await runtime.close();
      }
    },
  );

  test('[TU6] [TU7] is asked again when it says nothing more', async () => {
    const { runtime, events } = await open(wire, server.url({ after: 4, how: 'hangs' }), {
      idleTimeoutMs: 2000,
    });
    await ask(runtime, 'weather?');
    expect(history(runtime)).toEqual(WEATHER);
    expect(events.find(({ type }) => type === 'retry-scheduled')).toMatchObject({
      error: { code: 'ProviderStreamInterrupted', retryable: true },
    });
    await runtime.close();
  });

  test('[TU5] is not asked for more of an answer that was stopped', async () => {
    const whole = await open(wire, server.url());
    await ask(whole.runtime, 'reasoning?');
    await whole.runtime.close();
    const [answer = []] = server.answers;
    const after = answer.findIndex((event) => event.includes('Grüße')) + 1;
    const { runtime, events } = await open(wire, server.url({ after, how: 'hangs' }));
    const turn = runtime.turn('reasoning?');
    await eventually(() => expect(events.some(({ type }) => type === 'text-delta')).toBe(true));
    await turn.cancel();
    expect(await turn.result).toMatchObject({ status: 'cancelled' });
    await ask(runtime, 'weather?');
    expect(history(runtime).slice(2)).toEqual(WEATHER);
    await runtime.close();
  });
});
