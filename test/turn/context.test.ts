import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { PathWindow } from '../../src/core/event.ts';
import type { NodeBody, SessionNode } from '../../src/core/node.ts';
import { contextBudget, NO_SELECTION, selectContext, selectedPath } from '../../src/turn/context.ts';
import { estimateNodeTokens } from '../../src/turn/estimate.ts';

/** The kinds of nodes that a path is made of, each with a length. */
type Kind = 'question' | 'answer' | 'call' | 'result' | 'plugin';

function bodyOf(kind: Kind, length: number, callId: string): NodeBody {
  const text = 'x'.repeat(length);
  switch (kind) {
    case 'question':
      return { kind: 'conversation', message: { role: 'user', parts: [{ type: 'text', text }] } };
    case 'answer':
      return { kind: 'conversation', message: { role: 'assistant', parts: [{ type: 'text', text }] } };
    case 'call': {
      const part = { type: 'tool-call', callId, tool: 'x', args: { text } } as const;
      return { kind: 'conversation', message: { role: 'assistant', parts: [part] } };
    }
    case 'result': {
      const outcome = { status: 'success', value: text } as const;
      return { kind: 'tool', invocation: { callId, tool: 'x', args: {}, outcome, durationMs: 1 } };
    }
    case 'plugin':
      return { kind: 'plugin', pluginType: 'p', data: text };
  }
}

function pathOf(nodes: readonly (readonly [Kind, number, string?])[]): readonly SessionNode[] {
  return nodes.map(([kind, length, callId = 'c'], index): SessionNode => {
    const parentId = index === 0 ? null : `n${index - 1}`;
    return { id: `n${index}`, parentId, createdAt: 0, body: bodyOf(kind, length, callId) };
  });
}

/** What is shown of a path that is read `pageSize` nodes at a time, and how many of them were read. */
function shown(
  path: readonly SessionNode[],
  budget: number,
  pageSize = 100,
): PathWindow & { readonly read: number } {
  let selection = NO_SELECTION;
  for (let end = path.length; end > 0 && !selection.done; end -= pageSize) {
    const start = Math.max(0, end - pageSize);
    selection = selectContext(selection, { start, nodes: path.slice(start, end) }, budget, Infinity);
  }
  return { ...selectedPath(selection), read: selection.read.nodes.length };
}

const isQuestion = ({ body }: SessionNode): boolean =>
  body.kind === 'conversation' && body.message.role === 'user';
const tokensOf = (nodes: readonly SessionNode[]): number =>
  nodes.reduce((sum, node) => sum + estimateNodeTokens(node, Infinity), 0);

describe('the context of a model call', () => {
  const turn = fc
    .record({
      question: fc.nat(400),
      rounds: fc.array(fc.record({ results: fc.integer({ min: 1, max: 3 }), length: fc.nat(400) }), {
        maxLength: 3,
      }),
      answer: fc.option(fc.nat(400)),
    })
    .map(({ question, rounds, answer }) => {
      const nodes: [Kind, number, string?][] = [['question', question]];
      for (const [index, { results, length }] of rounds.entries()) {
        nodes.push(['call', length, `c${index}`]);
        for (let count = 0; count < results; count++) nodes.push(['result', length, `c${index}`]);
      }
      if (answer !== null) nodes.push(['answer', answer], ['plugin', answer]);
      return nodes;
    });
  const anyPath = fc
    .array(turn, { minLength: 1, maxLength: 8 })
    .map((turns) =>
      pathOf(
        turns.flatMap((nodes, place) =>
          nodes.map(([kind, length, callId = '']) => [kind, length, `${place} ${callId}`] as const),
        ),
      ),
    );

  it('[TU2] is the newest whole turns that fit, always the newest one, and as many as fit', () => {
    fc.assert(
      fc.property(anyPath, fc.nat(3000), fc.integer({ min: 1, max: 9 }), (all, budget, pageSize) => {
        const { start, nodes } = shown(all, budget, pageSize);
        const newest = all.findLastIndex(isQuestion);
        expect(nodes).toEqual(all.slice(start));
        expect(isQuestion(nodes[0] as SessionNode)).toBe(true);
        expect(start).toBeLessThanOrEqual(newest);
        expect(start === newest || tokensOf(nodes) <= budget).toBe(true);
        const before = all.findLastIndex((node, index) => index < start && isQuestion(node));
        expect(before === -1 || tokensOf(all.slice(before)) > budget).toBe(true);
      }),
      { seed: 20_240_601, numRuns: 500 },
    );
  });

  it('[TU2] never splits a call from its result', () => {
    fc.assert(
      fc.property(anyPath, fc.nat(3000), (path, budget) => {
        const calls = new Set<string>();
        const results = new Set<string>();
        for (const { body } of shown(path, budget).nodes) {
          if (body.kind === 'tool') results.add(body.invocation.callId);
          if (body.kind !== 'conversation') continue;
          for (const part of body.message.parts) if (part.type === 'tool-call') calls.add(part.callId);
        }
        expect(results).toEqual(calls);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it('[TU2] holds the newest turn whole, however long it is', () => {
    const path = pathOf([
      ['question', 4],
      ['answer', 4],
      ['question', 100_000],
      ['call', 100_000],
      ['result', 100_000],
    ]);
    expect(shown(path, 10)).toMatchObject({ start: 2 });
    expect(shown(path, 10).nodes).toHaveLength(3);
  });

  it('of a path without a question is all of it, and of none is nothing', () => {
    expect(
      shown(
        pathOf([
          ['plugin', 1],
          ['answer', 4],
        ]),
        1000,
      ).nodes,
    ).toHaveLength(2);
    expect(shown([], 1000)).toEqual({ start: 0, nodes: [], read: 0 });
  });

  it('[TU2] of a long path is found without reading further than one page beyond it', () => {
    const path = pathOf(Array.from({ length: 10_000 }, () => ['question', 400] as const));
    const { nodes, read } = shown(path, 140 * 20, 10);
    expect(nodes).toHaveLength(20);
    expect(read).toBeLessThanOrEqual(30);
  });

  it('leaves room for the answer and the prompt, and is never less than nothing', () => {
    expect(contextBudget(100_000, 1000)).toBe(100_000 - 4096 - 1000);
    expect(contextBudget(8000, 1000)).toBe(5000);
    expect(contextBudget(8000, 9000)).toBe(0);
  });
});
