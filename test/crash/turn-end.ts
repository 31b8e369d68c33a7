import { findFaults, readRows } from '../stores/raw-check.ts';
import { type OpenScripted, SESSION } from './open-scripted.ts';
import type { StoredRows } from './stored-rows.ts';
import { isSame, outcomesOf, TURN_NODES, turnRowFaults } from './turn-nodes.ts';
import type { TurnEndReport } from './turn-report.ts';
import { TURN_USAGE } from './turn-script.ts';

/** Whoever died told nobody that the turn is over; the other tabs find out within this time, in milliseconds. */
const SHOWN_WITHIN_MS = 60_000;

/** Asks for the turn until it has ended, and looks what is left of it and of what was stored before. */
export async function endTurn(
  { runtime, events }: OpenScripted,
  inputId: string,
  database: string,
  offPath: readonly string[],
): Promise<TurnEndReport> {
  const violations: string[] = [];
  const say = (text: string): void => void violations.push(text);
  const first = await runtime.turn(inputId, { inputId }).result;
  const again = await runtime.turn(inputId, { inputId }).result;
  for (const { status, reason, usage } of [first, again]) {
    if (status !== 'completed') say(`it ended ${status}: ${reason}`);
    if (!isSame(usage, TURN_USAGE)) say(`it used ${JSON.stringify(usage)}`);
  }
  if (first.leaf !== again.leaf) say(`it ended at ${first.leaf}, then at ${again.leaf}`);
  const pending = await runtime.pendingTurns();
  if (pending.length > 0) say(`not over: ${JSON.stringify(pending)}`);
  if (!(await isOverShown(runtime))) say('a turn shows that is over');
  const ends = events.filter((event) => event.type === 'turn-finished');
  if (ends.length > 1) say(`${ends.length} ends were told`);
  const { head } = runtime.view();
  if (!isSame(runtime.usage().total, TURN_USAGE)) say('another usage shows');
  if (head.depth !== TURN_NODES.length) say(`the path shows ${head.depth} nodes`);
  await runtime.close();
  const rows = await readRows(database);
  for (const fault of await findFaults(database, true)) say(fault);
  violations.push(...turnRowFaults(rows, SESSION, [inputId], { leaf: first.leaf, others: 1 }));
  if (!isSame(offPathOf(rows), offPath)) say('what lies off the path was changed');
  return { outcomes: outcomesOf(rows, inputId), violations };
}

/** Whether no turn shows any more, at once or when the tab finds out what nobody told it. */
async function isOverShown(runtime: OpenScripted['runtime']): Promise<boolean> {
  const end = Date.now() + SHOWN_WITHIN_MS;
  while (runtime.view().turn !== null && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return runtime.view().turn === null;
}

/** The rows of what was committed before the turn, as text. */
export function offPathOf({ segments, receipts }: StoredRows): readonly string[] {
  const mine = segments.filter(({ chain }) => chain === 0);
  const operations = new Set(mine.map(({ operationId }) => operationId));
  return [...mine, ...receipts.filter(({ operationId }) => operations.has(operationId))].map((row) =>
    JSON.stringify(row),
  );
}
