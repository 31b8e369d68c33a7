import type { JournalEntry } from '../../src/runtime/turn/turn-journal.ts';
import type { StoredRows } from './stored-rows.ts';
import { nodeName, nodesOf } from './turn-nodes.ts';
import type { CallRecord, StoredStage } from './turn-report.ts';
import { SCRIPT_TOOLS, type ScriptTool, TOOL_EFFECTS } from './turn-script.ts';

/** How far a turn came, as its rows tell, without what reads them for a living. */
export function stageOf(rows: StoredRows, turnId: string): StoredStage {
  const turn = rows.turns.find((row) => row.turnId === turnId);
  const journal = rows.journal.filter((row) => row.turnId === turnId);
  const signals = rows.signals.filter((row) => row.turnId === turnId);
  const nodes = nodesOf(rows, turnId);
  const entries = journal.filter(({ seq }) => seq > 0).map(({ text }) => JSON.parse(text) as JournalEntry);
  const recorded = entries.filter(({ input }) => input?.type === 'model-answered').length;
  const committed = nodes.filter((body) => nodeName(body) === 'assistant');
  const epoch = rows.heads.map((head) => (head.kind === 'live' ? head.epoch : 0)).join();
  const counts = `${nodes.length} nodes, ${journal.length} journal, ${signals.length} signals`;
  const callOf = (name: ScriptTool): CallRecord => {
    const effect = TOOL_EFFECTS[name];
    const isCommitted = nodes.some((body) => body.kind === 'tool' && body.invocation.tool === name);
    const isRecorded = entries.some(
      ({ input }) => input?.type === 'tool-finished' && input.effect === effect,
    );
    if (isCommitted || isRecorded) return 'ended';
    return entries.some(({ started }) => started?.includes(effect)) ? 'started' : 'not started';
  };
  return {
    shape: `${turn?.status ?? 'no turn'}, epoch ${epoch}, ${counts}`,
    isAccepted: turn !== undefined,
    answers: committed.length + recorded,
    calls: Object.fromEntries(SCRIPT_TOOLS.map((name) => [name, callOf(name)])) as StoredStage['calls'],
  };
}
