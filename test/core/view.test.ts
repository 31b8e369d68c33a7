import { describe, expect, it } from 'vitest';

import type { BranchPoint } from '../../src/core/branch-point.ts';
import { describeError } from '../../src/core/error.ts';
import type { SessionEvent, SessionHead, TurnActivity } from '../../src/core/event.ts';
import type { LiveTurn } from '../../src/core/live-turn.ts';
import type { SessionNode } from '../../src/core/node.ts';
import { VIEW_BYTES, VIEW_WINDOW } from '../../src/core/path-window.ts';
import type { TurnResult } from '../../src/core/turn-result.ts';
import { NO_USAGE } from '../../src/core/usage.ts';
import {
  prependOlder,
  reduceView,
  reduceViewWithin,
  type SessionView,
  showNewest,
} from '../../src/core/view.ts';

const head = (revision: number, depth = 0): SessionHead => ({
  revision,
  leaf: depth === 0 ? null : `n${depth - 1}`,
  usage: NO_USAGE,
  depth,
  nodeCount: 0,
  bytes: 0,
});
const nodes = (count: number, from = 0, data = ''): SessionNode[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `n${from + index}`,
    parentId: from + index === 0 ? null : `n${from + index - 1}`,
    createdAt: 0,
    body: { kind: 'plugin', pluginType: 'p', data },
  }));
const ids = ({ window }: SessionView): (string | undefined)[] => [
  window.nodes[0]?.id,
  window.nodes.at(-1)?.id,
];
const point = (nodeId: string): BranchPoint => ({
  nodeId,
  siblings: [
    { nodeId, tip: nodeId },
    { nodeId: `${nodeId}'`, tip: `${nodeId}'` },
  ],
});
const empty: SessionView = {
  sessionId: 's',
  title: 'title',
  head: head(0),
  window: { start: 0, nodes: [] },
  branches: {},
  turn: null,
  queue: [],
  lastTurn: null,
  writer: 'nobody',
  damage: null,
  plugins: {},
  tasks: [],
};
const after = (view: SessionView, ...events: SessionEvent[]): SessionView => events.reduce(reduceView, view);

const turnId = 't';
const step = (correlationId: string, attempt = 1): TurnActivity => ({
  type: 'step-started',
  turnId,
  step: 0,
  attempt,
  correlationId,
});
const delta = (correlationId: string, text: string): TurnActivity => ({
  type: 'text-delta',
  turnId,
  correlationId,
  text,
});
const thought = (correlationId: string, text: string): TurnActivity => ({
  type: 'reasoning-delta',
  turnId,
  correlationId,
  text,
});
const started: TurnActivity = { type: 'turn-started', turnId };
const committed = (count: number, from = 0): SessionEvent => ({
  type: 'nodes-committed',
  head: head(1, from + count),
  nodes: nodes(count, from),
});
const result: TurnResult = { status: 'completed', reason: 'assistant_message', leaf: 'x', usage: NO_USAGE };

describe('a view keeps its identity', () => {
  const running = after(empty, started, step('c'));
  const unchanged: [string, SessionView, SessionEvent][] = [
    [
      'counted usage',
      running,
      { type: 'usage-counted', turnId, step: 0, usage: NO_USAGE, cumulative: NO_USAGE },
    ],
    ['accepted input', running, { type: 'input-accepted', turnId, leaf: null }],
    ['a delta of another attempt', running, delta('old', 'x')],
    ['a delta of another turn', running, { ...delta('c', 'x'), turnId: 'other' }],
    ['a delta without a turn', empty, delta('c', 'x')],
    [
      'an attempt withdrawn that showed nothing',
      running,
      { type: 'attempt-withdrawn', turnId, correlationId: 'c' },
    ],
    [
      'a result of a call that is not shown',
      running,
      {
        type: 'tool-completed',
        turnId,
        callId: 'a',
        tool: 'x',
        outcome: { status: 'success', value: 1 },
        durationMs: 1,
      },
    ],
    ['the same title', empty, { type: 'title-changed', title: 'title' }],
  ];
  it.each(unchanged)('after %s', (_, view, event) => {
    expect(reduceView(view, event)).toBe(view);
  });

  it('in the parts that an event does not touch', () => {
    const view = after({ ...empty, branches: { n0: point('n0') } }, committed(3), started, step('c'));
    const texted = reduceView(view, delta('c', 'x'));
    expect(texted.window).toBe(view.window);
    expect(texted.branches).toBe(view.branches);
    expect(texted.head).toBe(view.head);
    const grown = reduceView(view, committed(1, 3));
    expect(grown.branches['n0']?.siblings[1]).toBe(view.branches['n0']?.siblings[1]);
    expect(grown.turn).toBe(view.turn);
    expect(reduceView(view, { type: 'head-changed', head: head(9) }).window).toBe(view.window);
  });
});

describe('a running turn in the view', () => {
  it('shows text and reasoning of the present attempt as they come', () => {
    const view = after(empty, started, step('c'), thought('c', 'hm'), delta('c', 'Hel'), delta('c', 'lo'));
    expect(view.turn).toMatchObject({ turnId, text: 'Hello', reasoning: 'hm', correlationId: 'c' });
  });

  it('[TU7] takes back the text of an attempt that is withdrawn, and shows the wait until the next one', () => {
    const error = describeError('ProviderUnavailable', 'no answer', {});
    const waiting = after(
      empty,
      started,
      step('c1'),
      delta('c1', 'wro'),
      thought('c1', 'hm'),
      { type: 'attempt-withdrawn', turnId, correlationId: 'c1' },
      { type: 'retry-scheduled', turnId, attempt: 2, maxAttempts: 4, waitMs: 5, error },
    );
    expect(waiting.turn).toMatchObject({ text: '', reasoning: '', retry: { attempt: 2, waitMs: 5, error } });
    const again = after(waiting, step('c2', 2), delta('c1', 'late'), delta('c2', 'right'));
    expect(again.turn).toMatchObject({ text: 'right', retry: null, waits: [], interrupted: false });
  });

  it('shows tool calls with their outcomes, and settles all of it once it is committed', () => {
    const outcome = { status: 'success', value: 1 } as const;
    const view = after(
      empty,
      started,
      step('c'),
      delta('c', 'let me see'),
      { type: 'tool-started', turnId, callId: 'a', tool: 'x', args: {} },
      { type: 'tool-started', turnId, callId: 'b', tool: 'y', args: {} },
      { type: 'tool-completed', turnId, callId: 'b', tool: 'y', outcome, durationMs: 1 },
    );
    expect(view.turn?.toolCalls).toEqual([
      { callId: 'a', tool: 'x', args: {} },
      { callId: 'b', tool: 'y', args: {}, outcome },
    ]);
    const settled = reduceView(view, committed(3));
    expect(settled.turn).toMatchObject({ turnId, text: '', toolCalls: [] });
    expect(settled.window.nodes).toHaveLength(3);
  });

  it('keeps what was warned of in it, also once it is over', () => {
    const warned = (message: string): SessionEvent => ({ type: 'warning', turnId, message });
    const view = after(empty, started, warned('a'), step('c'), warned('b'));
    expect(view.turn?.warnings).toEqual(['a', 'b']);
    const ended = reduceView(view, { type: 'turn-finished', turnId, result });
    expect(ended.lastTurn).toEqual({ turnId, result, warnings: ['a', 'b'] });
    expect(after(ended, started).turn?.warnings).toEqual([]);
  });

  it('is gone after its end, and how it ended is kept', () => {
    const view = after(empty, started, step('c'), delta('c', 'x'), { type: 'turn-finished', turnId, result });
    expect(view).toMatchObject({ turn: null, lastTurn: { turnId, result } });
  });
});

describe('a branch point on the path', () => {
  it('leads to what was written below it last, as the path grows; its other branches stay as they are', () => {
    const view = after({ ...empty, branches: { n1: point('n1') } }, committed(3), committed(2, 3));
    expect(view.branches['n1']?.siblings).toEqual([
      { nodeId: 'n1', tip: 'n4' },
      { nodeId: "n1'", tip: "n1'" },
    ]);
  });
});

describe('the window of a view', () => {
  it('[RE2] holds at most VIEW_WINDOW nodes, the newest ones, and no branch point of another node', () => {
    const branches = { n0: point('n0'), n399: point('n399') };
    const full = after(empty, committed(VIEW_WINDOW));
    const view = after({ ...full, branches }, committed(10, VIEW_WINDOW));
    expect(view.window).toMatchObject({ start: 10 });
    expect(view.window.nodes).toHaveLength(VIEW_WINDOW);
    expect(view.window.nodes.at(-1)?.id).toBe(`n${VIEW_WINDOW + 9}`);
    expect(Object.keys(view.branches)).toEqual(['n399']);
  });

  it('[RE2] holds at most VIEW_BYTES, the newest nodes, and the newest one whatever it takes', () => {
    const quarter = 'x'.repeat(VIEW_BYTES / 8);
    const large = (count: number, from: number): SessionEvent => ({
      type: 'nodes-committed',
      head: head(1, from + count),
      nodes: nodes(count, from, quarter),
    });
    const view = after(empty, committed(5), large(3, 5), large(2, 8));
    expect(ids(view)).toEqual(['n7', 'n9']);
    expect(view.window.start).toBe(7);
    const huge = nodes(1, 10, quarter.repeat(9));
    const last = after(view, { type: 'nodes-committed', head: head(1, 11), nodes: huge });
    expect(ids(last)).toEqual(['n10', 'n10']);
    const strict = { maxBytes: 100, atLeast: 0 } as const;
    const none = reduceViewWithin(strict, view, { type: 'nodes-committed', head: head(1, 11), nodes: huge });
    expect(none.window).toEqual({ start: 11, nodes: [] });
  });

  it('[RE2] slides: older nodes push the newest ones out, and what is committed then only moves the head', () => {
    const full = after({ ...empty, branches: {} }, committed(VIEW_WINDOW, 0), committed(200, VIEW_WINDOW));
    expect(full.window.start).toBe(200);
    const up = prependOlder(
      { ...full, branches: { n599: point('n599') } },
      { start: 100, nodes: nodes(100, 100) },
      [point('n150')],
    );
    expect(ids(up)).toEqual(['n100', 'n499']);
    expect(Object.keys(up.branches)).toEqual(['n150']);
    const later = after(up, started, step('c'), delta('c', 'hello'), committed(2, 600));
    expect(later.window).toBe(up.window);
    expect(later.head.depth).toBe(602);
    expect(later.turn?.text).toBe('');
    const newest = { start: 502, nodes: nodes(100, 502) };
    expect(showNewest(later, { start: 500, nodes: nodes(100, 500) }, [])).toBe(later);
    const down = showNewest(later, newest, [point('n600')]);
    expect(ids(down)).toEqual(['n502', 'n601']);
    expect(Object.keys(down.branches)).toEqual(['n600']);
    expect(ids(after(down, committed(1, 602)))).toEqual(['n502', 'n602']);
  });

  it('[RE2] takes of older nodes that are too many those right before it', () => {
    const view: SessionView = { ...empty, head: head(1, 603), window: { start: 600, nodes: nodes(3, 600) } };
    const up = prependOlder(view, { start: 100, nodes: nodes(500, 100) }, []);
    expect(ids(up)).toEqual(['n200', 'n599']);
    expect(up.window.start).toBe(200);
  });

  it('is replaced, with its branch points, when the path is another one', () => {
    const view = after({ ...empty, branches: { n0: point('n0') } }, committed(5), {
      type: 'path-changed',
      head: head(2),
      kept: 0,
      window: { start: 7, nodes: nodes(2, 7) },
      branches: [point('n8')],
    });
    expect(view).toMatchObject({ head: head(2), window: { start: 7 }, branches: { n8: point('n8') } });
    expect(Object.keys(view.branches)).toEqual(['n8']);
  });

  it('stays where nodes on the path only lost or got siblings, with what streams and what else did not change', () => {
    const shown = after(
      { ...empty, branches: { n2: point('n2'), n3: point('n3'), n5: point('n5') } },
      started,
      committed(6),
      step('c'),
      delta('c', 'hello'),
    );
    const gone = after(shown, { type: 'branches-changed', start: 3, branches: [point('n4')] });
    expect(Object.keys(gone.branches)).toEqual(['n2', 'n4']);
    expect(gone).toMatchObject({ turn: { text: 'hello' }, head: shown.head });
    expect(gone.window).toBe(shown.window);
    const again: SessionEvent = { type: 'branches-changed', start: 3, branches: [point('n4')] };
    expect(after(gone, structuredClone(again))).toBe(gone);
    const below: SessionEvent = { type: 'branches-changed', start: 9, branches: [point('n9')] };
    expect(after(gone, below)).toBe(gone);
  });

  /** The path of `depth` nodes of which the first `kept` are n0, n1 and so on; its newest nodes from `start` on. */
  const turnedOff = (kept: number, start: number, depth: number): SessionEvent => {
    const window = {
      start,
      nodes: nodes(depth - start, start).map((node, at) =>
        start + at < kept ? node : { ...node, id: `${node.id}'` },
      ),
    };
    const at = { ...head(9, depth), leaf: `n${depth - 1}'` };
    return { type: 'path-changed', head: at, kept, window, branches: [point(`n${kept}'`)] };
  };

  it('keeps in front of another path what is on it as well, and what a reader had read there', () => {
    const shown = after({ ...empty, branches: { n1: point('n1'), n7: point('n7') } }, committed(10));
    const view = after(shown, turnedOff(8, 5, 12));
    expect(view.window.nodes.map(({ id }) => id).join(' ')).toBe("n0 n1 n2 n3 n4 n5 n6 n7 n8' n9' n10' n11'");
    expect(view.window.start).toBe(0);
    expect(Object.keys(view.branches)).toEqual(['n1', "n8'"]);
    const apart = after(shown, turnedOff(3, 5, 12));
    expect(apart.window.start).toBe(5);
    expect(apart.window.nodes).toHaveLength(7);
  });

  it('stays where it is, when a reader is far up and all of it is on the other path too', () => {
    const shown = after(empty, committed(600));
    const up = prependOlder(shown, { start: 0, nodes: nodes(200) }, [point('n150')]);
    expect(ids(up)).toEqual(['n0', 'n399']);
    const view = after(up, turnedOff(590, 500, 600));
    expect(view.window).toBe(up.window);
    expect(view.branches).toBe(up.branches);
    expect(view.head.leaf).toBe("n599'");
    const cut = after(up, turnedOff(300, 250, 350));
    expect(ids(cut)).toEqual(['n0', "n349'"]);
    expect(ids(after(up, turnedOff(300, 400, 500)))).toEqual(["n400'", "n499'"]);
  });

  it('takes older nodes that lie right before it, and no others', () => {
    const view: SessionView = {
      ...empty,
      window: { start: 10, nodes: nodes(3, 10) },
      branches: { n11: point('n11') },
    };
    const grown = prependOlder(view, { start: 5, nodes: nodes(5, 5) }, [point('n6')]);
    expect(grown.window.start).toBe(5);
    expect(grown.window.nodes.map(({ id }) => id)).toEqual(nodes(8, 5).map(({ id }) => id));
    expect(grown.branches).toEqual({ n6: point('n6'), n11: point('n11') });
    expect(prependOlder(view, { start: 4, nodes: nodes(5, 4) }, [])).toBe(view);
    expect(prependOlder(view, { start: 10, nodes: [] }, [])).toBe(view);
    const elsewhere = nodes(5, 5).map((node) => ({ ...node, id: `other ${node.id}` }));
    expect(prependOlder(view, { start: 5, nodes: elsewhere }, [])).toBe(view);
    const bare: SessionView = { ...view, head: head(1, 10), window: { start: 10, nodes: [] } };
    expect(prependOlder(bare, { start: 5, nodes: nodes(5, 5) }, []).window.start).toBe(5);
  });
});

describe('the view of a session that other tabs share', () => {
  it('shows who writes, and keeps its identity while that stays the same', () => {
    const view = after(empty, { type: 'writer-changed', writer: 'elsewhere' });
    expect(view).toEqual({ ...empty, writer: 'elsewhere' });
    expect(after(view, { type: 'writer-changed', writer: 'elsewhere' })).toBe(view);
  });

  it('shows a turn that runs elsewhere from where it is, and goes on with it', () => {
    const turn: LiveTurn = {
      turnId,
      step: 2,
      correlationId: 'c',
      text: 'so far',
      reasoning: '',
      toolCalls: [],
      retry: null,
      waits: [],
      warnings: [],
      interrupted: false,
    };
    const delta: SessionEvent = { type: 'text-delta', turnId, correlationId: 'c', text: ', and on' };
    const view = after(empty, { type: 'turn-joined', turn }, delta);
    expect(view.turn).toEqual({ ...turn, text: 'so far, and on' });
    expect(after(view, { type: 'session-deleted' }).turn).toBeNull();
    expect(after(empty, { type: 'session-deleted' })).toBe(empty);
  });
});
