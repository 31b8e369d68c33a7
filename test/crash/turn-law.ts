import type { CallRecord, StoredStage, TurnEndReport } from './turn-report.ts';
import { MODEL_CALLS, type Place, SCRIPT_TOOLS, type ScriptTool } from './turn-script.ts';

/** What is known of one turn that was gone on with after kills. */
export interface Course {
  readonly kills: number;
  /** What was stored after each kill; empty where somebody else went on before that could be looked at. */
  readonly found: readonly StoredStage[];
  /** How often each tool had run after each kill, at least. */
  readonly runsThen: readonly Readonly<Record<ScriptTool, number>>[];
  readonly callsThen: readonly (readonly number[])[];
  /** How often each tool ran, and each answer was asked for, in the end. */
  readonly runs: Readonly<Record<ScriptTool, number>>;
  readonly calls: readonly number[];
  readonly end: TurnEndReport;
  /** The place where the first kill was, if it was at one. */
  readonly place: Place | undefined;
}

/** What law TU3 does not allow. */
export function lawFaults(course: Course): readonly string[] {
  const faults = SCRIPT_TOOLS.flatMap((tool) => toolFaults(course, tool));
  for (const [stage, name] of MODEL_CALLS.entries()) {
    const calls = course.calls[stage] ?? 0;
    const failed = name === 'model-1' ? 1 : 0;
    if (calls < 1 + failed || calls > 1 + failed + course.kills)
      faults.push(`${name} was called ${calls} times`);
    for (const [kill, { answers }] of course.found.entries()) {
      const then = course.callsThen[kill]?.[stage];
      if (answers > stage && calls !== then) faults.push(`${name} was called again after it had answered`);
    }
  }
  return faults;
}

function toolFaults(course: Course, tool: ScriptTool): readonly string[] {
  const { kills, found, runsThen, runs, end, place } = course;
  const faults: string[] = [];
  const outcome = end.outcomes[tool];
  const ran = runs[tool];
  const say = (text: string): void => void faults.push(`${tool} ran ${ran} times, ${outcome}: ${text}`);
  const records = found.map(({ calls }): CallRecord => calls[tool]);
  const started = records.filter((record) => record === 'started').length;
  for (const [kill, record] of records.entries()) {
    const then = runsThen[kill]?.[tool] ?? 0;
    if (record === 'not started' && then > 0) say('it ran before its start was stored');
    if (record === 'ended' && then !== ran) say('it ran again after its end was stored');
    if (record === 'started' && tool === 'look' && ran <= then) say('it did not run again');
  }
  const most = found.length === kills ? 1 + started : 1 + kills;
  if (tool === 'look') {
    if (outcome !== 'success') say('it may run again, and has no result');
    if (ran < 1 || ran > most) say(`it may run ${most} times`);
  } else {
    if (ran > 1) say('it may run once');
    if (outcome === 'success' && ran !== 1) say('it has a result');
    if (outcome !== 'success' && outcome !== 'ToolOutcomeUnknown') say('it may be unknown at most');
    const isUnknown = outcome !== 'success';
    if (found.length === kills && isUnknown !== started > 0) say('that is not what was found');
  }
  if (place === `in ${tool}` && kills === 1) {
    if (ran !== (tool === 'look' ? 2 : 1)) say('it had its effect before the kill');
  }
  return faults;
}
