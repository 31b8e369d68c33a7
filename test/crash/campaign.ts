import { Seeded } from '../stores/seeded.ts';
import { BACK_ENDS } from '../support/back-ends.ts';
import { serveWorker } from '../support/built-worker.ts';
import { askWorker, removeDatabase } from './ask-worker.ts';
import { CrashBrowser } from './crash-browser.ts';
import { type Boundary, POINTS } from './gate.ts';
import { type Kills, KINDS, type Kind, shuffled, sumOf, TWICE } from './kills.ts';
import type { Progress, Recording, Recovery } from './report.ts';
import type { ScriptPlan } from './script.ts';
import { differences } from './stored-rows.ts';

/** What came out. */
export interface Outcome {
  readonly kills: Kills;
  /** How many of these were followed by a second kill, while the next worker went on. */
  readonly twice: number;
  /** How many boundaries the scripts have, and at how many of them something was killed. */
  readonly boundaries: number;
  readonly covered: number;
  readonly violations: readonly string[];
}

/** How a campaign is run. A script has about 80 writing transactions a round. */
export interface CampaignOptions {
  readonly kills: Kills;
  readonly seed: number;
  readonly rounds: number;
  readonly progress?: (text: string) => void;
}

/** The lines of a database that was only opened. */
const EMPTY: readonly string[] = ['database {"key":"database"}'];

interface Kill {
  readonly name: string;
  readonly kind: Kind;
  readonly stopAt: Boundary;
  /** Where the next worker is killed too. */
  readonly again: Boundary | undefined;
}

/** Kills scripts at their boundaries, one script after the other, and checks what is left each time. */
export async function runCampaign({ kills, seed, rounds, progress }: CampaignOptions): Promise<Outcome> {
  const site = await serveWorker('test/crash/script.worker.ts');
  const browsers: CrashBrowser[] = [];
  const violations: string[] = [];
  const left = { ...kills };
  let [twice, boundaries, covered] = [0, 0, 0];
  try {
    for (const backEnd of BACK_ENDS) browsers.push(await CrashBrowser.launch(backEnd, site.url));
    for (let plan = { seed, rounds }; sumOf(left) > 0; plan = { ...plan, seed: plan.seed + 1 }) {
      const recording = await recordOn(browsers, plan);
      violations.push(...recording.violations.map((what) => `seed ${plan.seed}: ${what}`));
      const all = boundariesOf(recording);
      const chosen = chooseKills(all, left, plan);
      for (const { kind } of chosen) left[kind]--;
      twice += chosen.filter(({ again }) => again !== undefined).length;
      boundaries += all.length;
      covered += new Set(chosen.map(({ stopAt }) => stopAt)).size;
      await Promise.all(
        browsers.map(async (browser, lane) => {
          for (const kill of chosen.filter((_, number) => number % browsers.length === lane)) {
            const found = await killOnce(browser, plan, kill, recording);
            const at = `${browser.backEnd}, ${kill.kind}, ${JSON.stringify(kill)}`;
            violations.push(...found.map((what) => `seed ${plan.seed}, ${at}: ${what}`));
          }
        }),
      );
      progress?.(`seed ${plan.seed}: ${chosen.length} kills, ${violations.length} violations so far`);
    }
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
    await site.close();
  }
  return { kills, twice, boundaries, covered, violations };
}

/**
 * The kills of one script: of what is left as much as it takes to kill a worker at each boundary once. Each kind goes
 * through the boundaries in an order of its own.
 */
function chooseKills(all: readonly Boundary[], left: Kills, { seed }: ScriptPlan): readonly Kill[] {
  const chance = new Seeded(seed);
  const share = Math.min(1, all.length / Math.max(left.worker, 1));
  const chosen = KINDS.flatMap((kind) => {
    const order = shuffled(all, chance);
    return Array.from({ length: Math.ceil(left[kind] * share) }, (_, number): Omit<Kill, 'name'> => {
      const stopAt = order[number % order.length];
      if (stopAt === undefined) throw new Error('a script without boundaries');
      const isTwice = kind === 'worker' && number % TWICE === 0;
      const again = { transaction: chance.below(30), point: chance.pick(POINTS) ?? 'open' };
      return { kind, stopAt, again: isTwice ? again : undefined };
    });
  });
  return shuffled(chosen, chance).map((kill, number) => ({ ...kill, name: `crash-${seed}-${number}` }));
}

/** What a script can be killed at: the four points of each writing transaction that did not undo itself. */
function boundariesOf({ states, failed }: Recording): readonly Boundary[] {
  return states.flatMap((_, transaction) =>
    failed.includes(transaction) ? [] : POINTS.map((point) => ({ transaction, point })),
  );
}

/** A recording, which has to be the same one in every browser. */
async function recordOn(browsers: readonly CrashBrowser[], plan: ScriptPlan): Promise<Recording> {
  const recordings: Recording[] = [];
  for (const browser of browsers) {
    const page = await browser.freshPage();
    const name = `record-${plan.seed}`;
    recordings.push(
      await askWorker<Recording>(page, { name: 'record', args: [name, plan], terminates: false }),
    );
    const stored = browser.storedAs().join();
    if (stored !== browser.backEnd) throw new Error(`${browser.backEnd} stores as ${stored}`);
    await removeDatabase(page, name);
  }
  const [first, ...others] = recordings;
  if (first === undefined) throw new Error('no browser');
  for (const other of others) {
    if (JSON.stringify(other) !== JSON.stringify(first))
      throw new Error(`script ${plan.seed} has two courses`);
  }
  return first;
}

async function killOnce(
  browser: CrashBrowser,
  plan: ScriptPlan,
  { name, kind, stopAt, again }: Kill,
  recording: Recording,
): Promise<readonly string[]> {
  try {
    const page = await browser.freshPage();
    const terminates = kind === 'worker';
    const progress = await askWorker<Progress>(page, {
      name: 'runTo',
      args: [name, plan, stopAt],
      terminates,
    });
    if (!progress.killed) return ['it came to no boundary'];
    if (kind === 'renderer') await browser.crashPage();
    if (kind === 'browser') await browser.kill();
    const recoveries = await recoverFrom(browser, plan, name, progress, again);
    return [
      ...stateFaults(stopAt, recording, progress, recoveries),
      ...recoveries.flatMap(({ violations }) => violations),
    ];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** What the next worker found, and if that one is killed too, the one after it. */
async function recoverFrom(
  browser: CrashBrowser,
  plan: ScriptPlan,
  name: string,
  progress: Progress,
  again: Boundary | undefined,
): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = [];
  const told = [...progress.told];
  let { begun } = progress;
  for (const stopAt of [again ?? null, null]) {
    const page = await browser.freshPage();
    const args = [name, plan, { begun, told }, recoveries.length + 1, stopAt];
    const recovery = await askWorker<Recovery>(page, { name: 'recover', args, terminates: stopAt !== null });
    recoveries.push(recovery);
    if (!recovery.progress.killed) {
      await removeDatabase(page, name);
      return recoveries;
    }
    begun = recovery.progress.begun;
    told.push(...recovery.progress.told);
  }
  return recoveries;
}

/**
 * The state is the one after the last transaction or, where its outcome is unknown, the one before it; receipts are those
 * of the recording, and so is the end.
 */
function stateFaults(
  { transaction, point }: Boundary,
  { states, stepOf, told, end }: Recording,
  progress: Progress,
  recoveries: readonly Recovery[],
): readonly string[] {
  const faults: string[] = [];
  const found = recoveries[0]?.lines ?? [];
  const isBefore = differences(found, states[transaction - 1] ?? EMPTY);
  const isAfter = differences(found, states[transaction] ?? EMPTY);
  const isEither = isBefore.length > 0 ? isAfter : [];
  const wrong = { before: isBefore, open: isBefore, told: isEither, complete: isAfter }[point];
  if (wrong.length > 0) faults.push(`the state is another one\n${wrong.join('\n')}`);
  if (progress.begun !== stepOf[transaction]) {
    faults.push(`${progress.begun} steps were acknowledged, not ${stepOf[transaction]}`);
  }
  if (JSON.stringify(progress.told) !== JSON.stringify(told.slice(0, progress.told.length))) {
    faults.push('another receipt than in the recording');
  }
  const last = differences(recoveries.at(-1)?.end ?? [], end);
  if (last.length > 0) faults.push(`the end is another one\n${last.join('\n')}`);
  return faults;
}
