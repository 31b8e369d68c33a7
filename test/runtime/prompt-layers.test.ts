import { describe, expect, it } from 'vitest';

import type { Tool } from '../../src/contract/tool.ts';
import type { PromptLayerData, PromptSlotName } from '../../src/core/prompt-layer.ts';
import {
  call,
  finish,
  keepingSink,
  memoryEnvironment,
  openWith,
  type Play,
  plays,
  policy,
  text,
} from './support.ts';

const layer = (content: string, slot: PromptSlotName = 'guidance', reset = false): PromptLayerData => ({
  slots: { [slot]: { reset, contributions: [{ slot, content }] } },
});
const answer: Play = [text('ok'), finish()];
const echo: Tool = {
  name: 'echo',
  description: 'echo',
  inputSchema: { type: 'object' },
  check: (args) => ({ ok: true, value: args }),
  execute: () => 1,
};

describe('prompt layers', () => {
  it('of environment, session and turn reach the model, in that order', async () => {
    const environment = memoryEnvironment((builder) =>
      builder.withPromptContribution({ slot: 'guidance', content: 'from the environment' }),
    );
    const provider = plays(answer, answer);
    const { runtime } = await openWith(provider, {
      environment,
      policy: { ...policy, prompt: layer('from the session') },
    });
    await runtime.turn('hi', { prompt: layer('from the turn') }).result;
    const system = provider.requests[0]?.system ?? '';
    const places = ['from the environment', 'from the session', 'from the turn'].map((part) =>
      system.indexOf(part),
    );
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    await runtime.turn('again').result;
    expect(provider.requests[1]?.system).toContain('from the session');
    expect(provider.requests[1]?.system).not.toContain('from the turn');
  });

  it('a higher layer replaces what lower ones said in a slot', async () => {
    const environment = memoryEnvironment((builder) =>
      builder
        .withPromptContribution({ slot: 'guidance', content: 'from the environment' })
        .withPromptContribution({ slot: 'environment', content: 'stays' }),
    );
    const provider = plays(answer);
    const { runtime } = await openWith(provider, { environment });
    await runtime.turn('hi', { prompt: layer('alone', 'guidance', true) }).result;
    expect(provider.requests[0]?.system).toContain('alone');
    expect(provider.requests[0]?.system).toContain('stays');
    expect(provider.requests[0]?.system).not.toContain('from the environment');
  });

  it('a layer that the session is given later holds from the next turn', async () => {
    const provider = plays(answer, answer);
    const { runtime } = await openWith(provider);
    await runtime.turn('hi').result;
    await runtime.setPolicy({ prompt: layer('new rules') });
    await runtime.turn('hi').result;
    expect(provider.requests.map(({ system }) => system.includes('new rules'))).toEqual([false, true]);
  });

  it('are rendered once per change: calls and turns share the text until layers or tools change', async () => {
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) => builder.withTraceSink(sink));
    const tools: Tool[] = [echo];
    const provider = plays([call('1', 'echo', '{}'), finish('tool-calls')], answer, answer, answer, answer);
    let reads = 0;
    const watched: PromptLayerData = {
      get slots() {
        reads++;
        return layer('watched').slots;
      },
    };
    const { runtime } = await openWith(
      { ...provider, stream: provider.stream.bind(provider) },
      {
        environment: { ...environment, prompt: watched },
        tools: () => tools,
      },
    );
    await runtime.turn('hi').result;
    const once = reads;
    await runtime.turn('again').result;
    expect(reads).toBe(once);
    expect(new Set(provider.requests.map(({ system }) => system)).size).toBe(1);
    await runtime.setPolicy({ prompt: layer('more') });
    await runtime.turn('changed').result;
    expect(reads).toBeGreaterThan(once);
    const twice = reads;
    tools.length = 0;
    await runtime.turn('without tools').result;
    expect(reads).toBeGreaterThan(twice);
    const hashes = sink.records.flatMap((record) =>
      record.type === 'prompt_built' ? record.prompt_hash : [],
    );
    expect(hashes).toHaveLength(4);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[1]);
  });
});
