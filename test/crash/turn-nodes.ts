import type { NodeBody, NodeDraft } from '../../src/core/node.ts';
import { addUsage, NO_USAGE, totalUsage } from '../../src/core/usage.ts';
import type { StoredRows } from './stored-rows.ts';
import type { TurnEndReport } from './turn-report.ts';
import { SCRIPT_TOOLS } from './turn-script.ts';

/** What the script's turn leaves on the path. */
export const TURN_NODES = ['user', 'assistant', 'look', 'pay', 'assistant', 'erase', 'assistant'];

/** What a turn committed, in its order. */
export function nodesOf({ segments }: StoredRows, turnId: string): readonly NodeBody[] {
  return segments
    .filter(({ operationId }) => operationId.startsWith(`${turnId}/`))
    .toSorted((one, other) => one.firstSeq - other.firstSeq)
    .flatMap(({ nodes }) => (JSON.parse(nodes) as readonly NodeDraft[]).map(({ body }) => body));
}

/** A node in a word. */
export function nodeName(body: NodeBody): string {
  if (body.kind === 'conversation') return body.message.role;
  return body.kind === 'tool' ? body.invocation.tool : body.pluginType;
}

/** How each tool of a turn that has ended came out. */
export function outcomesOf(rows: StoredRows, turnId: string): TurnEndReport['outcomes'] {
  const nodes = nodesOf(rows, turnId);
  const outcomes = SCRIPT_TOOLS.map((tool) => {
    const calls = nodes.flatMap((body) =>
      body.kind === 'tool' && body.invocation.tool === tool ? [body.invocation.outcome] : [],
    );
    return [tool, calls.map((one) => (one.status === 'failure' ? one.code : one.status)).join()];
  });
  return Object.fromEntries(outcomes) as TurnEndReport['outcomes'];
}

/** What is wrong with the rows of a session whose turns are these, each of which has to have ended once, beside `others` nodes. */
export function turnRowFaults(
  rows: StoredRows,
  sessionId: string,
  turnIds: readonly string[],
  { leaf, others }: { readonly leaf: string | null; readonly others: number },
): readonly string[] {
  const faults: string[] = [];
  const say = (text: string): void => void faults.push(text);
  const head = rows.heads.find((row) => row.sessionId === sessionId);
  if (head?.kind !== 'live') return ['the session is gone'];
  if (head.leaf !== leaf) say(`the leaf is ${head.leaf}, not ${leaf}`);
  const count = TURN_NODES.length * turnIds.length + others;
  if (head.nodeCount !== count) say(`${head.nodeCount} nodes are stored, not ${count}`);
  const ofSession = rows.segments.filter((row) => row.sessionId === sessionId);
  const mine = ofSession.filter(({ operationId }) => turnIds.some((id) => operationId.startsWith(`${id}/`)));
  if (new Set(mine.map(({ chain }) => chain)).size !== 1) say('the turns do not lie on one path');
  let used = NO_USAGE;
  for (const turnId of turnIds) {
    const nodes = nodesOf(rows, turnId);
    const names = nodes.map(nodeName);
    if (!isSame(names, TURN_NODES)) say(`the nodes of ${turnId} are ${names.join()}`);
    for (const body of nodes) {
      if (body.kind === 'conversation') used = addUsage(used, body.usage ?? NO_USAGE);
    }
  }
  if (!isSame(totalUsage(head.ledger), used)) say('the ledger is not what the nodes used');
  const turns = rows.turns.filter((row) => row.sessionId === sessionId);
  for (const { turnId, status } of turns) if (status !== 'ended') say(`${turnId} is ${status}`);
  const known = turns.map(({ turnId }) => turnId).toSorted((one, other) => one.localeCompare(other));
  if (!isSame(known, turnIds)) say(`the turns are ${known.join()}`);
  for (const store of ['journal', 'signals'] as const) {
    if (rows[store].some((row) => row.sessionId === sessionId)) say(`something is left in ${store}`);
  }
  return faults;
}

export function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
