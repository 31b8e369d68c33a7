import { describe, expect, it } from 'vitest';

import type { Provider } from '../../src/contract/provider.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { parseTraceRecord } from '../../src/contract/trace-schema.ts';
import type { TraceRecord, TraceSink } from '../../src/contract/trace.ts';
import { LashError } from '../../src/core/error.ts';
import type { ModelEvent } from '../../src/core/model-event.ts';
import type { NodeBody } from '../../src/core/node.ts';
import type { RuntimeOptions } from '../../src/runtime/runtime-options.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import type { RuntimeEnvironmentBuilder } from '../../src/worker/environment-builder.ts';
import { call, finish, keepingSink, memoryEnvironment, openWith, type Play, plays, text } from './support.ts';

type RecordOf<T extends TraceRecord['type']> = Extract<TraceRecord, { readonly type: T }>;

function ofType<T extends TraceRecord['type']>(records: readonly TraceRecord[], type: T): RecordOf<T>[] {
  return records.filter((record): record is RecordOf<T> => record.type === type);
}

const echo: Tool = {
  name: 'echo',
  description: 'echo',
  inputSchema: { type: 'object' },
  check: (args) => ({ ok: true, value: args }),
  execute: (args) => JSON.stringify(args),
};

async function traced(
  provider: Provider,
  build: (builder: RuntimeEnvironmentBuilder) => unknown = () => undefined,
  options: Pick<RuntimeOptions, 'secrets' | 'tools'> = {},
): Promise<Awaited<ReturnType<typeof openWith>> & { readonly records: TraceRecord[] }> {
  const sink = keepingSink();
  const environment = memoryEnvironment((builder) => build(builder.withTraceSink(sink)));
  const opened = await openWith(provider, { environment, tools: [echo], sessionId: 's', ...options });
  return { ...opened, records: sink.records };
}

const shape = (record: RecordOf<'llm_call_started'>): string[] =>
  record.request.messages.map(({ role, blocks }) => `${role} ${blocks.map(({ kind }) => kind).join('+')}`);

describe('a trace', () => {
  it('[TR1] of a turn tells what it did, in records of the schema, one end behind one beginning', async () => {
    const attachments = new InMemoryAttachmentStore();
    const image = await attachments.put(new Uint8Array([1, 2, 3]), { mime: 'image/png' });
    const flaky = new LashError('ProviderUnavailable', 'broken', { status: 503 });
    const provider = plays(
      [{ type: 'reasoning-delta', text: 'hm' }, { type: 'reasoning-end', replay: { id: 1 } }, flaky],
      [text('see'), call('1', 'echo', '{"a":1}'), call('2', 'nobody', '{}'), finish('tool-calls')],
      [text('done'), finish()],
    );
    const { runtime, records } = await traced(provider, (builder) =>
      builder.withAttachmentStore(attachments),
    );
    await runtime.turn({
      parts: [
        { type: 'text', text: 'go' },
        { type: 'image', attachment: image },
      ],
    }).result;
    for (const record of records)
      expect(parseTraceRecord(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(records.map(({ type }) => type)).toEqual([
      'turn_started',
      'prompt_built',
      'llm_call_started',
      'llm_call_failed',
      'llm_call_started',
      'llm_call_completed',
      'tool_call_started',
      'tool_call_started',
      'tool_call_completed',
      'tool_call_completed',
      'llm_call_started',
      'llm_call_completed',
      'turn_completed',
    ]);
    expect(records.at(-1)).toMatchObject({ status: 'completed', done_reason: 'assistant_message' });
    expect(ofType(records, 'llm_call_failed')[0]?.error).toMatchObject({
      code: 'ProviderUnavailable',
      retryable: true,
    });
    expect(new Set(records.map(({ id }) => id)).size).toBe(records.length);
    const ids = records.flatMap(({ context }) => context.llm_call_id ?? []);
    expect([...new Set(ids)]).toEqual(['s:1:0:0', 's:1:0:1', 's:1:1:0']);
  });

  it('[TR1] a call that was not made is none that failed: nothing was asked', async () => {
    const { runtime, records } = await traced(plays());
    await runtime.setPolicy({ provider: { id: 'nobody', model: 'none' } });
    await runtime.turn('go').result;
    expect(records.map(({ type }) => type)).toEqual(['turn_started', 'custom', 'turn_completed']);
    expect(ofType(records, 'custom')[0]).toMatchObject({
      name: 'llm_call_not_made',
      payload: { error: { code: 'ProviderNotFound' } },
    });
  });

  it('[TR1] a call shows the messages that are new since the last one, and how many it left out', async () => {
    const provider = plays(
      [text('see'), call('1', 'echo', '{"a":1}'), call('2', 'echo', '{}'), finish('tool-calls')],
      [text('done'), finish()],
      [text('half')],
      [text('whole'), finish()],
    );
    const { runtime, records } = await traced(provider);
    await runtime.turn('go').result;
    await runtime.turn('more').result;
    const started = ofType(records, 'llm_call_started');
    expect(started.map(shape)).toEqual([
      ['system text', 'user text'],
      ['assistant text+tool_call+tool_call', 'user tool_result+tool_result'],
      ['assistant text', 'user text'],
      [],
    ]);
    expect(started.map(({ request }) => request.messages_omitted)).toEqual([undefined, 2, 4, 6]);
    for (const [index, { request }] of started.entries()) {
      const whole = (provider.requests[index]?.messages.length ?? 0) + 1;
      expect(request.messages.length + (request.messages_omitted ?? 0)).toBe(whole);
    }
  });

  it('[TR1] after a branch a call shows at least what it was asked', async () => {
    const provider = plays(...['one', 'two', 'three'].map((value): Play => [text(value), finish()]));
    const { runtime, records } = await traced(provider);
    await runtime.turn('first').result;
    const question = runtime.view().window.nodes[0]?.id ?? '';
    await runtime.turn('edited', { from: null }).result;
    await runtime.turn(null, { from: question }).result;
    const asked = ofType(records, 'llm_call_started').map(({ request }) => JSON.stringify(request.messages));
    expect(asked[1]).toContain('edited');
    expect(asked[1]).not.toContain('first');
    expect(asked[2]).toContain('first');
    expect(asked[2]).not.toContain('edited');
  });

  it('[TR1] grows with the turn and not with the path', async () => {
    const bytesOfTurn = async (turns: number): Promise<number> => {
      const script: Play = [text('see'), call('1', 'echo', '{}'), finish('tool-calls')];
      const provider = { ...plays(script, [text('done'), finish()]), maxContextTokens: 10_000_000 };
      const { runtime, records } = await traced(provider);
      const say = (role: 'user' | 'assistant'): NodeBody => ({
        kind: 'conversation',
        message: { role, parts: [{ type: 'text', text: 'the same words again' }] },
      });
      const path = Array.from({ length: turns }, () => [say('user'), say('assistant')]).flat();
      for (let from = 0; from < path.length; from += 500) {
        await runtime.appendSessionNodes({ nodes: path.slice(from, from + 500) });
      }
      await runtime.turn('go').result;
      expect(provider.requests[0]?.messages).toHaveLength(path.length + 1);
      return records.reduce((sum, record) => sum + JSON.stringify(record).length, 0);
    };
    const [short, long] = [await bytesOfTurn(10), await bytesOfTurn(1000)];
    // The numbers of messages left out and of the turn take more digits.
    expect(long - short).toBeLessThan(200);
    expect(short).toBeGreaterThan(2000);
  });

  it('[TR1] says where content lies that was too long for a commit', async () => {
    const long = 'x'.repeat(70_000);
    const provider = plays(
      [call('1', 'echo', JSON.stringify({ long })), finish('tool-calls')],
      [text('ok'), finish()],
    );
    const { runtime, records } = await traced(provider);
    await runtime.turn(long).result;
    const shown = JSON.stringify(ofType(records, 'llm_call_started').map(({ request }) => request.messages));
    expect(shown.match(/whole in attachment [0-9a-f]{64}, 700\d\d bytes/gu)).toHaveLength(3);
    expect(shown.length).toBeLessThan(10_000);
  });

  it('[TR1] at the extended level shows every stream event too', async () => {
    const reasoning: ModelEvent[] = [{ type: 'reasoning-delta', text: 'hm' }, { type: 'reasoning-end' }];
    const provider = plays(
      [...reasoning, text('a'), text('b'), call('1', 'echo', '{}'), finish('tool-calls')],
      [text('ok'), finish()],
    );
    const { runtime, records } = await traced(provider, (builder) => builder.withTraceLevel('extended'));
    await runtime.turn('go').result;
    for (const record of records) expect(parseTraceRecord(record)).toEqual(record);
    const events = ofType(records, 'runtime_stream_event').map(({ event }) => event);
    expect(events.map(({ sequence, event_name }) => `${sequence} ${event_name}`)).toEqual([
      '0 reasoning_delta',
      '1 reasoning_part',
      '2 delta',
      '3 delta',
      '4 tool_call_part',
      '5 usage',
      '0 delta',
      '1 usage',
    ]);
    expect(events.map(({ visible_text }) => visible_text ?? '').join('|')).toBe('hm||a|b|||ok|');
  });

  it('[TR1] lays the context of the environment under every record', async () => {
    const { runtime, records } = await traced(plays([text('ok'), finish()]), (builder) =>
      builder.withTraceContext({ run_id: 'r', session_id: 'overlaid', metadata: { a: 1 } }),
    );
    await runtime.turn('go', { inputId: 'mine' }).result;
    expect(records.length).toBeGreaterThan(3);
    for (const { context } of records) {
      expect(context).toMatchObject({
        run_id: 'r',
        session_id: 's',
        turn_id: 'mine',
        turn_index: 1,
        metadata: { a: 1 },
      });
    }
  });

  it('[TU6] of a stopped turn and of a refused one ends with turn_completed', async () => {
    const { runtime, records } = await traced(plays([text('half'), 'hang']));
    const turn = runtime.turn('go');
    for await (const activity of turn) if (activity.type === 'text-delta') void turn.cancel();
    expect(records.at(-1)).toMatchObject({
      type: 'turn_completed',
      status: 'failed',
      done_reason: 'cancelled',
    });
    expect(ofType(records, 'llm_call_failed')[0]?.error).toMatchObject({ terminal_reason: 'cancelled' });
    // A provider that rejects because it was told to stop did not fail.
    expect(ofType(records, 'custom')).toEqual([]);
  });
});

describe('a sink that fails', () => {
  const broken: TraceSink = {
    append: () => {
      throw new Error('the sink is full');
    },
    flush: async () => await Promise.reject(new Error('the sink is gone')),
    close: async () => await Promise.reject(new Error('the sink is gone')),
  };

  it('[TR2] fails neither a turn nor the closing of its session', async () => {
    const environment = memoryEnvironment((builder) =>
      builder.withTraceSink(broken).withTraceLevel('extended'),
    );
    const provider = plays([call('1', 'echo', '{}'), finish('tool-calls')], [text('ok'), finish()]);
    const { runtime } = await openWith(provider, { environment, tools: [echo] });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(runtime.view().window.nodes).toHaveLength(4);
    await runtime.close();
  });
});

describe('a secret', () => {
  const SECRET = 'sk-canary-0123456789';

  /** The secret, one character an event: no event holds it. */
  const pieces = (type: 'text-delta' | 'reasoning-delta'): ModelEvent[] =>
    Array.from(`it is ${SECRET}!`, (letter) => ({ type, text: letter }));

  it('[SE1] is nowhere in trace, events, history and errors, wherever it comes from and however it is cut', async () => {
    const secrets = new SecretVault();
    secrets.add(SECRET);
    const refusal = new LashError(
      'ProviderRejected',
      `no such key ${SECRET}`,
      {},
      { cause: new Error(SECRET) },
    );
    const leak: Tool = { ...echo, name: 'leak', execute: () => ({ key: [SECRET], [SECRET]: 1 }) };
    const provider = plays(
      [
        ...pieces('reasoning-delta'),
        { type: 'reasoning-end', replay: { SECRET, [SECRET]: 1 } },
        ...pieces('text-delta'),
        { type: 'text-end', replay: { SECRET, [SECRET]: 1 } },
        call(SECRET, 'echo', JSON.stringify({ SECRET })),
        call('2', SECRET, `{"a":"${SECRET}`),
        call('3', 'leak', '{}'),
        finish('tool-calls'),
      ],
      [...pieces('text-delta'), refusal],
    );
    const { runtime, records, events } = await traced(
      provider,
      (builder) => builder.withTraceLevel('extended'),
      { secrets, tools: [echo, leak] },
    );
    const result = await runtime.turn(`mine is ${SECRET}`).result;
    const told = JSON.stringify([records, events, runtime.view(), result, provider.requests]);
    expect(told).not.toContain(SECRET);
    expect(told).toContain('[redacted]');
    const streamed = ofType(records, 'runtime_stream_event').map(({ event }) => event.visible_text ?? '');
    expect(streamed.join('')).not.toContain(SECRET);
    const deltas = events.map((event) => ('text' in event ? event.text : ''));
    expect(deltas.join('')).not.toContain(SECRET);
    expect(result.error).toMatchObject({ code: 'ProviderRejected', message: 'no such key [redacted]' });
  });

  it('[SE1] is not left over in half where a long failure is cut', async () => {
    const secrets = new SecretVault();
    secrets.add(SECRET);
    const failing: Tool = {
      ...echo,
      execute: () => {
        throw new Error(`${'x'.repeat(4096 - 8)}${SECRET}${'x'.repeat(100)}`);
      },
    };
    const provider = plays([call('1', 'echo', '{}'), finish('tool-calls')], [text('ok'), finish()]);
    const { runtime } = await openWith(provider, { tools: [failing], secrets });
    await runtime.turn('go').result;
    expect(JSON.stringify(runtime.view())).not.toContain('sk-canar');
  });
});
