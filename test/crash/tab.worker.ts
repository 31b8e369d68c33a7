import { toWireError } from '../../src/core/error.ts';
import { IndexedDbDatabase } from '../../src/stores/indexeddb/rows/database.ts';
import { findFaults, readRows } from '../stores/raw-check.ts';
import { answerCalls } from './answer-calls.ts';
import { type OpenScripted, openScripted } from './open-scripted.ts';
import type { TabEnd } from './tab-report.ts';
import { outcomesOf, turnRowFaults } from './turn-nodes.ts';
import { type Place, tellOutside } from './turn-script.ts';

/** One tab of several that have the same session open. Answers are data; errors come as their codes. */
const DATABASE = 'tabs';

/** How long text is shown: long enough to be recorded. */
const TEXT_MS = 300;
const TOOL_MS = 30;

let database: IndexedDbDatabase | undefined;
let opened: OpenScripted | undefined;

function session(): OpenScripted['runtime'] {
  if (opened === undefined) throw new Error('not opened');
  return opened.runtime;
}

/** Opens a session, or makes it, and closes the one before. */
async function open(tab: string, url: string, sessionId: string, mode: 'create' | 'open'): Promise<void> {
  await opened?.runtime.close();
  database ??= IndexedDbDatabase.open(DATABASE);
  const outside = async (what: string, turnId: string): Promise<number> =>
    await tellOutside(`${url}.${turnId}`, what, tab);
  const at = async (place: Place): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, place.endsWith('text') ? TEXT_MS : TOOL_MS));
  };
  opened = await openScripted(database, { outside, at }, mode, sessionId);
  opened.runtime.subscribe((event) => {
    // Who hears of it only counts, and may be gone.
    if (event.type === 'writer-changed' && event.writer === 'here')
      outside('writer', 'all').catch(() => undefined);
  });
  opened.approve();
}

/** Asks for a turn, or asks again; resolves with how that was answered, which is told outside first. */
async function ask(tab: string, url: string, inputId: string): Promise<string> {
  const { accepted } = session().turn(inputId, { inputId, whenRunning: 'queue' });
  try {
    await accepted;
  } catch (error) {
    return toWireError(error).code;
  }
  await tellOutside(`${url}.${inputId}`, 'accepted', tab);
  return 'accepted';
}

/** Whether nothing is left to do, as this tab sees it. */
async function isOver(): Promise<boolean> {
  const pending = await session().pendingTurns();
  return pending.length === 0 && session().view().turn === null;
}

/** The turns of a session that are stored as ended. */
async function ended(sessionId: string): Promise<readonly string[]> {
  const { turns } = await readRows(DATABASE);
  const mine = turns.filter((turn) => turn.sessionId === sessionId && turn.status === 'ended');
  return mine.map(({ turnId }) => turnId);
}

/** What became of the turns of a session in which nothing is left to do. */
async function end(sessionId: string, inputIds: readonly string[]): Promise<TabEnd> {
  const violations = [...(await findFaults(DATABASE, false))];
  for (const inputId of inputIds) {
    const { status, reason } = await session().turn(inputId, { inputId }).result;
    if (status !== 'completed') violations.push(`${inputId} ended ${status}: ${reason}`);
  }
  const rows = await readRows(DATABASE);
  const { leaf } = session().view().head;
  violations.push(...turnRowFaults(rows, sessionId, inputIds, { leaf, others: 0 }));
  return { violations, leaf, outcomes: inputIds.map((inputId) => outcomesOf(rows, inputId)) };
}

/** Where the session stands, as this tab shows it. */
async function shown(): Promise<string | null> {
  await session().wake();
  return session().view().head.leaf;
}

answerCalls({ open, ask, isOver, ended, end, shown });
