import { describe, expect, it } from 'vitest';

import { isLashError } from '../../src/core/error.ts';
import type { PathWindow } from '../../src/core/event.ts';
import type { JsonValue } from '../../src/core/json.ts';
import { nodeBytes, totalBytes } from '../../src/core/node-bytes.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { SessionPath } from '../../src/core/path.ts';

const say = (role: 'user' | 'assistant', text: string): NodeBody => ({
  kind: 'conversation',
  message: { role, parts: [{ type: 'text', text }] },
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

/** The path that these nodes are, or the newest part of, when `start` nodes lie before them. */
function pathOf(nodes: readonly SessionNode[], start = 0): SessionPath {
  const end = { leaf: nodes.at(-1)?.id ?? null, depth: start + nodes.length };
  return SessionPath.of('s', end, { start, nodes });
}

/** The id of the node that `work` finds out of place. */
function misplaced(work: () => unknown): string | null {
  try {
    work();
  } catch (error) {
    if (isLashError(error, 'StoredDataCorrupt') && error.data.sessionId === 's') return error.data.nodeId;
    throw error;
  }
  return 'none';
}

describe('a path', () => {
  const nodes = chain(bodies);
  const whole = pathOf(nodes);
  const part = pathOf(nodes.slice(2), 2);

  it('[ST6] is a whole chain from a root, or StoredDataCorrupt that names the first node out of place', () => {
    expect(whole).toMatchObject({ depth: 6, leaf: 'n5', start: 0 });
    expect(misplaced(() => pathOf(nodes.slice(1)))).toBe('n1');
    expect(misplaced(() => pathOf(nodes.toSpliced(2, 1)))).toBe('n3');
    expect(misplaced(() => pathOf(nodes.toReversed()))).toBe('n5');
  });

  it('[ST6] of which a part is held is a chain too, and ends where the head says', () => {
    expect(part).toMatchObject({ depth: 6, leaf: 'n5', start: 2 });
    expect(misplaced(() => pathOf(nodes.toSpliced(3, 1).slice(2), 2))).toBe('n4');
    const ends = (leaf: string | null, depth: number): string | null =>
      misplaced(() => SessionPath.of('s', { leaf, depth }, { start: 2, nodes: nodes.slice(2) }));
    expect(ends('n5', 6)).toBe('none');
    expect(ends('n5', 7)).toBe('n5');
    expect(ends('n4', 6)).toBe('n4');
    expect(misplaced(() => SessionPath.of('s', { leaf: 'n5', depth: 6 }, { start: 0, nodes: [] }))).toBe(
      'n5',
    );
  });

  it('[ST6] an append that does not chain on is refused, and the path stays as it is', () => {
    expect(misplaced(() => whole.append('s', chain([ran('c')], 'n4', 6)))).toBe('n6');
    expect(whole).toMatchObject({ depth: 6, leaf: 'n5' });
    expect(whole.append('s', chain([ran('c')], 'n5', 6))).toMatchObject({ depth: 7, leaf: 'n6' });
    expect(whole.append('s', [])).toBe(whole);
    const unread = SessionPath.unread('n5', 6).append('s', chain([ran('c')], 'n5', 6));
    expect(unread).toMatchObject({ depth: 7, start: 6, leaf: 'n6' });
  });

  it('takes the nodes right before those that are held, and no others', () => {
    const older = (start: number, end: number): PathWindow => ({ start, nodes: nodes.slice(start, end) });
    expect([...part.prepend('s', older(0, 2)).nodes]).toEqual(nodes);
    expect(part.prepend('s', older(1, 2))).toMatchObject({ start: 1, depth: 6, leaf: 'n5' });
    expect(misplaced(() => part.prepend('s', older(0, 1)))).toBe('n2');
  });

  it('is cut at a node that is held, at nothing for null, and nowhere at any other node', () => {
    expect(whole.upTo('n2')).toMatchObject({ depth: 3, leaf: 'n2', bytes: pathOf(nodes.slice(0, 3)).bytes });
    expect(whole.upTo('n5')).toBe(whole);
    expect(whole.upTo(null)).toMatchObject({ depth: 0, leaf: null });
    expect(whole.upTo('other')).toBeUndefined();
    expect(part.upTo('n2')).toMatchObject({ depth: 3, leaf: 'n2', start: 2 });
    expect(part.upTo('n1')).toBeUndefined();
    expect(SessionPath.unread('n5', 6).upTo('n5')).toMatchObject({ depth: 6 });
  });

  it('tells what lies behind a node, and undefined where that is not known', () => {
    const ids = (path: SessionPath, nodeId: string | null): unknown =>
      path.behind(nodeId)?.map(({ id }) => id);
    expect(ids(part, 'n5')).toEqual([]);
    expect(ids(part, 'n3')).toEqual(['n4', 'n5']);
    expect(ids(part, 'n1')).toEqual(['n2', 'n3', 'n4', 'n5']);
    expect(ids(part, 'n0')).toBeUndefined();
    expect(ids(part, null)).toBeUndefined();
    expect(ids(whole, null)).toHaveLength(6);
    expect(ids(SessionPath.empty, null)).toEqual([]);
    expect(ids(SessionPath.empty, 'n0')).toBeUndefined();
    expect(part.node('n3')).toBe(nodes[3]);
    expect(part.node('n1')).toBeUndefined();
  });

  it('[RE2] keeps the newest nodes that fit a number of bytes, down to none', () => {
    for (let kept = 0; kept <= nodes.length; kept++) {
      const bytes = totalBytes(nodes.slice(kept));
      const cut = whole.keepNewest(bytes);
      expect(cut).toMatchObject({ start: kept, bytes, depth: 6, leaf: 'n5' });
      expect([...cut.nodes]).toEqual(nodes.slice(kept));
      expect(whole.keepNewest(bytes - 1).start).toBe(Math.min(kept + 1, nodes.length));
    }
    expect(whole.keepNewest(Infinity)).toBe(whole);
  });

  it('tells how much of it another one shares, as far as what both hold tells', () => {
    const other = chain([ran('c'), ran('d')], 'n3', 7);
    const turned = pathOf([...nodes.slice(0, 4), ...other]);
    expect(whole.sharedWith(turned)).toBe(4);
    expect(turned.sharedWith(whole)).toBe(4);
    expect(whole.sharedWith(whole)).toBe(6);
    expect(whole.sharedWith(part)).toBe(6);
    expect(whole.sharedWith(pathOf(nodes.slice(0, 3)))).toBe(3);
    expect(whole.sharedWith(pathOf(other, 4))).toBe(4);
    expect(part.sharedWith(pathOf(chain([ran('c')], 'n0', 9), 1))).toBe(0);
    expect(whole.sharedWith(SessionPath.empty)).toBe(0);
    expect(whole.sharedWith(SessionPath.unread('n3', 4))).toBe(4);
  });

  it('shows a window of what is held', () => {
    expect(part.window(6, 2)).toEqual({ start: 4, nodes: nodes.slice(4) });
    expect(part.window(4, 9)).toEqual({ start: 2, nodes: nodes.slice(2, 4) });
    expect(part.window(2, 9)).toEqual({ start: 2, nodes: [] });
    expect(part.window(99, 9)).toEqual({ start: 2, nodes: nodes.slice(2) });
  });
});

describe('the bytes of a node', () => {
  const bytesOf = (data: JsonValue): number =>
    nodeBytes({ id: 'n', parentId: null, createdAt: 0, body: { kind: 'plugin', pluginType: 'p', data } });

  it('[RE2] are two per unit of any text and key, wherever it lies, and something for every value', () => {
    const empty = bytesOf('');
    expect(bytesOf('x'.repeat(1000))).toBe(empty + 2000);
    expect(bytesOf('ä😀'.repeat(100))).toBe(empty + 600);
    expect(bytesOf({ deep: [{ ['k'.repeat(500)]: 'x'.repeat(500) }] })).toBeGreaterThan(empty + 2000);
    expect(bytesOf(Array.from({ length: 1000 }, () => 1))).toBeGreaterThanOrEqual(empty + 8000);
    expect(bytesOf(Array.from({ length: 1000 }, () => ({})))).toBeGreaterThanOrEqual(empty + 30_000);
  });
});
