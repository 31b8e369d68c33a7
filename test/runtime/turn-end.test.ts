import { expect, it } from 'vitest';

import type { Message } from '../../src/core/message.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { endOfTurn } from '../../src/runtime/tabs/turn-end.ts';

const usage = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 0, reasoningTokens: 0 };
const asked: NodeBody = {
  kind: 'conversation',
  turnId: 't',
  message: { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
};
const said = (status: NonNullable<Message['status']>, ...parts: Message['parts']): NodeBody => ({
  kind: 'conversation',
  turnId: 't',
  usage,
  message: { role: 'assistant', parts: [{ type: 'text', text: 'so' }, ...parts], status },
});
const called = said('complete', { type: 'tool-call', callId: 'c', tool: 'look', args: {} });
const looked: NodeBody = {
  kind: 'tool',
  turnId: 't',
  invocation: {
    callId: 'c',
    tool: 'look',
    args: {},
    outcome: { status: 'success', value: 1 },
    durationMs: 1,
  },
};
const later: NodeBody = { ...asked, turnId: 'u' };
const note: NodeBody = { kind: 'plugin', pluginType: 'note', data: null };

const nodesOf = (...bodies: readonly NodeBody[]): SessionNode[] =>
  bodies.map((body, at) => ({ id: `n${at}`, parentId: at === 0 ? null : `n${at - 1}`, createdAt: 0, body }));

it.each([
  ['an answer', [asked, called, looked, said('complete'), note, later], 'completed', 'assistant_message', 3],
  ['an answer that was stopped', [asked, said('cancelled')], 'cancelled', 'cancelled', 1],
  ['an answer that was cut off', [asked, said('incomplete'), later], 'failed', 'incomplete', 1],
  ['a question alone', [later, asked, note], 'failed', 'runtime_error', 1],
  ['tools without an answer', [asked, called, looked], 'failed', 'runtime_error', 2],
  ['calls that did not run', [asked, called], 'failed', 'runtime_error', 1],
] as const)('[FO5] a turn that committed %s ended so', (_, bodies, status, reason, leaf) => {
  const end = endOfTurn('t', nodesOf(...bodies), 'head');
  expect(end).toMatchObject({ status, reason, leaf: `n${leaf}` });
  expect(end.error?.code).toBe(
    { incomplete: 'OutputLimitReached', runtime_error: 'WorkerLost' }[reason as string],
  );
  const answers = bodies.filter((body) => body.kind === 'conversation' && body.usage !== undefined).length;
  expect(end.usage.inputTokens).toBe(answers * usage.inputTokens);
});

it('[FO5] of a turn that committed nothing, only that it is over is known', () => {
  const end = endOfTurn('t', nodesOf(later, note), 'head');
  expect(end).toMatchObject({ status: 'failed', leaf: 'head', error: { code: 'WorkerLost' } });
});
