import { describe, expect, it } from 'vitest';

import { isLashError } from '../../src/core/error.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { SessionPath } from '../../src/core/path.ts';

const usage = { inputTokens: 3, outputTokens: 2, cachedInputTokens: 1, reasoningTokens: 1 };
const say = (role: 'user' | 'assistant', text: string): NodeBody => ({
  kind: 'conversation',
  message: { role, parts: [{ type: 'text', text }] },
  ...(role === 'assistant' ? { usage } : {}),
});
const ran = (callId: string): NodeBody => ({
  kind: 'tool',
  invocation: { callId, tool: 'x', args: {}, outcome: { status: 'success', value: callId }, durationMs: 1 },
});

/** Nodes `n0`, `n1` … in one chain behind `parentId`. */
function chain(bodies: readonly NodeBody[], parentId: string | null = null, from = 0): SessionNode[] {
  return bodies.map((body, index) => ({
    id: `n${from + index}`,
    parentId: index === 0 ? parentId : `n${from + index - 1}`,
    createdAt: index,
    body,
  }));
}

const bodies = [
  say('user', 'hi'),
  say('assistant', 'let me see'),
  ran('a'),
  { kind: 'plugin', pluginType: 'notes', data: {} } as const,
  ran('b'),
  say('assistant', 'done'),
];

/** The id of the node that keeps `nodes` from following `path`. */
function misplaced(nodes: readonly SessionNode[], path: SessionPath = SessionPath.empty): string | null {
  try {
    path.append('s', nodes);
  } catch (error) {
    if (isLashError(error, 'StoredDataCorrupt') && error.data.sessionId === 's') return error.data.nodeId;
    throw error;
  }
  return 'none';
}

describe('a path', () => {
  it('[ST6] is a whole chain from a root, or StoredDataCorrupt that names the first node out of place', () => {
    const nodes = chain(bodies);
    expect(SessionPath.of('s', nodes)).toMatchObject({ length: 6, leaf: 'n5' });
    expect(misplaced(nodes.slice(1))).toBe('n1');
    expect(misplaced(nodes.toSpliced(2, 1))).toBe('n3');
    expect(misplaced(nodes.toReversed())).toBe('n5');
  });

  it('[ST6] an append that does not chain on is refused, and the path stays as it is', () => {
    const path = SessionPath.of('s', chain(bodies));
    expect(misplaced(chain([ran('c')], 'n4', 6), path)).toBe('n6');
    expect(path).toMatchObject({ length: 6, leaf: 'n5' });
    expect(path.append('s', chain([ran('c')], 'n5', 6))).toMatchObject({ length: 7, leaf: 'n6' });
    expect(path.append('s', [])).toBe(path);
  });

  it('is cut at a node of it, at nothing for null, and nowhere at a node that is not on it', () => {
    const path = SessionPath.of('s', chain(bodies));
    expect(path.upTo('n2')).toMatchObject({ length: 3, leaf: 'n2' });
    expect(path.upTo('n5')).toBe(path);
    expect(path.upTo(null)).toMatchObject({ length: 0, leaf: null });
    expect(path.upTo('other')).toBeUndefined();
    expect(path.indexOf('n3')).toBe(3);
    expect(path.indexOf('other')).toBe(-1);
  });

  it('reads as messages, tool calls and the tokens of its answers', () => {
    const path = SessionPath.of('s', chain(bodies));
    expect(path.messages().map(({ nodeId, message }) => [nodeId, message.role])).toEqual([
      ['n0', 'user'],
      ['n1', 'assistant'],
      ['n5', 'assistant'],
    ]);
    expect(path.toolCalls().map(({ nodeId, invocation }) => [nodeId, invocation.callId])).toEqual([
      ['n2', 'a'],
      ['n4', 'b'],
    ]);
    expect(path.usage()).toEqual({
      inputTokens: 6,
      outputTokens: 4,
      cachedInputTokens: 2,
      reasoningTokens: 2,
    });
    expect(SessionPath.empty.usage().inputTokens).toBe(0);
  });
});
