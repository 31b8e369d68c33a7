import { describe, expect, test } from 'vitest';

import type { AttachmentRef } from '../../src/core/attachment.ts';
import type { LiveTurn } from '../../src/core/live-turn.ts';
import type { Message, Part } from '../../src/core/message.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import type { ToolOutcome } from '../../src/core/tool-call.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import type { SessionView } from '../../src/core/view.ts';
import { transcriptOf } from '../../src/demo/app/transcript.ts';

const said = (text: string): Part => ({ type: 'text', text });
const calls = (callId: string): Part => ({ type: 'tool-call', callId, tool: 'saw', args: { teeth: 3 } });
const user = (text = 'a question'): NodeBody => message({ role: 'user', parts: [said(text)] });
const assistant = (parts: readonly Part[] = [said('an answer')], status?: Message['status']): NodeBody =>
  message({ role: 'assistant', parts, ...(status && { status }) });
const plugin: NodeBody = { kind: 'plugin', pluginType: 'p', data: null };
const success: ToolOutcome = { status: 'success', value: 42 };
const RUNNING: LiveTurn = {
  turnId: 't',
  step: 1,
  correlationId: 'c',
  text: '',
  reasoning: '',
  toolCalls: [],
  retry: null,
  waits: [],
  warnings: [],
  interrupted: false,
};

function message(content: Message): NodeBody {
  return { kind: 'conversation', message: content };
}

function tool(callId: string, outcome = success): NodeBody {
  return { kind: 'tool', invocation: { callId, tool: 'saw', args: { teeth: 3 }, outcome, durationMs: 5 } };
}

/** A view of a path with these bodies; their nodes are called n0, n1, and so on. */
function view(bodies: readonly NodeBody[], over: Partial<SessionView> = {}): SessionView {
  const nodes = bodies.map((body, index): SessionNode => ({
    id: `n${index}`,
    parentId: index === 0 ? null : `n${index - 1}`,
    createdAt: 0,
    body,
  }));
  return {
    sessionId: 's',
    title: 'title',
    head: {
      revision: 1,
      leaf: nodes.at(-1)?.id ?? null,
      usage: NO_USAGE,
      depth: nodes.length,
      nodeCount: nodes.length,
      bytes: 0,
    },
    window: { start: 0, nodes },
    branches: {},
    turn: null,
    queue: [],
    lastTurn: null,
    writer: 'nobody',
    damage: null,
    plugins: {},
    tasks: [],
    ...over,
  };
}

const shownIds = (of: SessionView): string[] => transcriptOf(of).messages.map(({ node }) => node.id);

describe('the messages of a transcript', () => {
  test('are what user and assistant said, in order', () => {
    const system = message({ role: 'system', parts: [said('be kind')] });
    const path = [system, user(), assistant([calls('a')]), tool('a'), plugin, assistant(), user()];
    expect(shownIds(view(path))).toEqual(['n1', 'n2', 'n5', 'n6']);
    expect(transcriptOf(view([]))).toEqual({
      messages: [],
      lastQuestion: null,
      canRegenerate: false,
      canContinue: false,
    });
  });

  test('are followed by the summary that was made behind them, which others of plugins are not', () => {
    const summary = {
      kind: 'plugin',
      pluginType: 'rolling-history.summary',
      data: { text: 'short' },
    } as const;
    const { messages } = transcriptOf(
      view([user(), assistant(), plugin, summary, user(), assistant(), plugin]),
    );
    expect(messages.map((shown) => shown.summary)).toEqual([undefined, 'short', undefined, undefined]);
  });

  test('go on with one another where they are steps of one answer', () => {
    const path = [user(), assistant([calls('a')]), tool('a'), assistant(), user(), assistant()];
    const { messages } = transcriptOf(view(path));
    expect(messages.map(({ continues, continued }) => [continues, continued])).toEqual([
      [false, false],
      [false, true],
      [true, false],
      [false, false],
      [false, false],
    ]);
  });

  test('go on with the answer that is being written, unless a question came in between', () => {
    const lastContinued = (path: readonly NodeBody[]): boolean | undefined =>
      transcriptOf(view(path, { turn: RUNNING })).messages.at(-1)?.continued;
    expect(lastContinued([user(), assistant([calls('a')]), tool('a')])).toBe(true);
    expect(lastContinued([user(), assistant(), user()])).toBe(false);
  });

  test('know their branches, and which of them is the last answer', () => {
    const point = { nodeId: 'n1', siblings: [{ nodeId: 'n1', tip: 'n1' }] };
    const { messages } = transcriptOf(view([user(), assistant(), user()], { branches: { n1: point } }));
    expect(messages.map(({ branches }) => branches)).toEqual([undefined, point, undefined]);
    expect(messages.map(({ lastAnswer }) => lastAnswer)).toEqual([false, true, false]);
  });
});

describe('a tool call of a transcript', () => {
  const callsOf = (path: readonly NodeBody[], turn: LiveTurn | null = null) =>
    transcriptOf(view(path, { turn })).messages.flatMap(({ toolCalls }) => toolCalls);
  const asked = { callId: 'a', tool: 'saw', args: { teeth: 3 } };

  test('has the outcome of its invocation', () => {
    const failure: ToolOutcome = {
      status: 'failure',
      class: 'execution',
      code: 'ToolFailed',
      retryable: false,
      message: 'blunt',
    };
    expect(
      callsOf([user(), assistant([calls('a'), calls('b')]), tool('a'), plugin, tool('b', failure)]),
    ).toEqual([
      { ...asked, outcome: success, durationMs: 5, abandoned: false },
      { ...asked, callId: 'b', outcome: failure, durationMs: 5, abandoned: false },
    ]);
  });

  test('does not take the outcome of a later call with the same id', () => {
    const path = [user(), assistant([calls('a')]), user(), assistant([calls('a')]), tool('a')];
    expect(callsOf(path)).toEqual([
      { ...asked, abandoned: true },
      { ...asked, outcome: success, durationMs: 5, abandoned: false },
    ]);
  });

  test('is running, then has the live outcome, until it is history', () => {
    const path = [user(), assistant([calls('a')])];
    expect(callsOf(path, RUNNING)).toEqual([{ ...asked, abandoned: false }]);
    expect(callsOf(path, { ...RUNNING, toolCalls: [{ ...asked, outcome: success }] })).toEqual([
      { ...asked, outcome: success, abandoned: false },
    ]);
  });

  test('says where its arguments are when they were too long', () => {
    const overflow: AttachmentRef = { id: 'x', mime: 'application/json', byteLength: 70_000 };
    const long: Part = { type: 'tool-call', callId: 'a', tool: 'saw', args: null, overflow };
    expect(callsOf([user(), assistant([long]), tool('a')])).toMatchObject([
      { args: null, longArgs: overflow },
    ]);
  });
});

describe('what may be done at the end of a conversation', () => {
  const ends: readonly {
    readonly name: string;
    readonly path: readonly NodeBody[];
    readonly can: readonly ('regenerate' | 'continue')[];
  }[] = [
    { name: 'an answer', path: [user(), assistant()], can: ['regenerate'] },
    { name: 'an answer and a plugin node', path: [user(), assistant(), plugin], can: ['regenerate'] },
    { name: 'a question', path: [user()], can: ['continue'] },
    { name: 'a second question', path: [user(), assistant(), user()], can: ['continue'] },
    {
      name: 'a stopped answer',
      path: [user(), assistant([said('an')], 'cancelled')],
      can: ['regenerate', 'continue'],
    },
    {
      name: 'an answer at its limit',
      path: [user(), assistant([said('an')], 'incomplete')],
      can: ['regenerate', 'continue'],
    },
    { name: 'a tool call', path: [user(), assistant([calls('a')])], can: ['regenerate', 'continue'] },
    {
      name: 'a tool result',
      path: [user(), assistant([calls('a')]), tool('a')],
      can: ['regenerate', 'continue'],
    },
    { name: 'an answer without a question', path: [assistant()], can: [] },
  ];

  test.each(ends)('after $name', ({ path, can }) => {
    const { canRegenerate, canContinue } = transcriptOf(view(path));
    expect({ canRegenerate, canContinue }).toEqual({
      canRegenerate: can.includes('regenerate'),
      canContinue: can.includes('continue'),
    });
  });

  test.each(ends)('is nothing while a turn runs, after $name', ({ path }) => {
    expect(transcriptOf(view(path, { turn: RUNNING }))).toMatchObject({
      canRegenerate: false,
      canContinue: false,
    });
  });

  test('is about the last question', () => {
    expect(transcriptOf(view([user(), assistant(), user(), assistant()])).lastQuestion).toBe('n2');
    expect(transcriptOf(view([assistant()])).lastQuestion).toBe(null);
  });
});
