import type { ChildSession, ChildSessions } from '../contract/child-sessions.ts';
import {
  definePlugin,
  type HookContext,
  type Plugin,
  type PluginHooks,
  type PluginNode,
} from '../contract/plugin.ts';
import { cutText } from '../core/cut-text.ts';
import { isLashError, LashError } from '../core/error.ts';
import { type JsonObject, utf8Length } from '../core/json.ts';
import type { SessionNode } from '../core/node.ts';
import type { SessionPolicy } from '../core/policy.ts';
import { lengthWithin } from '../core/token-estimate.ts';
import { cleared, shortened } from './internal/lighter-node.ts';
import { rollingView, type ViewLimits } from './internal/rolling-view.ts';
import { SUMMARY_TYPE, summaryMessage } from './internal/summary-node.ts';
import { type SummaryPlan, summaryPlan, summaryRequest } from './internal/summary-plan.ts';
import { uncoveredPath } from './internal/uncovered-path.ts';

/** Options of {@link rollingHistory}. */
export interface RollingHistoryOptions {
  /** How many tokens the model is shown of a session at most. Default: what its context has room for. */
  readonly maxContextTokens?: number;
  /** From which part of that on old tool results and images are left out. Default: 0.6. */
  readonly clearAt?: number;
  /** From which part of that on old turns are summarised. Default: 0.8. */
  readonly summariseAt?: number;
  /** How many tokens of the newest turns a summary leaves as they are. Default: 20,000, and at most a quarter of the whole. */
  readonly keepRecentTokens?: number;
  /** How many tokens of old tool results are not left out. Default: 40,000, and at most a quarter of the whole. */
  readonly protectedToolTokens?: number;
  /** How many of the newest turns are not old. Default: 2. */
  readonly recentTurns?: number;
  /** What a summary is made with: a cheaper model, say. Default: what the session is run with. */
  readonly policy?: Partial<SessionPolicy>;
  /** What a summary has to mind besides, in words to whoever writes it. */
  readonly instructions?: string;
  /** How long a summary may take, in milliseconds. Default: 120,000. The turn ends behind it. */
  readonly timeoutMs?: number;
}

/** How far back a path is read that no summary ends, in budgets. */
const READ_BUDGETS = 4;

/** Behind so many turns at most a summary that fails is tried again: each attempt sends a whole transcript, and what waits grows. */
const MOST_TURNS_BETWEEN = 4;

/** Which part of the budget a summary may take. */
const SUMMARY_PART = 1 / 8;

/** No summary is longer, in bytes of JSON: it has to fit a node. */
const MOST_BYTES = 60 * 1024;

/** No summary is made that may not take so many tokens: it would say nothing, and stand for all the same. */
const LEAST_TOKENS = 100;

/** How much of a result is read for a summary, in bytes. */
const RESULT_BYTES = 1000;

/** What children are known by that make summaries. */
const SOURCE = 'compaction';
const TITLE = 'Summary';

/** What the last model call of a turn was shown. */
interface Shown {
  readonly turnId: string;
  readonly tokens: number;
  readonly budget: number;
  readonly isShort: boolean;
}

/**
 * Keeps what the model is shown within its context, however long the session is. Old tool results and images are left out first;
 * then old turns are summarised by a child session, when a turn ends, and the model is shown the newest summary on the path
 * in their place. Nothing of the history changes: a summary is a node behind the turn's answer (`rolling-history.summary`), and
 * belongs to its branch. A summary that fails is a warning, and is tried again after the next turn, then after two, then after
 * each fourth; behind a turn that was stopped none is made. Of the child sessions that made summaries (source `compaction`, title
 * `Summary`) the newest one stays stored, the older ones are deleted.
 *
 * @throws `InvalidInput` for an option that is out of range
 */
export function rollingHistory(options: RollingHistoryOptions = {}): Plugin {
  checkOptions(options);
  const { timeoutMs = 120_000 } = options;
  return definePlugin({
    id: 'rolling-history',
    version: 1,
    priority: 100,
    timeoutMs,
    build: () => hooksOf(options),
  });
}

function hooksOf(options: RollingHistoryOptions): PluginHooks<null> {
  const { maxContextTokens = Infinity, summariseAt = 0.8 } = options;
  let shown: Shown | null = null;
  let failures = 0;
  let turnsToWait = 0;
  return {
    viewContext: async (newest, { turnId, path, budgetTokens }) => {
      const budget = Math.min(budgetTokens, maxContextTokens);
      // What the engine's own choice leaves out comes back without results: it is old, and read each time.
      const reading = { newest, older: cleared, maxTokens: READ_BUDGETS * budget };
      const { summary, nodes } = await uncoveredPath(path, reading);
      const front = summary === null ? null : summaryMessage(summary.node, summary.said);
      const view = rollingView(
        nodes,
        front,
        viewLimits(options, budget, (node) => path.tokensOf(node)),
      );
      shown = { turnId, budget, tokens: view.tokens, isShort: view.isShort };
      return view.nodes;
    },
    afterTurn: async ({ status }, context) => {
      const last = shown;
      shown = null;
      // Whoever stopped it waits for its end.
      if (status === 'cancelled') return undefined;
      // Where another tab made the turn's calls, the next turn says how long the path is.
      if (last?.turnId !== context.turnId) return undefined;
      if (!last.isShort && last.tokens <= summariseAt * last.budget) return undefined;
      if (turnsToWait > 0) {
        turnsToWait--;
        return undefined;
      }
      const made = await summarise(context, last.budget, options).catch((error: unknown) => {
        const isStopped = isLashError(context.signal.reason, 'Cancelled');
        if (!isStopped) turnsToWait = Math.min(2 ** failures++, MOST_TURNS_BETWEEN) - 1;
        throw error;
      });
      failures = 0;
      return made === null ? undefined : [made];
    },
  };
}

function viewLimits(
  options: RollingHistoryOptions,
  budget: number,
  tokensOf: ViewLimits['tokensOf'],
): ViewLimits {
  const { clearAt = 0.6, recentTurns = 2 } = options;
  const protectedTools = Math.min(options.protectedToolTokens ?? 40_000, budget / 4);
  return { budget, clearAt: clearAt * budget, protectedTools, recentTurns, tokensOf };
}

/** A new summary; `null` where there is nothing to summarise yet. @throws `Error` if none is made */
async function summarise(
  { path, sessions, signal }: HookContext<null>,
  budget: number,
  options: RollingHistoryOptions,
): Promise<PluginNode | null> {
  const { policy, instructions } = options;
  const maxTokens = Math.floor(Math.min(SUMMARY_PART * budget, MOST_BYTES / 4));
  if (maxTokens < LEAST_TOKENS) return null;
  const older = (node: SessionNode): SessionNode => shortened(node, RESULT_BYTES);
  const reading = { newest: [], older, maxTokens: READ_BUDGETS * budget };
  const { summary, nodes } = await uncoveredPath(path, reading);
  const plan = summaryPlan(nodes, {
    keepRecent: Math.min(options.keepRecentTokens ?? 20_000, budget / 4),
    // Half of a context: the rest is for the prompt, the summary before, and the answer.
    maxTokens: Math.min(budget, policy?.maxContextTokens ?? Infinity) / 2,
    tokensOf: (node) => path.tokensOf(node),
  });
  if (plan === null) return null;
  const request = summaryRequest(plan.transcript, summary?.said.text, Math.floor(maxTokens / 2));
  const told = instructions === undefined ? request : `${request}\n\n${instructions}`;
  const child = await openChild(sessions, policy);
  // That of the summary on the path goes once the new one is stored; what stays for another reason, with the next one.
  const kept = [child.sessionId, summary?.said.childSessionId];
  await deleteOlder(sessions, kept).catch(() => undefined);
  const text = await answerOf(child, told, signal);
  return summaryNode(plan, fitting(cutText(text, lengthWithin(text, maxTokens))), child.sessionId);
}

/** The beginning of a text that fits a node. */
function fitting(text: string): string {
  const bytes = utf8Length(JSON.stringify(text));
  if (bytes <= MOST_BYTES) return text;
  return fitting(cutText(text, Math.floor((text.length * MOST_BYTES) / bytes)));
}

function summaryNode({ nodes, beforeTurn }: SummaryPlan, text: string, childSessionId: string): PluginNode {
  const covers: JsonObject = {
    from: nodes[0]?.id ?? null,
    to: nodes.at(-1)?.id ?? null,
    nodes: nodes.length,
    beforeTurn,
  };
  return { pluginType: SUMMARY_TYPE, data: { version: 1, text, covers, childSessionId } };
}

async function openChild(
  sessions: ChildSessions,
  policy: Partial<SessionPolicy> | undefined,
): Promise<ChildSession> {
  const own = policy === undefined ? {} : { policy };
  return await sessions.open({ key: 'summary', source: SOURCE, title: TITLE, tools: [], ...own });
}

/** A child says how its summary came about; those of older ones go, whoever had them made, on any branch. */
async function deleteOlder(sessions: ChildSessions, kept: readonly (string | undefined)[]): Promise<void> {
  const older: string[] = [];
  let after: string | undefined;
  do {
    const page = await sessions.list(after === undefined ? {} : { after });
    for (const { sessionId, title, parent } of page.items)
      if (!kept.includes(sessionId) && title === TITLE && parent?.source === SOURCE) older.push(sessionId);
    after = page.next ?? undefined;
  } while (after !== undefined);
  await Promise.all(older.map(async (sessionId) => await sessions.delete(sessionId)));
}

/** What a child answers. One that does not is not kept. @throws `Error` if it does not */
async function answerOf(child: ChildSession, request: string, signal: AbortSignal): Promise<string> {
  const { status, error, text } = await child.turn(request, { signal });
  const answer = text.trim();
  if (status === 'completed' && answer !== '') return answer;
  await child.delete();
  throw new Error(
    `no summary was made: ${error?.message ?? (status === 'completed' ? 'it is empty' : status)}`,
  );
}

function checkOptions(options: RollingHistoryOptions): void {
  const { clearAt = 0.6, summariseAt = 0.8, recentTurns = 2 } = options;
  const { maxContextTokens = 1, keepRecentTokens = 1, protectedToolTokens = 1, timeoutMs = 1 } = options;
  refuse('clearAt', 'must be between 0 and 1', !(clearAt > 0 && clearAt <= 1));
  refuse('summariseAt', 'must be between 0 and 1', !(summariseAt > 0 && summariseAt <= 1));
  refuse(
    'recentTurns',
    'must be a whole number from 1 on',
    !(Number.isSafeInteger(recentTurns) && recentTurns > 0),
  );
  for (const [path, value] of Object.entries({
    maxContextTokens,
    keepRecentTokens,
    protectedToolTokens,
    timeoutMs,
  }))
    refuse(path, 'must be a number from 0 on', !(value >= 0));
}

function refuse(path: string, reason: string, isWrong: boolean): void {
  if (isWrong) throw new LashError('InvalidInput', `${path} ${reason}`, { path, reason });
}
