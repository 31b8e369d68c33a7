import type { Page } from 'playwright';

import { Seeded } from '../stores/seeded.ts';
import { BACK_ENDS } from '../support/back-ends.ts';
import { serveWorker } from '../support/built-worker.ts';
import { askWorker, removeDatabase } from './ask-worker.ts';
import { CrashBrowser } from './crash-browser.ts';
import { POINTS } from './gate.ts';
import { type Kills, KINDS, type Kind, shuffled, TWICE } from './kills.ts';
import { Outside } from './outside.ts';
import { differences } from './stored-rows.ts';
import { type Course, lawFaults } from './turn-law.ts';
import type {
  StoredStage,
  TurnEndReport,
  TurnProgress,
  TurnRecording,
  TurnRecovery,
  TurnStop,
} from './turn-report.ts';
import { MODEL_CALLS, PLACES, SCRIPT_TOOLS, type ScriptTool } from './turn-script.ts';
import { APPROVAL, SEAMS } from './turn-seams.ts';

/** What came out. */
export interface TurnOutcome {
  /** How many kills there were, by kind and by where. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many of these were followed by a second kill, while the next worker went on. */
  readonly twice: number;
  /** How many of them had another tab that followed, and went on. */
  readonly followed: number;
  /** How many points a turn has, and at how many of them something was killed. */
  readonly points: number;
  readonly covered: number;
  readonly violations: readonly string[];
}

export interface TurnKillOptions {
  readonly kills: Kills;
  readonly seed: number;
  readonly progress?: (text: string) => void;
}

interface TurnKill {
  readonly name: string;
  readonly kind: Kind;
  readonly stopAt: TurnStop;
  /** Where the next worker is killed too, if it comes there. */
  readonly again: TurnStop | undefined;
  /** Whether another tab follows, and goes on. */
  readonly isFollowed: boolean;
}

/** What is known after the kills of one turn. */
interface Aftermath {
  readonly found: readonly StoredStage[];
  readonly runsThen: readonly Course['runs'][];
  readonly callsThen: readonly Course['calls'][];
  readonly kills: number;
  readonly end: TurnEndReport;
  readonly faults: readonly string[];
}

/** One in so many kills has another tab that follows. */
const FOLLOWED = 4;

/** So many kills are under way between two reports. */
const BATCH = 100;

const STOPS: readonly TurnStop[] = [
  ...SEAMS.flatMap((_, transaction) => POINTS.map((point) => ({ transaction, point }))),
  ...PLACES.map((place) => ({ place })),
];

/** Kills turns wherever they can be killed, and checks what becomes of each. */
export async function runTurnKills({ kills, seed, progress }: TurnKillOptions): Promise<TurnOutcome> {
  const site = await serveWorker('test/crash/turn.worker.ts');
  const outside = await Outside.start();
  const browsers: CrashBrowser[] = [];
  const violations: string[] = [];
  const counts = new Map<string, number>();
  let twice = 0;
  try {
    for (const backEnd of BACK_ENDS) browsers.push(await CrashBrowser.launch(backEnd, site.url));
    const shapes = await recordOn(browsers, outside, (what) => void violations.push(what));
    const chosen = chooseKills(kills, seed);
    for (let from = 0; from < chosen.length; from += BATCH) {
      await Promise.all(
        browsers.map(async (browser, lane) => {
          for (let number = from + lane; number < from + BATCH; number += browsers.length) {
            const kill = chosen[number];
            if (kill === undefined) return;
            const { faults, kills: killed } = await killOnce(browser, outside, kill, shapes);
            if (killed > 1) twice++;
            const at = `${browser.backEnd}, ${JSON.stringify(kill)}`;
            violations.push(...faults.map((what) => `seed ${seed}, ${at}: ${what}`));
            for (const label of labelsOf(kill)) counts.set(label, (counts.get(label) ?? 0) + 1);
          }
        }),
      );
      const done = Math.min(from + BATCH, chosen.length);
      progress?.(`turns: ${done} of ${chosen.length} kills, ${violations.length} violations so far`);
    }
    const followed = chosen.filter(({ isFollowed }) => isFollowed).length;
    const covered = new Set(chosen.map(({ stopAt }) => stopAt)).size;
    return { counts, twice, followed, points: STOPS.length, covered, violations };
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    await outside.close();
    await site.close();
  }
}

/** How a kill is counted: by its kind, and by where it was. */
function labelsOf({ kind, stopAt }: TurnKill): readonly string[] {
  return [kind, 'place' in stopAt ? stopAt.place : stopAt.point];
}

/** Each kind goes through the points in an order of its own. */
function chooseKills(kills: Kills, seed: number): readonly TurnKill[] {
  const chance = new Seeded(seed);
  const chosen = KINDS.flatMap((kind) => {
    const order = shuffled(STOPS, chance);
    return Array.from({ length: kills[kind] }, (_, number): Omit<TurnKill, 'name'> => {
      const stopAt = order[number % order.length] ?? { place: 'in look' };
      const isFollowed = kind !== 'browser' && chance.below(FOLLOWED) === 0;
      const again = chance.below(TWICE) === 0 && !isFollowed ? chance.pick(STOPS) : undefined;
      return { kind, stopAt, again, isFollowed };
    });
  });
  return shuffled(chosen, chance).map((kill, number) => ({ ...kill, name: `turn-${seed}-${number}` }));
}

/** What is stored before and after each write, which has to be the same in every browser, and as it is known. */
async function recordOn(
  browsers: readonly CrashBrowser[],
  outside: Outside,
  say: (what: string) => void,
): Promise<readonly string[]> {
  let shapes: readonly string[] = [];
  for (const browser of browsers) {
    const name = `record-${browser.backEnd}`;
    const page = await browser.freshPage();
    const offPath = await prepare(page, outside, name);
    const args = [name, outside.urlOf(name), offPath];
    const recording = await askWorker<TurnRecording>(page, { name: 'record', args, terminates: true });
    const stored = browser.storedAs().join();
    if (stored !== browser.backEnd) throw new Error(`${browser.backEnd} stores as ${stored}`);
    await removeDatabase(page, name);
    for (const what of recording.end.violations) say(`nobody was killed: ${what}`);
    for (const what of lawFaults(courseOf(outside, name, undisturbed(recording), undefined))) say(what);
    const { seams, failed } = recording;
    if (JSON.stringify(seams) !== JSON.stringify(SEAMS) || failed.length > 0) {
      throw new Error(`the turn has other seams: ${JSON.stringify(seams, null, 2)}, undone ${failed.join()}`);
    }
    if (shapes.length > 0 && differences(shapes, recording.shapes).length > 0)
      say('two browsers store two things');
    ({ shapes } = recording);
  }
  return shapes;
}

function undisturbed({ end }: TurnRecording): Aftermath {
  return { found: [], runsThen: [], callsThen: [], kills: 0, end, faults: [] };
}

async function prepare(page: Page, outside: Outside, name: string): Promise<readonly string[]> {
  const args = [name, outside.urlOf(name)];
  return await askWorker<readonly string[]>(page, { name: 'prepare', args, terminates: false });
}

async function killOnce(
  browser: CrashBrowser,
  outside: Outside,
  kill: TurnKill,
  shapes: readonly string[],
): Promise<{ readonly faults: readonly string[]; readonly kills: number }> {
  try {
    const offPath = await prepare(await browser.freshPage(), outside, kill.name);
    const after = kill.isFollowed
      ? await goOnBeside(browser, outside, kill, offPath)
      : await goOnBehind(browser, outside, kill, offPath, shapes);
    const place = 'place' in kill.stopAt ? kill.stopAt.place : undefined;
    const law = lawFaults(courseOf(outside, kill.name, after, place));
    return { faults: [...after.faults, ...after.end.violations, ...law], kills: after.kills };
  } catch (error) {
    return { faults: [error instanceof Error ? error.message : String(error)], kills: 1 };
  } finally {
    outside.forget(kill.name);
  }
}

/** New workers go on, one after the other. */
async function goOnBehind(
  browser: CrashBrowser,
  outside: Outside,
  { name, kind, stopAt, again }: TurnKill,
  offPath: readonly string[],
  shapes: readonly string[],
): Promise<Aftermath> {
  const url = outside.urlOf(name);
  const first = await browser.freshPage();
  const args = [name, url, stopAt];
  const held = await askWorker<TurnProgress>(first, { name: 'runTo', args, terminates: kind === 'worker' });
  if (!held.isHeld) throw new Error('it did not come there');
  if (kind === 'renderer') await browser.crashPage();
  if (kind === 'browser') await browser.kill();
  let { isAccepted } = held;
  const found: StoredStage[] = [];
  const runsThen: Course['runs'][] = [];
  const callsThen: Course['calls'][] = [];
  const faults: string[] = [];
  for (const next of [again ?? null, null]) {
    runsThen.push(runsOf(outside, name));
    callsThen.push(callsOf(outside, name));
    const page = await browser.freshPage();
    const call = { name: 'recover', args: [name, url, offPath, next], terminates: next !== null };
    const recovery = await askWorker<TurnRecovery>(page, call);
    if (isAccepted && !recovery.found.isAccepted) faults.push('an accepted input is lost');
    if (found.length === 0) faults.push(...shapeFaults(stopAt, recovery.found.shape, shapes));
    faults.push(...recovery.violations);
    found.push(recovery.found);
    isAccepted ||= recovery.progress.isAccepted;
    if (recovery.end === null) continue;
    await removeDatabase(page, name);
    return { found, runsThen, callsThen, kills: found.length, end: recovery.end, faults };
  }
  throw new Error('nobody ended the turn');
}

/** Another tab follows, and goes on. */
async function goOnBeside(
  browser: CrashBrowser,
  outside: Outside,
  { name, kind, stopAt }: TurnKill,
  offPath: readonly string[],
): Promise<Aftermath> {
  const url = outside.urlOf(name);
  const first = await browser.freshPage();
  const other = await browser.otherPage();
  const follow = async (): Promise<void> =>
    await askWorker(other, { name: 'follow', args: [name, url], terminates: false });
  try {
    // Whoever follows may be faster than whoever approved; so it comes later where it would not be the first to die.
    const isLate = 'place' in stopAt || stopAt.transaction >= APPROVAL;
    if (!isLate) await follow();
    const call = { name: 'runTo', args: [name, url, stopAt], terminates: false };
    const held = await askWorker<TurnProgress>(first, call);
    if (!held.isHeld) throw new Error('it did not come there');
    const following = isLate ? follow() : Promise.resolve();
    // A transaction that does not end keeps it from opening.
    if (!('point' in stopAt && stopAt.point === 'open')) await following;
    if (kind === 'worker') await first.evaluate('worker.terminate()');
    else await browser.crashPage();
    await following;
    const end = await askWorker<TurnEndReport>(other, {
      name: 'goOn',
      args: [name, offPath],
      terminates: false,
    });
    await removeDatabase(other, name);
    return { found: [], runsThen: [], callsThen: [], kills: 1, end, faults: [] };
  } finally {
    await other.close();
  }
}

/** What is stored is what was stored before the write that was interrupted, or behind it. */
function shapeFaults(stopAt: TurnStop, found: string, shapes: readonly string[]): readonly string[] {
  if ('place' in stopAt) return [];
  const { transaction, point } = stopAt;
  const [before, behind] = [shapes[transaction], shapes[transaction + 1]];
  const allowed = { before: [before], open: [before], told: [before, behind], complete: [behind] }[point];
  return allowed.includes(found) ? [] : [`stored is: ${found}; and not: ${allowed.join(', or: ')}`];
}

function runsOf(outside: Outside, name: string): Course['runs'] {
  const runs = SCRIPT_TOOLS.map((tool) => [tool, outside.count(name, tool)]);
  return Object.fromEntries(runs) as Record<ScriptTool, number>;
}

function callsOf(outside: Outside, name: string): Course['calls'] {
  return MODEL_CALLS.map((call) => outside.count(name, call));
}

function courseOf(outside: Outside, name: string, after: Aftermath, place: Course['place']): Course {
  return { ...after, place, runs: runsOf(outside, name), calls: callsOf(outside, name) };
}
