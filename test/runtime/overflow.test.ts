import { describe, expect, it } from 'vitest';

import type { CommitBudget } from '../../src/contract/store.ts';
import type { Tool } from '../../src/contract/tool.ts';
import { utf8Length } from '../../src/core/json.ts';
import type { SessionNode } from '../../src/core/node.ts';
import type { LashRuntime } from '../../src/runtime/runtime.ts';
import { InMemoryAttachmentStore } from '../../src/stores/memory/memory-attachment-store.ts';
import { InMemorySessionStoreFactory } from '../../src/stores/memory/memory-session-store-factory.ts';
import type { LimitChanges } from '../../src/worker/environment-builder.ts';
import {
  call,
  finish,
  instantClock,
  memoryEnvironment,
  openWith,
  type Play,
  plays,
  text,
} from './support.ts';

const KIB = 1024;
const long = (kib: number, letter = 'x'): string => letter.repeat(kib * KIB);
const jsonBytes = (value: unknown): number => utf8Length(JSON.stringify(value));

/** An environment with this budget, what it commits, and what it stores as attachments. */
function budgeted(
  commitBudget?: CommitBudget,
  limits: LimitChanges = {},
): {
  readonly environment: ReturnType<typeof memoryEnvironment>;
  readonly attachments: InMemoryAttachmentStore;
} {
  const attachments = new InMemoryAttachmentStore();
  const factory = new InMemorySessionStoreFactory(commitBudget === undefined ? {} : { commitBudget });
  const environment = memoryEnvironment((builder) =>
    builder.withSessionStoreFactory(factory).withAttachmentStore(attachments).withLimits(limits),
  );
  return { environment, attachments };
}

function echo(value: (args: unknown) => unknown, seen: unknown[] = []): Tool {
  return {
    name: 'echo',
    description: 'echo',
    inputSchema: { type: 'object' },
    check: (args) => ({ ok: true, value: args }),
    execute: (args) => {
      seen.push(args);
      return value(args) as string;
    },
  };
}

const outcomes = (nodes: readonly SessionNode[]): unknown[] =>
  nodes.flatMap(({ body }) => (body.kind === 'tool' ? [body.invocation.outcome] : []));

describe('content that is too long for a commit', () => {
  it('[ST13] lies in an attachment from 64 KiB on, behind a preview, and the model still reads all of it', async () => {
    const { environment, attachments } = budgeted();
    const question = `${long(64)}!`;
    const answer = `${long(64, 'y')}!`;
    const provider = plays([text(answer), finish()], [text('ok'), finish()]);
    const { runtime } = await openWith(provider, { environment });
    await runtime.turn(question).result;
    const parts = runtime
      .view()
      .window.nodes.flatMap(({ body }) => (body.kind === 'conversation' ? body.message.parts : []));
    expect(parts).toMatchObject([
      {
        type: 'text',
        text: question.slice(0, KIB),
        overflow: { byteLength: question.length, mime: 'text/plain' },
      },
      { type: 'text', text: answer.slice(0, KIB), overflow: { byteLength: answer.length } },
    ]);
    expect(await attachments.totalBytes()).toBe(question.length + answer.length);
    await runtime.turn('and?').result;
    expect(provider.requests[1]?.messages.map(({ parts }) => parts)).toEqual([
      [{ type: 'text', text: question }],
      [{ type: 'text', text: answer }],
      [{ type: 'text', text: 'and?' }],
    ]);
  });

  it('[ST13] stays in its part up to 64 KiB', async () => {
    const { environment, attachments } = budgeted();
    const { runtime } = await openWith(plays([text('ok'), finish()]), { environment });
    await runtime.turn(long(64)).result;
    expect(await attachments.totalBytes()).toBe(0);
    expect(runtime.view().window.nodes[0]?.body).toMatchObject({ message: { parts: [{ text: long(64) }] } });
  });

  it('[ST13] the arguments and the result of a tool move as well; tool and model see all of both', async () => {
    const { environment } = budgeted(undefined, { toolResultBytes: 128 * KIB });
    const args = { text: long(70) };
    const seen: unknown[] = [];
    const provider = plays(
      [call('1', 'echo', JSON.stringify(args)), finish('tool-calls')],
      [text('ok'), finish()],
    );
    const { runtime } = await openWith(provider, { environment, tools: [echo((given) => given, seen)] });
    await runtime.turn('go').result;
    expect(seen).toEqual([args]);
    const [, asked, ran] = runtime.view().window.nodes;
    expect(asked?.body).toMatchObject({
      message: { parts: [{ args: null, overflow: { mime: 'application/json' } }] },
    });
    expect(ran?.body).toMatchObject({
      invocation: { args: null, overflow: {}, outcome: { status: 'success', value: null, overflow: {} } },
    });
    expect(provider.requests[1]?.messages.slice(1)).toEqual([
      { role: 'assistant', parts: [{ type: 'tool-call', callId: '1', tool: 'echo', args }] },
      {
        role: 'tool',
        parts: [
          {
            type: 'tool-result',
            callId: '1',
            tool: 'echo',
            status: 'success',
            content: JSON.stringify(args),
          },
        ],
      },
    ]);
  });

  it('[ST13] of several parts that are over the budget together, the largest move until the rest fits', async () => {
    const { environment, attachments } = budgeted({ rows: 512, bytes: 100 * KIB });
    const provider = plays([text('ok'), finish()]);
    const { runtime } = await openWith(provider, { environment });
    const sizes = [20, 50, 30, 40];
    const parts = sizes.map((kib, index) => ({ type: 'text' as const, text: long(kib, `${index}`) }));
    await runtime.turn({ parts }).result;
    const [node] = runtime.view().window.nodes;
    expect(
      node?.body.kind === 'conversation' && node.body.message.parts.map((part) => 'overflow' in part),
    ).toEqual([false, true, false, false]);
    expect(await attachments.totalBytes()).toBe(50 * KIB);
    expect(provider.requests[0]?.messages[0]?.parts).toEqual(parts);
  });

  it('[ST13] a budget below 64 KiB is kept as well', async () => {
    const { environment, attachments } = budgeted({ rows: 512, bytes: 8 * KIB });
    const { runtime } = await openWith(plays([text('ok'), finish()]), { environment });
    expect((await runtime.turn(long(10)).result).status).toBe('completed');
    expect(await attachments.totalBytes()).toBe(10 * KIB);
  });

  it('[ST13] small parts stay where they are: moving them would gain nothing', async () => {
    const { environment, attachments } = budgeted({ rows: 512, bytes: 64 * KIB });
    const provider = plays([...calls(40), finish('tool-calls')], [text('ok'), finish()]);
    const { runtime } = await openWith(provider, { environment, tools: [echo(() => long(2))] });
    expect((await runtime.turn('go').result).status).toBe('completed');
    expect(await attachments.totalBytes()).toBe(0);
  });

  it('[ST13] a failure is told in bounded words, so that it fits', async () => {
    const provider = plays([call('1', 'echo', '{}'), finish('tool-calls')], [text('ok'), finish()]);
    const failing = echo(() => {
      throw new Error(long(3000));
    });
    const { runtime } = await openWith(provider, { tools: [failing] });
    expect((await runtime.turn('go').result).status).toBe('completed');
    const [outcome] = outcomes(runtime.view().window.nodes) as { readonly message: string }[];
    expect(outcome?.message.length).toBeLessThan(5000);
    expect(outcome?.message).toMatch(/cut, 3072000 characters\)$/u);
  });
});

const calls = (count: number): Play =>
  Array.from({ length: count }, (_, index) => call(`c${index}`, 'echo', `{"n":${index}}`));

describe('more nodes than a commit may hold', () => {
  const round = async (budget: CommitBudget, count: number, value: string): Promise<LashRuntime> => {
    const { environment } = budgeted(budget);
    const provider = plays([...calls(count), finish('tool-calls')], [text('ok'), finish()]);
    const { runtime, events } = await openWith(provider, { environment, tools: [echo(() => value)] });
    expect((await runtime.turn('go').result).status).toBe('completed');
    for (const event of events) {
      if (event.type !== 'nodes-committed') continue;
      expect(event.nodes.length).toBeLessThanOrEqual(budget.rows);
      const drafts = event.nodes.map(({ createdAt, body }) => jsonBytes({ createdAt, body }));
      expect(drafts.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(budget.bytes);
      expect(event.head.leaf).toBe(event.nodes.at(-1)?.id);
    }
    const commits = events.filter((event) => event.type === 'nodes-committed').length;
    expect(commits).toBeGreaterThan(3);
    const results = provider.requests[1]?.messages.at(-1)?.parts ?? [];
    expect(results.map((part) => 'callId' in part && part.callId)).toEqual(
      Array.from({ length: count }, (_, index) => `c${index}`),
    );
    return runtime;
  };

  it('[ST13] go into consecutive appends, whole and in order', async () => {
    const runtime = await round({ rows: 4, bytes: 1_000_000 }, 10, 'x');
    const { nodes } = runtime.view().window;
    expect(nodes).toHaveLength(13);
    expect(nodes.every((node, index) => index === 0 || node.parentId === nodes[index - 1]?.id)).toBe(true);
    expect(runtime.usage().total.inputTokens).toBe(20);
  });

  it('[ST13] go into consecutive appends by their bytes too', async () => {
    await round({ rows: 512, bytes: 12 * KIB }, 20, long(2));
  });

  it('[ST13] only what a host appends itself can be too large', async () => {
    const { environment } = budgeted({ rows: 512, bytes: 8 * KIB });
    const { runtime } = await openWith(plays(), { environment });
    const data = long(10);
    await expect(
      runtime.appendSessionNodes({ nodes: [{ kind: 'plugin', pluginType: 'big', data }] }),
    ).rejects.toMatchObject({ code: 'CommitBudgetExceeded' });
    expect(runtime.view().head.revision).toBe(0);
    await expect(runtime.appendSessionNodes({ nodes: [] })).rejects.toMatchObject({ code: 'InvalidInput' });
  });
});

describe('a path that begins or ends within a step', () => {
  it('[TU2] a call without a result is told to have an unknown outcome, and a result without its call is left out', async () => {
    const { environment } = budgeted();
    const provider = plays(
      [text('see'), ...calls(2), finish('tool-calls')],
      [text('done'), finish()],
      [text('again'), finish()],
      [text('last'), finish()],
    );
    const { runtime } = await openWith(provider, {
      environment,
      tools: [echo(() => 'r')],
      clock: instantClock(),
    });
    await runtime.turn('go').result;
    const [, , firstResult] = runtime.view().window.nodes;
    await runtime.turn('from the middle', { from: firstResult?.id ?? '' }).result;
    expect(provider.requests[2]?.messages.slice(2)).toMatchObject([
      {
        role: 'tool',
        parts: [
          { callId: 'c0', status: 'success', content: 'r' },
          { callId: 'c1', status: 'failure', content: 'The outcome of this tool call is unknown.' },
        ],
      },
      { role: 'user' },
    ]);
    const stray = firstResult?.body;
    if (stray === undefined) throw new Error('no tool ran');
    await runtime.appendSessionNodes({ nodes: [stray] });
    await runtime.turn('go on').result;
    expect(provider.requests[3]?.messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'user',
      'assistant',
      'user',
    ]);
  });
});
