import type { BranchPoint } from './branch-point.ts';
import type { PathWindow, SessionEvent, SessionHead, SessionWriter, TurnActivity } from './event.ts';
import type { LiveTurn } from './live-turn.ts';
import type { SessionNode } from './node.ts';
import { newestOf, oldestOf, PAGE_BOUNDS, type WindowBounds } from './path-window.ts';
import type { PendingTurn } from './pending-turn.ts';
import type { TurnResult } from './turn-result.ts';

/** What ends the part of a path that can be read. `nodeId` is the node that cannot, if it has a name. */
export interface PathDamage {
  readonly nodeId: string | null;
  readonly reason: string;
}

/**
 * What a page shows of a session: a part of the active path, the running turn, and how the last one ended. The part is
 * the newest one until older nodes were put in front of it and pushed the newest ones out; it ends with the leaf if
 * `window.start + window.nodes.length` is `head.depth`. Immutable; every part keeps its identity while it does not change.
 */
export interface SessionView {
  readonly sessionId: string;
  readonly title: string;
  readonly head: SessionHead;
  readonly window: PathWindow;
  /** Per node of the window that has siblings. */
  readonly branches: Readonly<Record<string, BranchPoint>>;
  readonly turn: LiveTurn | null;
  /** Inputs that wait for their turn, in their order. */
  readonly queue: readonly PendingTurn[];
  readonly lastTurn: { readonly turnId: string; readonly result: TurnResult } | null;
  /** Who may write now, as far as this tab knows. Whoever does not yet write takes the lease first, or fails to. */
  readonly writer: SessionWriter;
  /** Set when what is shown is only the part of the path before something that cannot be read (law ST6). */
  readonly damage: PathDamage | null;
}

/** The view after `event`; `view` itself when the event changes nothing that a page shows. */
export function reduceView(view: SessionView, event: SessionEvent): SessionView {
  return reduceViewWithin(PAGE_BOUNDS, view, event);
}

/** The view after `event`, as {@link reduceView} makes it, with other bounds of its window. */
export function reduceViewWithin(bounds: WindowBounds, view: SessionView, event: SessionEvent): SessionView {
  switch (event.type) {
    case 'nodes-committed': {
      const { head, nodes } = event;
      const { start, nodes: shown } = view.window;
      const atEnd = start + shown.length === head.depth - nodes.length;
      const window = atEnd ? newestOf({ start, nodes: [...shown, ...nodes] }, bounds) : view.window;
      return showWindow({ ...view, head, turn: settle(view.turn) }, window, view.branches);
    }
    case 'head-changed':
      return { ...view, head: event.head };
    case 'path-changed': {
      const { head, branches } = event;
      // To the same leaf, siblings came or went: what streams is no history yet.
      const turn = head.leaf === view.head.leaf ? view.turn : settle(view.turn);
      return showWindow({ ...view, head, turn }, newestOf(event.window, bounds), indexBranches(branches));
    }
    case 'title-changed':
      return event.title === view.title ? view : { ...view, title: event.title };
    case 'writer-changed':
      return event.writer === view.writer ? view : { ...view, writer: event.writer };
    case 'queue-changed':
      return view.queue.length === 0 && event.queue.length === 0 ? view : { ...view, queue: event.queue };
    case 'turn-joined':
      return { ...view, turn: event.turn };
    case 'session-deleted':
      return view.turn === null ? view : { ...view, turn: null };
    case 'turn-finished':
      return { ...view, turn: null, lastTurn: { turnId: event.turnId, result: event.result } };
    default: {
      const turn = reduceTurn(view.turn, event);
      return turn === view.turn ? view : { ...view, turn };
    }
  }
}

/** The view with older nodes in front of its window, which lets go of its newest ones when it would grow too long. */
export function prependOlder(
  view: SessionView,
  older: PathWindow,
  branches: readonly BranchPoint[],
): SessionView {
  const { nodes } = view.window;
  // The path may have become another one since they were asked for.
  const before = nodes[0] === undefined ? view.head.leaf : nodes[0].parentId;
  if (older.nodes.at(-1)?.id !== before) return view;
  const added = newestOf(older, PAGE_BOUNDS);
  const window = oldestOf({ start: added.start, nodes: [...added.nodes, ...nodes] }, PAGE_BOUNDS);
  return showWindow(view, window, { ...view.branches, ...indexBranches(branches) });
}

/** The view with the newest nodes of the path, if `newest` ends with its leaf; else the view itself. */
export function showNewest(
  view: SessionView,
  newest: PathWindow,
  branches: readonly BranchPoint[],
): SessionView {
  if ((newest.nodes.at(-1)?.id ?? null) !== view.head.leaf) return view;
  return showWindow(view, newestOf(newest, PAGE_BOUNDS), indexBranches(branches));
}

/** Branch points by the id of the node on the path. */
export function indexBranches(branches: readonly BranchPoint[]): Readonly<Record<string, BranchPoint>> {
  return Object.fromEntries(branches.map((point) => [point.nodeId, point]));
}

/** The view with this window, and without branch points of nodes that are not in it. */
function showWindow(view: SessionView, window: PathWindow, branches: SessionView['branches']): SessionView {
  return { ...view, window, branches: pick(branches, window.nodes) };
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
      return {
        ...turn,
        step: event.step,
        correlationId: event.correlationId,
        retry: null,
        interrupted: false,
      };
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
    case 'turn-waiting':
      return { ...turn, waits: event.waits, interrupted: false };
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
  return {
    turnId,
    step: 0,
    correlationId: null,
    text: '',
    reasoning: '',
    toolCalls: [],
    retry: null,
    waits: [],
    interrupted: false,
  };
}

/** What streamed is history now: the committed nodes show it. */
function settle(turn: LiveTurn | null): LiveTurn | null {
  if (turn === null) return null;
  const { text, reasoning, toolCalls, retry } = turn;
  if (text === '' && reasoning === '' && toolCalls.length === 0 && retry === null) return turn;
  return { ...turn, text: '', reasoning: '', toolCalls: [], retry: null };
}
