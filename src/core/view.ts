import type { BranchPoint } from './branch-point.ts';
import type { WireError } from './error.ts';
import type { PathWindow, SessionEvent, SessionHead, TurnActivity } from './event.ts';
import type { JsonValue } from './json.ts';
import type { SessionNode } from './node.ts';
import type { ToolOutcome } from './tool-call.ts';
import type { TurnResult } from './turn-result.ts';

/** A tool call of the running step; `outcome` is absent while it runs. */
export interface LiveToolCall {
  readonly callId: string;
  readonly tool: string;
  readonly args: JsonValue;
  readonly outcome?: ToolOutcome;
}

/** What a running turn shows that is not history yet. */
export interface LiveTurn {
  readonly turnId: string;
  readonly step: number;
  readonly correlationId: string | null;
  readonly text: string;
  readonly reasoning: string;
  readonly toolCalls: readonly LiveToolCall[];
  /** Set while the turn waits before it makes a model call again. */
  readonly retry: { readonly attempt: number; readonly waitMs: number; readonly error: WireError } | null;
}

/**
 * What a page shows of a session: the newest part of the active path, the running turn, and how the last one ended.
 * Immutable; every part keeps its identity while it does not change.
 */
export interface SessionView {
  readonly sessionId: string;
  readonly title: string;
  readonly head: SessionHead;
  readonly window: PathWindow;
  /** Per node of the window that has siblings. */
  readonly branches: Readonly<Record<string, BranchPoint>>;
  readonly turn: LiveTurn | null;
  readonly lastTurn: { readonly turnId: string; readonly result: TurnResult } | null;
}

/** How many nodes a view's window holds before its oldest ones are dropped again (law RE2). */
export const VIEW_WINDOW = 400;

/** The view after `event`; `view` itself when the event changes nothing that a page shows. */
export function reduceView(view: SessionView, event: SessionEvent): SessionView {
  switch (event.type) {
    case 'nodes-committed':
      return moved(view, event.head, {
        start: view.window.start,
        nodes: [...view.window.nodes, ...event.nodes],
      });
    case 'head-changed':
      return { ...view, head: event.head };
    case 'path-changed':
      return moved({ ...view, branches: indexBranches(event.branches) }, event.head, event.window);
    case 'title-changed':
      return event.title === view.title ? view : { ...view, title: event.title };
    case 'turn-finished':
      return { ...view, turn: null, lastTurn: { turnId: event.turnId, result: event.result } };
    default: {
      const turn = reduceTurn(view.turn, event);
      return turn === view.turn ? view : { ...view, turn };
    }
  }
}

/** The view with older nodes in front of its window. They stay until the window is trimmed by new ones. */
export function prependOlder(
  view: SessionView,
  older: PathWindow,
  branches: readonly BranchPoint[],
): SessionView {
  if (older.nodes.length === 0 || older.start + older.nodes.length !== view.window.start) return view;
  return {
    ...view,
    window: { start: older.start, nodes: [...older.nodes, ...view.window.nodes] },
    branches: { ...view.branches, ...indexBranches(branches) },
  };
}

/** Branch points by the id of the node on the path. */
export function indexBranches(branches: readonly BranchPoint[]): Readonly<Record<string, BranchPoint>> {
  return Object.fromEntries(branches.map((point) => [point.nodeId, point]));
}

/** The view with the newest part of `window`, and nothing kept of the nodes that are not in it. */
function moved(view: SessionView, head: SessionHead, window: PathWindow): SessionView {
  const excess = window.nodes.length - VIEW_WINDOW;
  const turn = view.turn === null ? null : settle(view.turn);
  if (excess <= 0) return { ...view, head, window, turn };
  const nodes = window.nodes.slice(excess);
  const branches = pick(view.branches, nodes);
  return { ...view, head, window: { start: window.start + excess, nodes }, branches, turn };
}

function pick(branches: SessionView['branches'], nodes: readonly SessionNode[]): SessionView['branches'] {
  const points = nodes.flatMap(({ id }) => branches[id] ?? []);
  return points.length === Object.keys(branches).length ? branches : indexBranches(points);
}

function reduceTurn(turn: LiveTurn | null, event: TurnActivity): LiveTurn | null {
  if (event.type === 'turn-started') return newTurn(event.turnId);
  if (turn === null || event.turnId !== turn.turnId) return turn;
  switch (event.type) {
    case 'step-started':
      return { ...turn, step: event.step, correlationId: event.correlationId, retry: null };
    case 'text-delta':
      return event.correlationId === turn.correlationId ? { ...turn, text: turn.text + event.text } : turn;
    case 'reasoning-delta':
      return event.correlationId === turn.correlationId
        ? { ...turn, reasoning: turn.reasoning + event.text }
        : turn;
    case 'attempt-withdrawn':
      return event.correlationId === turn.correlationId && (turn.text !== '' || turn.reasoning !== '')
        ? { ...turn, text: '', reasoning: '' }
        : turn;
    case 'retry-scheduled':
      return { ...turn, retry: { attempt: event.attempt, waitMs: event.waitMs, error: event.error } };
    case 'tool-started': {
      const { callId, tool, args } = event;
      return { ...turn, toolCalls: [...turn.toolCalls, { callId, tool, args }] };
    }
    case 'tool-completed': {
      const at = turn.toolCalls.findIndex(({ callId }) => callId === event.callId);
      const call = turn.toolCalls[at];
      if (call === undefined) return turn;
      return { ...turn, toolCalls: turn.toolCalls.with(at, { ...call, outcome: event.outcome }) };
    }
    default:
      return turn;
  }
}

function newTurn(turnId: string): LiveTurn {
  return { turnId, step: 0, correlationId: null, text: '', reasoning: '', toolCalls: [], retry: null };
}

/** What streamed is history now: the committed nodes show it. */
function settle(turn: LiveTurn): LiveTurn {
  const { text, reasoning, toolCalls, retry } = turn;
  if (text === '' && reasoning === '' && toolCalls.length === 0 && retry === null) return turn;
  return { ...turn, text: '', reasoning: '', toolCalls: [], retry: null };
}
