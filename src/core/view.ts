import type { BranchPoint } from './branch-point.ts';
import type {
  PathWindow,
  PluginsShown,
  SessionEvent,
  SessionHead,
  SessionWriter,
  TurnActivity,
} from './event.ts';
import type { LiveToolCall, LiveTurn } from './live-turn.ts';
import { newestOf, oldestOf, PAGE_BOUNDS, type WindowBounds } from './path-window.ts';
import type { PendingTurn } from './pending-turn.ts';
import { showTask } from './shown-tasks.ts';
import type { BackgroundTaskRecord } from './task.ts';
import type { TurnResult } from './turn-result.ts';

/** What ends the part of a path that can be read. `nodeId` is the node that cannot, if it has a name. */
export interface PathDamage {
  readonly nodeId: string | null;
  readonly reason: string;
}

/** A turn that is over, and what the runtime warned of in it. */
export interface EndedTurn {
  readonly turnId: string;
  readonly result: TurnResult;
  readonly warnings: readonly string[];
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
  readonly lastTurn: EndedTurn | null;
  /** Who may write now, as far as this tab knows. Whoever does not yet write takes the lease first, or fails to. */
  readonly writer: SessionWriter;
  /** Set when what is shown is only the part of the path before something that cannot be read (law ST6). */
  readonly damage: PathDamage | null;
  readonly plugins: PluginsShown;
  /** Background tasks, oldest first: all that have not ended, and the newest of those that have. */
  readonly tasks: readonly BackgroundTaskRecord[];
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
      const start = head.depth - nodes.length;
      const settled = { ...settle(view, head), branches: withTip(view.branches, head.leaf) };
      return show(settled, goOn(view, start, { start, nodes }, bounds));
    }
    case 'head-changed':
      return { ...view, head: event.head };
    case 'path-changed': {
      const { head, kept, window, branches } = event;
      return show(settle(view, head), goOn(view, kept, window, bounds), branches, window.start);
    }
    case 'branches-changed':
      return show(view, view.window, event.branches, event.start);
    case 'title-changed':
      return event.title === view.title ? view : { ...view, title: event.title };
    case 'writer-changed':
      return event.writer === view.writer ? view : { ...view, writer: event.writer };
    case 'plugins-changed':
      return { ...view, plugins: event.plugins };
    case 'task-changed':
      return { ...view, tasks: showTask(view, event.task) };
    case 'queue-changed':
      return view.queue.length === 0 && event.queue.length === 0 ? view : { ...view, queue: event.queue };
    case 'turn-joined':
      return { ...view, turn: event.turn };
    case 'session-deleted':
      return view.turn === null ? view : { ...view, turn: null };
    case 'turn-finished':
      return { ...view, turn: null, lastTurn: endedTurn(view, event) };
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
  const { parentId } = nodes[0] ?? { parentId: view.head.leaf };
  if (older.nodes.at(-1)?.id !== parentId) return view;
  const added = newestOf(older, PAGE_BOUNDS);
  const window = oldestOf({ start: added.start, nodes: [...added.nodes, ...nodes] }, PAGE_BOUNDS);
  return show(view, window, branches);
}

/** The view with the newest nodes of the path, if `newest` ends with its leaf; else the view itself. */
export function showNewest(
  view: SessionView,
  newest: PathWindow,
  branches: readonly BranchPoint[],
): SessionView {
  if ((newest.nodes.at(-1)?.id ?? null) !== view.head.leaf) return view;
  return show(view, newestOf(newest, PAGE_BOUNDS), branches, 0);
}

/** Branch points by the id of the node on the path. */
export function indexBranches(branches: readonly BranchPoint[]): Readonly<Record<string, BranchPoint>> {
  return Object.fromEntries(branches.map((point) => [point.nodeId, point]));
}

/** The branch points of a path that was just appended to: its leaf is what was last written below each of its nodes. */
function withTip(
  branches: Readonly<Record<string, BranchPoint>>,
  leaf: string | null,
): Readonly<Record<string, BranchPoint>> {
  const points = Object.values(branches);
  if (leaf === null || points.length === 0) return branches;
  return indexBranches(
    points.map(({ nodeId, siblings }) => ({
      nodeId,
      siblings: siblings.map((sibling) => (sibling.nodeId === nodeId ? { nodeId, tip: leaf } : sibling)),
    })),
  );
}

/**
 * The window once the path shares its first `kept` nodes with the one before, and `newest` ends it: a reader stays with
 * what is still on the path, and sees what follows on it.
 */
function goOn(
  { head, window }: SessionView,
  kept: number,
  newest: PathWindow,
  bounds: WindowBounds,
): PathWindow {
  const { start, nodes } = window;
  const end = start + nodes.length;
  if (end <= kept && end < head.depth) return window;
  const before = nodes.slice(0, newest.start - start);
  const follows = newest.start <= kept && newest.start === start + before.length;
  return newestOf(follows ? { start, nodes: [...before, ...newest.nodes] } : newest, bounds);
}

/** The view with this window. Its branch points are `branches`, and before depth `from` also those that it had. */
function show(
  view: SessionView,
  window: PathWindow,
  branches: readonly BranchPoint[] = [],
  from = Infinity,
): SessionView {
  const told = indexBranches(branches);
  const points = indexBranches(
    window.nodes.flatMap(({ id }, at) => (told[id] ?? (window.start + at < from && view.branches[id])) || []),
  );
  const same = JSON.stringify(points) === JSON.stringify(view.branches);
  if (same && window === view.window) return view;
  return { ...view, window, branches: same ? view.branches : points };
}

function endedTurn(
  { turn }: SessionView,
  { turnId, result }: Extract<TurnActivity, { readonly type: 'turn-finished' }>,
): EndedTurn {
  return { turnId, result, warnings: turn?.turnId === turnId ? turn.warnings : [] };
}

function reduceTurn(turn: LiveTurn | null, event: TurnActivity): LiveTurn | null {
  if (event.type === 'turn-started') {
    return { turnId: event.turnId, step: 0, correlationId: null, warnings: [], ...NOTHING_LIVE };
  }
  if (turn === null || event.turnId !== turn.turnId) return turn;
  if (event.type === 'step-started') {
    const { step, correlationId } = event;
    return { ...turn, step, correlationId, retry: null, interrupted: false };
  }
  if ('correlationId' in event && event.correlationId !== turn.correlationId) return turn;
  switch (event.type) {
    case 'text-delta':
      return { ...turn, text: turn.text + event.text };
    case 'reasoning-delta':
      return { ...turn, reasoning: turn.reasoning + event.text };
    case 'attempt-withdrawn':
      return turn.text + turn.reasoning === '' ? turn : { ...turn, text: '', reasoning: '' };
    case 'warning':
      if (turn.warnings.includes(event.message)) return turn;
      return { ...turn, warnings: [...turn.warnings, event.message] };
    case 'turn-waiting': {
      const others = turn.waits.filter(({ childSessionId }) => childSessionId !== event.childSessionId);
      return { ...turn, waits: [...others, ...event.waits], interrupted: false };
    }
    case 'retry-scheduled':
      return { ...turn, retry: { attempt: event.attempt, waitMs: event.waitMs, error: event.error } };
    case 'tool-started': {
      const { callId, tool, args } = event;
      return { ...turn, toolCalls: [...turn.toolCalls, { callId, tool, args }] };
    }
    case 'tool-progress':
      return withCall(turn, event.callId, { progress: event.progress });
    case 'tool-completed':
      return withCall(turn, event.callId, { outcome: event.outcome });
    default:
      return turn;
  }
}

function withCall(turn: LiveTurn, callId: string, change: Partial<LiveToolCall>): LiveTurn {
  const at = turn.toolCalls.findIndex((call) => call.callId === callId);
  const call = turn.toolCalls[at];
  return call === undefined ? turn : { ...turn, toolCalls: turn.toolCalls.with(at, { ...call, ...change }) };
}

/** What streamed is history now: the committed nodes show it. */
function settle(view: SessionView, head: SessionHead): SessionView {
  const { turn } = view;
  const shows =
    turn !== null && (turn.text + turn.reasoning !== '' || turn.toolCalls.length > 0 || turn.retry);
  return { ...view, head, turn: shows ? { ...turn, ...NOTHING_LIVE } : turn };
}

const NOTHING_LIVE = {
  text: '',
  reasoning: '',
  toolCalls: [],
  retry: null,
  waits: [],
  interrupted: false,
} as const;
