import type { SessionNode } from '../../core/node.ts';
import { cleared, shortened, withoutImages } from './lighter-node.ts';
import { stepsOf, turnsOf } from './path-turns.ts';

/** What a view has to keep to, in tokens, as whoever estimates them says. */
export interface ViewLimits {
  /** What all of it may take. */
  readonly budget: number;
  /** From here on old results and images are left out. */
  readonly clearAt: number;
  /** What results of old turns may take that stay. */
  readonly protectedTools: number;
  /** How many of the newest turns are not old. */
  readonly recentTurns: number;
  tokensOf(node: SessionNode): number;
}

/** What a model is shown. */
export interface RollingView {
  readonly nodes: readonly SessionNode[];
  readonly tokens: number;
  /** Whether turns had to be left out that no summary stands for. */
  readonly isShort: boolean;
}

interface Sized {
  readonly node: SessionNode;
  readonly tokens: number;
}

/** A cleared result may take so much, and so little may be left of one before it is cleared. */
const LEAST_RESULT_TOKENS = 64;

/**
 * What a model is shown of a path's end, with `summary` for what lies before it. A pure function. The first of these that
 * is enough is done, so that the view stays within its budget: old results and images are left out; then the oldest turns;
 * then, of the newest turn, the older steps' results; then those steps; then all but a part of the newest step's results; then
 * the summary. A call and its result are left out together.
 */
export function rollingView(
  path: readonly SessionNode[],
  summary: SessionNode | null,
  limits: ViewLimits,
): RollingView {
  const sized = (node: SessionNode): Sized => ({ node, tokens: limits.tokensOf(node) });
  const lighter = (item: Sized, change: (node: SessionNode) => SessionNode): Sized => {
    const node = change(item.node);
    if (node === item.node) return item;
    const changed = sized(node);
    return changed.tokens < item.tokens ? changed : item;
  };
  const head = summary === null ? [] : [sized(summary)];
  const { budget } = limits;
  let turns = turnsOf(path.map(sized));
  const shown = (isShort: boolean, front = head): RollingView => {
    const items = [...front, ...turns.flat()];
    return { nodes: items.map(({ node }) => node), tokens: sum(items), isShort };
  };

  if (sum([...head, ...turns.flat()]) <= limits.clearAt) return shown(false);
  turns = withoutOld(turns, limits, lighter);
  const left = newestWithin(turns, budget - sum(head));
  const isShort = left.length < turns.length;
  turns = left;
  if (sum([...head, ...turns.flat()]) <= budget) return shown(isShort);

  const [newest = []] = turns;
  const room = budget - sum(head);
  turns = [withinTurn(newest, room, lighter)];
  const view = shown(isShort);
  return view.tokens <= budget ? view : shown(true, []);
}

type Lighten = (item: Sized, change: (node: SessionNode) => SessionNode) => Sized;

/** Old turns without images, and without results beyond those that are protected, the newest of them. */
function withoutOld(
  turns: readonly Sized[][],
  { recentTurns, protectedTools }: ViewLimits,
  lighter: Lighten,
): readonly Sized[][] {
  const old = turns.slice(0, Math.max(0, turns.length - recentTurns));
  let kept = 0;
  const items = old.map((turn) => [...turn]);
  for (const turn of items.toReversed()) {
    for (let index = turn.length - 1; index >= 0; index--) {
      const item = turn[index] as Sized;
      if (item.node.body.kind === 'tool') kept += item.tokens;
      const isCleared = item.node.body.kind === 'tool' && kept > protectedTools;
      turn[index] = lighter(item, isCleared ? cleared : withoutImages);
    }
  }
  return [...items, ...turns.slice(old.length)];
}

/** The newest whole turns that fit, and the newest one whether it does or not. */
function newestWithin(turns: readonly Sized[][], room: number): readonly Sized[][] {
  let tokens = 0;
  let start = turns.length;
  while (start > 0) {
    tokens += sum(turns[start - 1] as Sized[]);
    if (tokens > room && start < turns.length) break;
    start--;
  }
  return turns.slice(start);
}

/** A turn that alone is too long. What the user said in it stays. */
function withinTurn(turn: readonly Sized[], room: number, lighter: Lighten): Sized[] {
  const steps = stepsOf(turn);
  const newest = steps.at(-1) ?? [];
  const older = steps.slice(0, -1).map((step) => [...step]);
  let excess = sum(turn) - room;
  for (const step of older) {
    for (const [index, item] of step.entries()) {
      if (excess <= 0) break;
      step[index] = lighter(item, cleared);
      excess -= item.tokens - step[index].tokens;
    }
  }
  const left = older.map((step) => {
    if (excess <= 0) return step;
    const said = step.filter(({ node }) => isOfUser(node));
    excess -= sum(step) - sum(said);
    return said;
  });
  if (excess <= 0) return [...left.flat(), ...newest];
  const results = newest.filter(({ node }) => node.body.kind === 'tool');
  const each = Math.floor((sum(results) - excess) / Math.max(1, results.length));
  // Three bytes are at most one token, and a line says what is missing.
  const part = (node: SessionNode): SessionNode =>
    shortened(node, Math.max(1, (each - LEAST_RESULT_TOKENS) * 3));
  const change = each > 2 * LEAST_RESULT_TOKENS ? part : cleared;
  const fitted = (item: Sized): Sized =>
    [change, withoutImages, cleared].reduce(
      (fit, next) => (fit.tokens > each ? lighter(fit, next) : fit),
      item,
    );
  return [...left.flat(), ...newest.map((item) => (item.node.body.kind === 'tool' ? fitted(item) : item))];
}

function isOfUser({ body }: SessionNode): boolean {
  return body.kind === 'conversation' && body.message.role === 'user';
}

function sum(items: readonly Sized[]): number {
  return items.reduce((total, { tokens }) => total + tokens, 0);
}
