import { describe, expect, it } from 'vitest';

import type { Tool, ToolReturn } from '../../src/contract/tool.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import { toolFailure } from '../../src/core/tool-failure.ts';
import { toolResult } from '../../src/core/tool-result.ts';
import type { TurnWait } from '../../src/core/turn-wait.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { SecretVault } from '../../src/runtime/secrets.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import { eventually } from '../support/eventually.ts';
import { mortalTab } from './mortal.ts';
import { lastingAttachments, openShared, sharedStorage } from './stores.ts';
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

function tool(
  name: string,
  execute: Tool['execute'] = () => name,
  more: Partial<Tool> = {},
): Tool & { runs: number } {
  const made = {
    name,
    description: name,
    inputSchema: { type: 'object' },
    check: (value: unknown) => ({ ok: true, value }) as const,
    runs: 0,
    execute: (args: unknown, context: Parameters<Tool['execute']>[1]): ToolReturn | Promise<ToolReturn> => {
      made.runs++;
      return execute(args, context);
    },
    ...more,
  };
  return made;
}

const asks = (...names: string[]): Play => [
  ...names.map((name, at) => call(`${at}`, name, '{}')),
  finish('tool-calls'),
];
const done: Play = [text('done'), finish()];

const outcomes = (runtime: LashRuntime): readonly ToolOutcome[] =>
  runtime.view().window.nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

async function waitsFor(runtime: LashRuntime, kind: TurnWait['kind']): Promise<void> {
  await eventually(() => expect(runtime.view().turn?.waits.map((wait) => wait.kind)).toEqual([kind]));
}

const PNG = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]);

describe('the tools that a model is offered', () => {
  it('[TL7] are those that the session names, and a call of another one never runs', async () => {
    const [read, write] = [tool('read'), tool('write')];
    const provider = plays(asks('read', 'write', 'nothing'), done, done, done);
    const { runtime } = await openWith(provider, {
      tools: [read, write],
      policy: { ...policy, tools: ['read', 'gone'] },
    });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(['read']);
    expect(outcomes(runtime)).toMatchObject([
      { status: 'success' },
      { status: 'failure', code: 'ToolUnavailable', class: 'unavailable', retryable: false },
      { status: 'failure', code: 'ToolNotFound', class: 'unavailable' },
    ]);
    expect([read.runs, write.runs]).toEqual([1, 0]);
    await runtime.setPolicy({ tools: [] });
    await runtime.turn('and').result;
    expect(provider.requests[2]?.tools).toEqual([]);
    await runtime.setPolicy({ tools: ['write'] });
    await runtime.turn('again').result;
    expect(provider.requests[3]?.tools.map(({ name }) => name)).toEqual(['write']);
  });

  it('[TL7] that nobody has are a warning, once a turn, by their names', async () => {
    const provider = plays(asks('read'), done, done);
    const { runtime, events } = await openWith(provider, {
      tools: [tool('read'), tool('write')],
      policy: { ...policy, tools: ['read', 'gone'] },
    });
    const warnings = (): readonly string[] =>
      events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    await runtime.turn('go', { tools: ['read', 'write', 'raed'] }).result;
    expect(warnings()).toEqual([expect.stringMatching(/that nobody has: gone, raed\.$/u)]);
    await runtime.setPolicy({ tools: ['read'] });
    await runtime.turn('go on').result;
    expect(warnings()).toHaveLength(1);
  });

  it('[TL7] are for one turn those that both it and the session name', async () => {
    const write = tool('write');
    const provider = plays(asks('write'), done, done);
    const { runtime } = await openWith(provider, {
      tools: [tool('read'), write, tool('look')],
      policy: { ...policy, tools: ['read', 'write'] },
    });
    await runtime.turn('go', { tools: ['read', 'look'] }).result;
    expect(provider.requests[0]?.tools.map(({ name }) => name)).toEqual(['read']);
    expect(outcomes(runtime)).toMatchObject([{ code: 'ToolUnavailable' }]);
    await runtime.turn('go on').result;
    expect(provider.requests[2]?.tools.map(({ name }) => name)).toEqual(['read', 'write']);
    expect(write.runs).toBe(0);
  });

  it('[TL7][TU3] are the same for a turn that another tab goes on with, or that was queued', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const tools = [tool('read'), tool('write')];
    const first = await openShared(sharedStorage(tab.factory), plays(['hang']), { tools });
    const turn = first.turn('go', { inputId: 't', tools: ['read'] });
    await turn.accepted;
    await first.turn('next', { inputId: 'n', tools: ['write'], whenRunning: 'queue' }).accepted;
    await tab.kill();
    const provider = plays(done, done);
    const second = await openShared(sharedStorage(origin), provider, { tools });
    await second.turn('go', { inputId: 't', tools: ['read'] }).result;
    await second.turn('next', { inputId: 'n', tools: ['write'] }).result;
    expect(provider.requests.map((request) => request.tools.map(({ name }) => name))).toEqual([
      ['read'],
      ['write'],
    ]);
    await expect(second.turn('next', { inputId: 'n' }).result).rejects.toMatchObject({
      code: 'OperationConflict',
    });
  });
});

describe('a tool that changed since the model was told of it', () => {
  it.each([
    ['its schema', { inputSchema: { type: 'object', properties: { cents: { type: 'number' } } } }],
    ['its description', { description: 'Pays in cents.' }],
  ])('[TL8] in %s does not run for a call of the old one, and does for the next call', async (_, change) => {
    const [old, present] = [tool('pay'), tool('pay', () => 'paid', change)];
    let tools = [old];
    const provider = plays([text('I pay'), ...asks('pay')], asks('pay'), done);
    const { runtime } = await openWith(provider, { tools: () => tools });
    runtime.subscribe(({ type }) => {
      if (type === 'text-delta') tools = [present];
    });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(outcomes(runtime)).toMatchObject([
      { status: 'failure', code: 'ToolUnavailable' },
      { status: 'success', value: 'paid' },
    ]);
    expect([old.runs, present.runs]).toEqual([0, 1]);
  });

  it('[TL8] runs if only what runs changed: the model was told of the same tool', async () => {
    const [old, present] = [tool('pay'), tool('pay', () => 'paid')];
    let tools = [old];
    const { runtime } = await openWith(plays([text('I pay'), ...asks('pay')], done), { tools: () => tools });
    runtime.subscribe(({ type }) => {
      if (type === 'text-delta') tools = [present];
    });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([{ status: 'success', value: 'paid' }]);
  });

  it('[TL8][TU3] does not run either where another version of the app goes on with the turn', async () => {
    const storage = sharedStorage();
    const ask = { approval: true };
    const first = await openShared(storage, plays(asks('pay')), { tools: [tool('pay', undefined, ask)] });
    first.turn('go', { inputId: 't' });
    await waitsFor(first, 'approval');
    const [wait] = first.view().turn?.waits ?? [];
    await first.close();
    const changed = tool('pay', undefined, { ...ask, description: 'Pays twice.' });
    const second = await openShared(storage, plays(done), { tools: [changed] });
    if (wait?.kind === 'approval') await second.answer(wait.requestId, { approve: true });
    await second.turn('go', { inputId: 't' }).result;
    expect(outcomes(second)).toMatchObject([{ code: 'ToolUnavailable' }]);
    expect(changed.runs).toBe(0);
  });

  it('[TL8] that came after the model was asked does not run, though its name was guessed', async () => {
    const late = tool('late');
    let tools: Tool[] = [];
    const { runtime } = await openWith(plays([text('hm'), ...asks('late')], done), { tools: () => tools });
    runtime.subscribe(({ type }) => {
      if (type === 'text-delta') tools = [late];
    });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([{ code: 'ToolUnavailable' }]);
    expect(late.runs).toBe(0);
  });
});

describe('a call of a tool of a page, which was started and whose page is gone', () => {
  async function killed(replay: 'safe' | 'never'): Promise<InMemorySessionStoreFactory> {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const hangs = tool('query', () => new Promise(() => undefined), { offeredByPage: true, replay });
    const first = await openShared(sharedStorage(tab.factory), plays(asks('query')), { tools: [hangs] });
    first.turn('go', { inputId: 't' });
    await eventually(() => expect(hangs.runs).toBe(1));
    await tab.kill();
    return origin;
  }

  it('[TU3][TU11] waits for a page that offers the tool if it may run again', async () => {
    const origin = await killed('safe');
    let tools: readonly Tool[] = [];
    const second = await openShared(sharedStorage(origin), plays(done), { tools: () => tools });
    await waitsFor(second, 'page-tool');
    const query = tool('query', () => 'found', { offeredByPage: true, replay: 'safe' });
    tools = [query];
    second.resumeTurns();
    await second.turn('go', { inputId: 't' }).result;
    expect(outcomes(second)).toEqual([{ status: 'success', value: 'found' }]);
    expect(query.runs).toBe(1);
  });

  it('[TU3] is told as unknown if the page that offers it then says that it must not run again', async () => {
    const origin = await killed('safe');
    const query = tool('query', () => 'found', { offeredByPage: true });
    const second = await openShared(sharedStorage(origin), plays(done), { tools: [query] });
    await second.turn('go', { inputId: 't' }).result;
    expect(outcomes(second)).toMatchObject([{ code: 'ToolOutcomeUnknown' }]);
    expect(query.runs).toBe(0);
  });

  it('[TU3] is told as unknown, and waits for nobody, if it may not', async () => {
    const origin = await killed('never');
    const second = await openShared(sharedStorage(origin), plays(done), { tools: [] });
    await second.turn('go', { inputId: 't' }).result;
    expect(outcomes(second)).toMatchObject([{ code: 'ToolOutcomeUnknown' }]);
  });
});

describe('what a tool says of its failure', () => {
  it('[TL2] is told to model and host: class, whether to try again, and data', async () => {
    const provider = plays(asks('book'), done);
    const failing = tool('book', () => {
      throw toolFailure('No seats left', {
        class: 'external',
        retryable: true,
        retryAfterMs: 500,
        data: { next: 'Monday' },
      });
    });
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) => builder.withTraceSink(sink));
    const { runtime } = await openWith(provider, { tools: [failing], environment });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toEqual([
      {
        status: 'failure',
        class: 'external',
        code: 'ToolFailed',
        message: 'No seats left',
        retryable: true,
        retryAfterMs: 500,
        data: { next: 'Monday' },
      },
    ]);
    expect(provider.requests[1]?.messages.at(-1)?.parts).toMatchObject([
      {
        status: 'failure',
        content:
          'The tool call failed (ToolFailed): No seats left\n{"next":"Monday"}\nThe same call may succeed in 500 ms.',
      },
    ]);
    expect(sink.records.find(({ type }) => type === 'tool_call_completed')).toMatchObject({
      output: {
        outcome: {
          status: 'failure',
          payload: {
            class: 'external',
            code: 'ToolFailed',
            source: 'tool',
            retry: { type: 'safe', after_ms: 500 },
            raw: { next: 'Monday' },
          },
        },
      },
    });
  });

  it('[TL2] is bounded, and what is no data or no class is not taken', async () => {
    const secrets = new SecretVault();
    secrets.add('a-key-of-the-user');
    const tools = [
      tool('long', () => {
        throw toolFailure('no', { data: 'x'.repeat(5000) });
      }),
      tool('odd', () => {
        throw toolFailure('key a-key-of-the-user', {
          class: 'nonsense' as 'external',
          data: (() => 1) as unknown as string,
        });
      }),
    ];
    const { runtime } = await openWith(plays(asks('long', 'odd'), done), { tools, secrets });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([
      { class: 'execution', data: 'left out: it has 5002 bytes' },
      { class: 'execution', data: 'not plain data', message: 'key [redacted]' },
    ]);
  });
});

describe('what a tool returns besides data', () => {
  const drawing = (name = 'plot.png'): Tool =>
    tool('draw', async (_args, { attachmentStore }) => {
      const image = await attachmentStore.put(PNG, { mime: 'image/png', name, width: 1, height: 1 });
      const file = await attachmentStore.put(new Uint8Array([1, 2]), { mime: 'text/csv', name: 'data.csv' });
      return toolResult({ drawn: true }, { attachments: [image, file] });
    });

  it('[TL9] is in the node: the model sees images, and reads the names of files', async () => {
    const sink = keepingSink();
    const environment = memoryEnvironment((builder) => builder.withTraceSink(sink));
    const provider = plays(asks('draw'), done, done);
    const { runtime } = await openWith(provider, { tools: [drawing()], environment });
    await runtime.turn('go').result;
    const [outcome] = outcomes(runtime);
    const attachments = [
      { mime: 'image/png', byteLength: 8, name: 'plot.png', width: 1, height: 1 },
      { mime: 'text/csv', byteLength: 2, name: 'data.csv' },
    ];
    expect(outcome).toMatchObject({ status: 'success', value: { drawn: true }, attachments });
    const [result] = provider.requests[1]?.messages.at(-1)?.parts ?? [];
    expect(result).toMatchObject({
      type: 'tool-result',
      content: expect.stringMatching(
        /^\{"drawn":true\}\n\[file "plot.png" .*\]\n\[file "data.csv" .*\]$/,
      ) as string,
      images: [{ mime: 'image/png', data: PNG }],
    });
    expect(sink.records.find(({ type }) => type === 'tool_call_completed')).toMatchObject({
      output: {
        outcome: {
          payload: [
            { drawn: true },
            { $lash_tool_value: 'attachment', ref: { mime: 'image/png', label: 'plot.png' } },
            { $lash_tool_value: 'attachment', ref: { mime: 'text/csv' } },
          ],
        },
      },
    });
    await runtime.turn('and the next turn sees them too').result;
    expect(provider.requests[2]?.messages.flatMap(({ parts }) => parts)).toContainEqual(result);
  });

  it('[TL9][TU3] is there for whoever goes on after a kill between outcome and commit', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const attachments = lastingAttachments();
    const draw = tool('draw', async (args, context) => await drawing().execute(args, context));
    const hang = tool('hang', () => new Promise(() => undefined));
    const dying = sharedStorage(tab.factory, attachments);
    const first = await openShared(dying, plays(asks('draw', 'hang')), { tools: [draw, hang] });
    first.turn('go', { inputId: 't' });
    await eventually(() => expect(first.view().turn?.toolCalls[0]?.outcome?.status).toBe('success'));
    await tab.kill();
    const provider = plays(done);
    const second = await openShared(sharedStorage(origin, attachments), provider, { tools: [draw, hang] });
    await second.turn('go', { inputId: 't' }).result;
    expect(draw.runs).toBe(1);
    expect(outcomes(second)).toMatchObject([
      { status: 'success', attachments: [{ mime: 'image/png' }, { mime: 'text/csv' }] },
      { code: 'ToolOutcomeUnknown' },
    ]);
    expect(provider.requests[0]?.messages.at(-1)?.parts).toMatchObject([{ images: [{ data: PNG }] }, {}]);
  });

  it('[TL9][SE1] holds no secret, and is nothing that is not stored', async () => {
    const secrets = new SecretVault();
    secrets.add('a-key-of-the-user');
    const nowhere = { id: 'f'.repeat(64), mime: 'image/png', byteLength: 8 };
    const tools = [
      drawing('a-key-of-the-user.png'),
      tool('points', () => toolResult('see', { attachments: [nowhere] })),
      tool('odd', () => toolResult('see', { attachments: [{} as typeof nowhere] })),
      tool('odder', () => toolResult('see', { attachments: [() => 1] as never })),
      tool('plain', () => ({ lash: 'tool-result', value: 1, attachments: [{ ...nowhere }] })),
    ];
    const provider = plays(asks(...tools.map(({ name }) => name)), done);
    const { runtime } = await openWith(provider, { tools, secrets });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(outcomes(runtime)).toMatchObject([
      { status: 'success', attachments: [{ name: '[redacted].png' }, {}] },
      { status: 'failure', code: 'AttachmentNotFound' },
      {
        status: 'failure',
        code: 'ToolFailed',
        message: expect.stringContaining('$.attachments[0]') as string,
      },
      {
        status: 'failure',
        code: 'ToolFailed',
        message: expect.stringContaining('$.attachments[0]') as string,
      },
      { status: 'success', value: { lash: 'tool-result', value: 1, attachments: [nowhere] } },
    ]);
  });

  it('[TL9] can be read by a later tool, as the files of messages can', async () => {
    let seen: readonly string[] = [];
    const look = tool('look', (_args, { attachments }) => {
      seen = attachments.map(({ name = 'result' }) => name);
      return null;
    });
    const long = tool('long', () => 'x'.repeat(70_000));
    const { runtime } = await openWith(plays(asks('draw', 'long'), asks('look'), done), {
      tools: [drawing(), long, look],
    });
    await runtime.turn('go').result;
    expect(seen).toEqual(['plot.png', 'data.csv', 'result']);
  });
});

describe('a call that another tab goes on with', () => {
  it('[TU3] has the attachments of the messages that the model was shown', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const attachments = lastingAttachments();
    const file = await attachments.put(PNG, { mime: 'image/png', name: 'photo.png' }, { sessionId: 's' });
    const hang = tool('look', () => new Promise(() => undefined), { replay: 'safe' });
    const dying = sharedStorage(tab.factory, attachments);
    const first = await openShared(dying, plays(asks('look')), { tools: [hang] });
    const input = { parts: [{ type: 'file', attachment: file } as const] };
    first.turn(input, { inputId: 't' });
    await eventually(() => expect(hang.runs).toBe(1));
    await tab.kill();
    let seen: readonly unknown[] = [];
    const look = tool('look', (_args, context) => (seen = context.attachments).length, { replay: 'safe' });
    const second = await openShared(sharedStorage(origin, attachments), plays(done), { tools: [look] });
    await second.turn(input, { inputId: 't' }).result;
    expect(seen).toEqual([file]);
  });
});

describe('a call that a tab goes on with which ran other turns before', () => {
  it('[TU3] has the attachments of the messages that the model was shown in its own turn', async () => {
    const origin = new InMemorySessionStoreFactory();
    const tab = mortalTab(origin);
    const attachments = lastingAttachments();
    const file = await attachments.put(PNG, { mime: 'image/png', name: 'photo.png' }, { sessionId: 's' });
    let seen: readonly unknown[] = [];
    const look = tool('look', (_args, context) => (seen = context.attachments).length, { replay: 'safe' });
    const second = await openShared(sharedStorage(origin, attachments), plays(done, done), { tools: [look] });
    await second.turn('hi').result;
    second.rest();
    const hang = tool('look', () => new Promise(() => undefined), { replay: 'safe' });
    const first = await openShared(sharedStorage(tab.factory, attachments), plays(asks('look')), {
      tools: [hang],
    });
    const input = { parts: [{ type: 'file', attachment: file } as const] };
    first.turn(input, { inputId: 't' });
    await eventually(() => expect(hang.runs).toBe(1));
    await tab.kill();
    expect((await second.turn(input, { inputId: 't' }).result).status).toBe('completed');
    expect(seen).toEqual([file]);
  });
});

describe('a result that is longer than a model is to read', () => {
  const KIB = 1024;
  const limited = (toolResultBytes: number): ReturnType<typeof memoryEnvironment> =>
    memoryEnvironment((builder) => builder.withLimits({ toolResultBytes }));

  it.each([
    [
      'text',
      'ü'.repeat(3000),
      /^ü{2000,2100}… \(cut: this is the beginning of 6002 bytes, which are attachment/,
    ],
    ['text with escapes', '\n"'.repeat(3000), /^(?:\n")+\n?… \(cut/],
    ['text with pairs', '👍'.repeat(3000), /^(?:👍)+… \(cut/u],
    ['data', { list: Array.from({ length: 3000 }, (_, at) => at) }, /^\{"list":\[0,1,2.*… \(cut: /],
  ])(
    '[TL9] is kept whole as an attachment, and the model reads its beginning: %s',
    async (_, value, said) => {
      const environment = limited(4 * KIB);
      const provider = plays(asks('long'), done, done);
      const { runtime } = await openWith(provider, { environment, tools: [tool('long', () => value)] });
      await runtime.turn('go').result;
      const [outcome] = outcomes(runtime);
      expect(outcome).toMatchObject({
        status: 'success',
        value: null,
        overflow: { mime: 'application/json' },
      });
      const overflow = outcome?.status === 'success' ? outcome.overflow : undefined;
      const kept = await environment.attachmentStore.get(overflow?.id ?? '');
      expect(JSON.parse(await kept.text())).toEqual(value);
      const [read] = provider.requests[1]?.messages.at(-1)?.parts ?? [];
      expect(read?.type === 'tool-result' && read.content).toMatch(said);
      await runtime.turn('again').result;
      expect(provider.requests[2]?.messages.flatMap(({ parts }) => parts)).toContainEqual(read);
    },
  );

  it('[TL9][TU3] is in the journal as what it becomes, so that a record stays small', async () => {
    const storage = sharedStorage();
    const sizes: number[] = [];
    storage.faults.record = async (record, proceed) => {
      sizes.push(JSON.stringify(record.entries).length);
      await proceed();
    };
    const tools = [tool('long', () => 'x'.repeat(500 * KIB)), tool('short')];
    const runtime = await openShared(storage, plays(asks('long', 'short'), done), { tools });
    await runtime.turn('go').result;
    expect(outcomes(runtime)).toMatchObject([
      { overflow: { byteLength: 500 * KIB + 2 } },
      { value: 'short' },
    ]);
    expect(Math.max(...sizes)).toBeLessThan(10 * KIB);
  });

  it('[TL9] of 50 MB fits, and the model is called with the beginning', async () => {
    const provider = plays(asks('huge'), done, done);
    const { runtime } = await openWith(provider, { tools: [tool('huge', () => 'x'.repeat(50 * KIB * KIB))] });
    expect((await runtime.turn('go').result).status).toBe('completed');
    const [read] = provider.requests[1]?.messages.at(-1)?.parts ?? [];
    expect(read?.type === 'tool-result' && read.content.length).toBeLessThan(65 * KIB);
    expect((await runtime.turn('and').result).status).toBe('completed');
  });

  it('[TL9] that is more than an attachment may be is a failure that says so', async () => {
    const environment = memoryEnvironment((builder) =>
      builder.withAttachmentStore(new InMemoryAttachmentStore({ maxBytes: 100 * KIB })),
    );
    const tools = [tool('huge', () => 'x'.repeat(200 * KIB))];
    const { runtime } = await openWith(plays(asks('huge'), done), { tools, environment });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(outcomes(runtime)).toMatchObject([{ code: 'AttachmentTooLarge', class: 'resource-limit' }]);
  });
});
